"""Puts a LoRA adapter into the weights of the model that it was trained on."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from core.errors import ModelError, first_line
from core.models import adapter_files, vetting
from core.models.alone import UNFIT, Alone, alone, same


@torch.no_grad()
def merged(model: Any, folder: Path) -> Any:
    """The model with the weights of the adapter in a folder in its own, in eval mode. Each sum is made in float32 and
    rounded once.

    Raises `ModelError` for an adapter that is damaged or of another model; for a reward model's; and where the model
    with the adapter in it says something else than with the adapter on it.
    """
    config, shapes = adapter_files.read(folder)
    model.eval()
    try:
        with vetting.offline():
            adapter_files.refuse_unfit(model, None, config, shapes)
            peft = PeftModel(model, config)
            head = adapter_files.fill_from(peft, "default", folder, shapes)
    except ValueError as error:
        raise ModelError(
            f"The adapter in {folder} does not fit the model ({first_line(error)}): use its own base model."
        ) from error
    if head is not None:
        raise ModelError(f"{folder} holds a reward model's adapter: choose one of a policy.")
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    _refuse_shared(model, layers, folder)
    expected = _says(model)
    for layer in layers:
        with _in_float32(layer.get_base_layer()):
            layer.merge()
    peft.unload()
    if expected is not None and not _is_same(expected, model):
        raise ModelError(
            f"The adapter in {folder} cannot be merged into its model, which then says something else: choose another "
            "adapter."
        )
    return model


def _refuse_shared(model: Any, layers: list[Any], folder: Path) -> None:
    """A weight that two layers have would be changed for both, and the adapter is on one."""
    uses = Counter(id(weight) for module in model.modules() for weight in module.parameters(recurse=False))
    if any(uses[id(weight)] > 1 for layer in layers for weight in layer.get_base_layer().parameters(recurse=False)):
        raise ModelError(
            f"The adapter in {folder} is on a layer that shares its weights with another one, into which it cannot be "
            "merged: choose another adapter."
        )


def _says(model: Any) -> Alone | None:
    """What a model says of short texts; None for one that says nothing of them, which others tell."""
    try:
        found = alone(model)
    except torch.OutOfMemoryError:
        raise
    except UNFIT:
        return None
    return found if all(bool(logits.isfinite().all()) for logits in found.logits) else None


def _is_same(expected: Alone, model: Any) -> bool:
    found, wanted = torch.cat(alone(model).logits), torch.cat(expected.logits)
    return bool(found.isfinite().all()) and same(found, wanted, expected.allowed)


@contextmanager
def _in_float32(layer: nn.Module) -> Iterator[None]:
    rough = [(weight, weight.dtype) for weight in layer.parameters(recurse=False) if weight.dtype.itemsize == 2]
    for weight, _ in rough:
        weight.data = weight.data.float()
    yield
    for weight, dtype in rough:
        weight.data = weight.data.to(dtype)
