"""Looks at the folder of a model before transformers does, which believes what it reads there.

A config may name code on the hub, pickles, files elsewhere, and sizes that no machine has. What is left after this has
no more weights than its files hold, and loads without asking anybody.
"""

import importlib.util
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from core.errors import ModelError, first_line
from core.machine.base_models import models_folder
from core.machine.model_files import MOST_INDEX, MOST_LAYERS, MOST_THINGS, leads_out, read_json

ANOTHER = "choose another model"
#: The ways to compute attention and experts that transformers brings along; all others are code from the hub, or are
#: compiled here.
OWN_CODE = {"eager", "sdpa", "grouped_mm", "batched_mm"}
CHOOSES_CODE = re.compile(r"^_?(attn|experts)_implementation(_internal)?$")
#: What a config has no need of, and which would load something else or by somebody else's means.
REFUSED = {
    "quantization_config": "is quantized: choose the model that it was made from (--base-bits 4 holds one in 4 bits)",
    "transformers_weights": f"names other files as its weights: {ANOTHER}",
    "configuration_files": f"names other files as its config: {ANOTHER}",
    "use_kernels": f"asks for code from the hub: {ANOTHER}",
    "kernel_config": f"asks for code from the hub: {ANOTHER}",
    "backbone": f"names another model as a part of it: {ANOTHER}",
    "custom_generate": f"asks for code of its own: {ANOTHER}",
    "_auto_class": f"asks for code of its own: {ANOTHER}",
    "attribute_map": f"calls its entries by other names: {ANOTHER}",
    "sub_configs": f"names other kinds of parts: {ANOTHER}",
}
#: What is made of weights in 8 bits: plain numbers. Of the file's own setting nothing is taken, which may hold patterns
#: that take for ever and on a GPU means code from the hub.
DEQUANTIZED = {"quant_method": "fp8", "dequantize": True}
#: A config's numbers of things of which each costs time or memory, weights or not.
COUNTS = re.compile(
    r"(layers?|blocks?|experts|groups|labels|codebooks|depths?|heads?|block_sizes|attention_types|functions|inputs|ngram|pretraining_tp)$"
)
#: Those of them that are layers one after the other.
LAYERS = re.compile(r"(layers?|blocks?|depths?)$")
#: Where positions are made with sines by a loop, they are few.
SINES = {"sinusoidal_embeddings", "sinusoidal_pos_embds"}
MOST_SINES = 100_000
#: Read long after loading, by us or by transformers.
NUMBERS = {
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "final_logit_softcapping",
    "logits_soft_cap",
    "model_max_length",
}
#: Numbers that a model may have beside what its files hold: a tied head, tables of positions.
ROOM = 50_000_000
MOST_TOKENIZER = 256_000_000
#: What an export makes anew; other files may be copied into it as they are.
WEIGHTS = {".safetensors", ".gguf"}
#: What tokenizers are kept in, and configs.
TEXTS = {".json", ".txt", ".model", ".tiktoken", ".jinja"}
#: What a config's entry of the same name would put out of use.
METHODS = {name for name, _ in inspect.getmembers(PreTrainedConfig, callable)}
#: A chat template's name becomes a file's.
TEMPLATE = re.compile(r"\w[\w-]{0,99}")


@contextmanager
def offline() -> Iterator[None]:
    """What transformers does meanwhile asks no hub, whatever the model's config makes it want: parts of a model (a
    `backbone`) are looked up there in spite of `local_files_only`."""
    constants: Any = huggingface_hub.constants
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def check_folder(folder: Path) -> None:
    """Raise a `ModelError` that says what in a model's folder cannot be used, within a moment and without a network."""
    if (folder / "adapter_config.json").exists():
        raise ModelError(f"{folder} holds an adapter beside the model: choose a folder with a model alone.")
    _check_config(folder / "config.json", read_json(folder / "config.json"))
    for name in ("generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        if (folder / name).exists():
            _check_numbers(folder / name, read_json(folder / name, MOST_INDEX))
    _check_tokenizer_file(folder / "tokenizer_config.json")
    for path in [*folder.iterdir(), *folder.glob("additional_chat_templates/*")]:
        if path.suffix not in WEIGHTS and leads_out(path, folder):
            raise ModelError(f"{path} is a link to another place: {ANOTHER}, or put the file itself there.")
        if path.suffix not in WEIGHTS and _is_elsewhere_too(path):
            raise ModelError(
                f"{path} has a second name elsewhere (a hard link), and could be a file of yours that is none of the "
                f"model: {ANOTHER}, or put a copy of it in its place."
            )
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ModelError(f"{path} is no file, and whoever reads it would wait for ever: {ANOTHER}.")
        if path.suffix in TEXTS and path.stat().st_size > MOST_TOKENIZER:
            raise ModelError(f"{path} is no file of a tokenizer's size: {ANOTHER}.")
    templates = [*folder.glob("*.jinja"), *folder.glob("additional_chat_templates/*.jinja")]
    for path in (folder / "tokenizer.json", folder / "tokenizer.model", *templates):
        if path.exists() and (not path.is_file() or path.stat().st_size > MOST_TOKENIZER):
            raise ModelError(f"{path} is no file of a tokenizer's size: {ANOTHER}.")


def _is_elsewhere_too(path: Path) -> bool:
    """Is it a file with a second name, outside the caches that only programs of this machine fill?"""
    caches = (Path(huggingface_hub.constants.HF_HUB_CACHE), models_folder())
    if not path.is_file() or path.stat().st_nlink == 1:
        return False
    return not any(path.resolve().is_relative_to(cache.resolve()) for cache in caches)


def _check_numbers(path: Path, config: dict[str, Any]) -> None:
    for key in NUMBERS & config.keys():
        if not isinstance(config[key], int | float | None):
            raise ModelError(f"{path} has no number for {key}: {ANOTHER}.")


def _check_tokenizer_file(path: Path) -> None:
    """The one that is tried before it is used is `tokenizer.json`."""
    named = read_json(path, MOST_INDEX).get("fast_tokenizer_files") if path.exists() else None
    if named and named != ["tokenizer.json"]:
        raise ModelError(f"{path} names another file as its tokenizer ({named!r:.80}): {ANOTHER}.")


def check_templates(tokenizer: Any, folder: Path) -> None:
    """Raise a `ModelError` for chat templates that are no texts, or whose names lead out of a folder."""
    found = tokenizer.chat_template
    for name, text in (found if isinstance(found, dict) else {"default": found or ""}).items():
        if not (isinstance(name, str) and TEMPLATE.fullmatch(name) and isinstance(text, str) and _is_text(text)):
            raise ModelError(f"The model in {folder} has a chat template that is none ({name!r:.80}): {ANOTHER}.")


def _is_text(text: str) -> bool:
    """Without halves of characters."""
    return text.encode(errors="replace").decode() == text


def plain_outputs(model: Any) -> None:
    """Whatever the config says, the model gives what we ask for, by name."""
    for part in model.modules():
        if isinstance(part, PreTrainedModel):
            part.config.return_dict = True
            part.config.output_attentions = part.config.output_hidden_states = False


def _check_config(path: Path, config: dict[str, Any]) -> None:
    _check_numbers(path, config)
    for key, value in entries(config):
        if value and key in REFUSED and value is not _eight_bits(config):
            raise ModelError(f"The model in {path.parent} {REFUSED[key]}.")
        if key in METHODS:
            raise ModelError(f"{path} has an entry that no model has ({key}): {ANOTHER}.")
        if CHOOSES_CODE.match(key):
            for name in value.values() if isinstance(value, dict) else [value]:
                if name is not None and not _is_here(name):
                    raise ModelError(f"{path} asks for code that is not here ({key}: {name!r:.80}): {ANOTHER}.")
        most = MOST_LAYERS if LAYERS.search(key) else MOST_THINGS
        if COUNTS.search(key) and any(number > most for number in numbers_within(value)):
            raise ModelError(f"{path} has an absurd number ({key}: {value!r:.80}): {ANOTHER}.")
        if key in SINES and value and any(number > MOST_SINES for number in _positions(config)):
            raise ModelError(f"{path} has an absurd number (max_position_embeddings): {ANOTHER}.")


def numbers_within(value: Any) -> Iterator[int]:
    """Whole numbers, alone or in lists of lists."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from numbers_within(item)


def _positions(config: dict[str, Any]) -> Iterator[int]:
    for key, value in entries(config):
        if key in ("max_position_embeddings", "n_positions"):
            yield from numbers_within(value)


def _eight_bits(config: dict[str, Any]) -> Any:
    """The setting of a model whose weights are stored in 8 bits, else None."""
    found = config.get("quantization_config")
    return found if isinstance(found, dict) and found.get("quant_method") == DEQUANTIZED["quant_method"] else None


def _is_here(name: object) -> bool:
    return name in OWN_CODE or (name == "flash_attention_2" and importlib.util.find_spec("flash_attn") is not None)


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Each key and value of a JSON object, at any depth."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield from found.items()
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def numbers_in(folder: Path) -> int:
    """How many numbers the safetensors hold that transformers would load. Raises `ModelError` for what is damaged."""
    total = 0
    for path in weight_files(folder):
        try:
            with safe_open(path, "pt") as file:
                total += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} is damaged ({first_line(error)}): fetch the model again.") from error
    return total


def weight_files(folder: Path) -> list[Path]:
    """The files with the weights; those that an index names lie in the folder. Raises `ModelError` for others."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists() or not index.exists():
        names = {whole.name}
    else:
        named = read_json(index, MOST_INDEX).get("weight_map")
        names = set(map(str, named.values())) if isinstance(named, dict) else set()
    for name in names:
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{index} names a file that is not in its folder ({name!r:.80}): {ANOTHER}.")
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing: fetch the model again, or {ANOTHER}.")
    return sorted(folder / name for name in names)


def check_size(kind: Any, folder: Path, held: int, **more: Any) -> Any:
    """Raise a `ModelError` where the model of transformers' class `kind` has far more than the `held` numbers of its
    files: what they lack would be made up while loading. Here it is made without memory. Returns its config.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **more)
    with torch.device("meta"):
        model = kind.from_config(config, trust_remote_code=False)
    needed = sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
    if needed > 2 * held + ROOM:
        raise ModelError(
            f"The model in {folder} would have {needed:.2g} numbers and its files hold {held:.2g}: "
            f"fetch it again, or {ANOTHER}."
        )
    return config


def dequantized(config: Any, how: dict[str, Any]) -> dict[str, Any]:
    """`how` a model of this config is loaded, made such that weights in 8 bits are read as plain numbers.

    Raises `ModelError` where it is to be quantized otherwise.
    """
    if _eight_bits(config.to_dict()) is None:
        return how
    if "quantization_config" in how:
        raise ModelError("The model is stored in 8 bits, and 4 are made from 16: set --base-bits to 16.")
    config.quantization_config = dict(DEQUANTIZED)
    return {**how, "config": config}
