"""What a stranger's model may cost before it is known to be one.

A single number in its config may loop for ever or fill all memory, wherever transformers reads it. So its tokenizer's
class, its weights and its first look at a text get what its files warrant, and no more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from core.errors import ModelError
from core.jobs import limits
from core.models import vetting
from core.models.devices import placement

#: Of computing, on all cores, and bytes of memory; for each byte of the files more. An honest one takes a tenth of it.
SECONDS, MODEL_SECONDS_A_BYTE, TOKENIZER_SECONDS_A_BYTE = 20.0, 2e-7, 2e-6
MEMORY, MODEL_MEMORY_A_BYTE, TOKENIZER_MEMORY_A_BYTE = 2_000_000_000, 12, 60


@contextmanager
def for_model(folder: Path, what: str) -> Iterator[None]:
    """To load the weights in a folder or to look at a text for the first time. Raises `ModelError` that names `what`
    takes more."""
    size = sum(path.stat().st_size for path in vetting.weight_files(folder))
    # Beside a GPU the memory of this process is much that is only held for it, and the GPU says itself what it lacks.
    memory = MEMORY + size * MODEL_MEMORY_A_BYTE if placement().device.type == "cpu" else None
    with _allowed(what, SECONDS + size * MODEL_SECONDS_A_BYTE, memory):
        yield


@contextmanager
def for_gguf(path: Path, held: int) -> Iterator[None]:
    """To make a folder of a GGUF file whose tensors have `held` numbers, its tokenizer included. Raises `ModelError`
    where it takes more."""
    size = max(held * torch.float32.itemsize, path.stat().st_size)
    with _allowed(
        f"The model in {path.name}", SECONDS + size * MODEL_SECONDS_A_BYTE, MEMORY + size * MODEL_MEMORY_A_BYTE
    ):
        yield


@contextmanager
def for_tokenizer(folder: Path) -> Iterator[None]:
    """To make the tokenizer of a folder. Raises `ModelError` where it takes more."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in vetting.TEXTS)
    with _allowed(
        f"The tokenizer in {folder}", SECONDS + size * TOKENIZER_SECONDS_A_BYTE, MEMORY + size * TOKENIZER_MEMORY_A_BYTE
    ):
        yield


@contextmanager
def _allowed(what: str, seconds: float, memory: int | None) -> Iterator[None]:
    try:
        with limits.within(seconds, memory):
            yield
    except limits.Exceeded as error:
        raise ModelError(
            f"{what} takes more than {error}, which one of its size never does: {vetting.ANOTHER}."
        ) from error
