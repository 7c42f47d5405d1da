"""Reads a LoRA adapter from a folder that may be a stranger's: chosen fields of its config, and safetensors.

PEFT's own loader is never used: it believes the config, which may name a tokenizer or a base on the hub, other kinds of
adapters and their pickles.
"""

import copy
from math import prod
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from core.errors import ModelError, first_line
from core.machine import adapter_folder
from core.machine.adapter_folder import CONFIG, TAKEN, WEIGHTS

#: Where PEFT looks for the weights of a classification head.
HEAD = "base_model.model.score.weight"
#: Under this name an adapter is tried; numbers that one may have beyond those of its file before it is.
TRIED, ROOM = "tried", 50_000_000
Shapes = dict[str, tuple[int, ...]]


def read(folder: Path) -> tuple[LoraConfig, Shapes]:
    """The adapter's config, and the shapes of its tensors by name. Raises `ModelError` that says what is wrong."""
    found = adapter_folder.fields(folder)
    shapes = _shapes(folder)
    config = LoraConfig(
        **{key: found[key] for key in TAKEN if adapter_folder.is_said(found.get(key))}, task_type="CAUSAL_LM"
    )
    longest = max((max(shape, default=0) for shape in shapes.values() if prod(shape)), default=0)
    if max(config.r, *config.rank_pattern.values(), 0) > longest:
        raise ModelError(f"{folder / CONFIG} says a rank of {config.r}, and {WEIGHTS} holds none such: take another.")
    return config, shapes


def _shapes(folder: Path) -> Shapes:
    path = folder / WEIGHTS
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged ({first_line(error)}): choose another adapter.") from error


def state(peft: Any, name: str) -> dict[str, Tensor]:
    """The weights of the adapter `name` on a model, by PEFT's names, which do not hold the adapter's own."""
    return {key: weight.detach() for key, weight in get_peft_model_state_dict(peft, adapter_name=name).items()}


def fill(peft: Any, name: str, weights: dict[str, Tensor]) -> None:
    """Set all weights of the adapter `name`. Raises `ValueError` that names what is missing, foreign or misshapen."""
    refuse_others(state(peft, name), {key: tuple(weight.shape) for key, weight in weights.items()})
    set_peft_model_state_dict(peft, weights, adapter_name=name)


def refuse_unfit(model: Any, peft: Any, config: LoraConfig, shapes: Shapes) -> None:
    """Raise a `ValueError` as `fill` does where the adapter that `read` gave the `shapes` of is not for the `model`.

    Where it could be much larger than its file it is first made without memory, which takes as long as to make it: a
    small file may ask for a rank that fills any. The model is then as it was, with the adapters of `peft`.
    """
    held = sum(map(prod, shapes.values()))
    if _most_numbers(model, config) <= 2 * held + ROOM:
        return
    with torch.device("meta"):
        if peft is None:
            tried = PeftModel(model, copy.deepcopy(config), adapter_name=TRIED)
        else:
            tried = peft
            tried.add_adapter(TRIED, copy.deepcopy(config))
    try:
        refuse_others(state(tried, TRIED), {key: shape for key, shape in shapes.items() if key != HEAD})
    finally:
        if peft is None:
            tried.unload()
            vars(model).pop("peft_config", None)
        else:
            tried.delete_adapter(TRIED)


def _most_numbers(model: Any, config: LoraConfig) -> int:
    """How many an adapter has that is on every matrix of the model."""
    rank = max(config.r, *config.rank_pattern.values(), 0)
    matrices = [tensor.shape for tensor in model.parameters() if tensor.dim() > 1]
    return rank * sum(prod(shape[:-2]) * (shape[-2] + shape[-1]) for shape in matrices)


def fill_from(peft: Any, name: str, folder: Path, shapes: Shapes) -> Tensor | None:
    """Set the weights of the adapter `name` from the folder that `read` gave the `shapes` of.

    Returns the weights (C, d) of a classification head, if the file has one. Raises `ValueError` as `fill` does, before
    anything is read, and for weights that are no numbers.
    """
    refuse_others(state(peft, name), {key: shape for key, shape in shapes.items() if key != HEAD})
    weights = load_file(folder / WEIGHTS)
    if bad := sorted(key for key, weight in weights.items() if not is_finite(weight)):
        raise ValueError(f"not all weights are numbers in {_some(bad)}")
    head = weights.pop(HEAD, None)
    fill(peft, name, weights)
    return head


def is_finite(weight: Tensor) -> bool:
    return weight.is_floating_point() and bool(weight.float().isfinite().all())


def refuse_others(wanted: dict[str, Tensor], found: Shapes) -> None:
    """Raise a `ValueError` unless the names and shapes are the wanted ones."""
    if missing := sorted(wanted.keys() - found.keys()):
        raise ValueError(f"it lacks {_some(missing)}")
    if foreign := sorted(found.keys() - wanted.keys()):
        raise ValueError(f"it has other layers, {_some(foreign)}")
    if other := sorted(key for key, tensor in wanted.items() if tuple(tensor.shape) != found[key]):
        raise ValueError(f"the shape is another in {_some(other)}")


def _some(names: list[str]) -> str:
    """Names as a part of a sentence: the first of them, and how many more."""
    return f"{names[0][:200]} and {len(names) - 1} more" if len(names) > 1 else names[0][:200]
