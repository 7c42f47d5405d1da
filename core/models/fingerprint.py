"""What tells models and tokenizers apart, whatever they are called."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from core.machine.base_models import ModelSpec
from core.models import vetting
from core.runs.origins import BaseIdentity
from core.store.files import plain

#: How the files end that say what a model computes.
TELLING = (".safetensors", ".json", ".jinja", ".model", ".txt")


def tokenizer_hash(tokenizer: Any) -> str:
    """Tells whether two tokenizers turn text into the same numbers."""
    known = json.dumps([sorted(tokenizer.get_vocab().items()), tokenizer.chat_template])
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def base_identity(model: Any, spec: ModelSpec) -> BaseIdentity:
    """Of the base in `spec.folder`, which was loaded as `model`: the same on every device, in every number format and
    in 4 bits, and however the files are cut. Raises `ModelError` for files that cannot be read."""
    vectors = [weight for weight in model.base_model.parameters() if weight.ndim == 1]
    norm = vectors[-1] if vectors else model.get_input_embeddings().weight[:64].flatten()
    return BaseIdentity(_hash([norm.detach()], spec), _hash(_rows(spec), spec))


def _hash(parts: Iterable[torch.Tensor], spec: ModelSpec) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.to("cpu", torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    found.update(bytes.fromhex(spec.adapter_sha256))
    return found.hexdigest()[:16]


def _rows(spec: ModelSpec) -> Iterator[torch.Tensor]:
    """The middle row of each matrix, or of the middle one of those that lie in one tensor, by their names' order."""
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, "pt")) for path in vetting.weight_files(spec.folder)]
        where = {name: file for file in files for name in file.keys()}  # noqa: SIM118
        for name in sorted(where):
            found = where[name].get_slice(name)
            if len(shape := found.get_shape()) > 1 and all(shape):
                yield found[tuple(slice(size // 2, size // 2 + 1) for size in shape[:-1])]


def files_hash(folders: Iterable[Path]) -> str:
    """Tells whether all files of models in their folders are the same; reads all of them."""
    found = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in TELLING):
        with plain.opened(path) as file:
            found.update(path.name.encode("utf-8", "surrogateescape") + hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
