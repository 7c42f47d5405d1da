"""What a model's folder says at a glance of why it cannot be used. No torch: it is asked when a project is made."""

from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.machine.model_files import read_json

#: How a file begins that git left in place of a large one.
POINTER = b"version https://git-lfs"
#: Whatever a tokenizer is kept in, without which there is none.
TOKENIZERS = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model",
    "tekken.json", "*.tiktoken",
)  # fmt: skip
#: The one way to keep weights in fewer bits that is read, as plain numbers.
EIGHT_BITS = "fp8"


def check(folder: Path) -> None:
    """Raise a `ModelError` with what is wrong with the model in a folder, and what to do."""
    config = read_json(folder / "config.json")
    kind = str(config.get("model_type", ""))
    if config.get("is_encoder_decoder") is True:
        raise ModelError(
            f"The model in {folder} is an encoder with a decoder (`{kind:.40}`), and what is tuned here goes on from a "
            "text: choose a causal language model."
        )
    if not _is_known(config.get("quantization_config")):
        raise ModelError(
            f"The model in {folder} is quantized: choose the model that it was made from (--base-bits 4 holds one in "
            "4 bits)."
        )
    for path in folder.glob("*.safetensors"):
        if _begins(path) == POINTER:
            raise ModelError(
                f"{path} holds no weights but where git keeps them: run `git lfs pull` in {folder}, or fetch the model "
                "by its name on the hub."
            )
    if not any(True for name in TOKENIZERS for _ in folder.glob(name)):
        raise ModelError(
            f"{folder} has no tokenizer (no {TOKENIZERS[0]}): put the files of its tokenizer beside its weights."
        )


def _is_known(quantization: Any) -> bool:
    return not quantization or (isinstance(quantization, dict) and quantization.get("quant_method") == EIGHT_BITS)


def _begins(path: Path) -> bytes:
    """Nothing of what is no file."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(len(POINTER))
