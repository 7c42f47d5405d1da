"""Puts a LoRA adapter into the weights of the model that it was trained on."""

from collections import Counter
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer

from core.errors import ModelError, first_line
from core.machine.adapter_folder import no_policy
from core.models import adapter_files, vetting
from core.models.alone import UNFIT, Alone, alone, same

#: What rounding may take away unsaid, and from where on nothing worth having is left, as shares of an adapter's change.
UNSAID, NEARLY_ALL = 0.01, 0.9


@dataclass(frozen=True)
class Merged:
    """A model with an adapter in its weights. `lost` is how far rounding them puts the change from what it should be,
    |rounded - exact| / |exact - before| over all that the adapter is on: 0 is none of it, 1 as far as no change."""

    model: Any
    lost: float


@torch.no_grad()
def merged(model: Any, folder: Path, stored: torch.dtype | None = None) -> Merged:
    """The model with the weights of the adapter in a folder in its own, in eval mode. Each sum is made in float32 and
    rounded to the weights' own format: a change that is small beside its weight is lost in 16 bits.

    With `stored`, the loss is that of the format in which the weights are going to be kept. Raises `ModelError` for an
    adapter that is damaged or of another model; for a reward model's; and where the model with the adapter in it says
    something else than with the adapter on it.
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
        raise no_policy(folder)
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    _refuse_shared(model, layers, folder)
    expected = _says(model)
    lost, change = torch.stack([_merge(layer, stored) for layer in layers]).sum(0).sqrt().tolist()
    peft.unload()
    if expected is not None and not _is_same(expected, model):
        raise ModelError(
            f"The adapter in {folder} cannot be merged into its model, which then says something else: choose another "
            "adapter."
        )
    return Merged(model, lost / change if change else 0.0)


def told(lost: float, what: str, dtype: torch.dtype, remedy: str) -> str | None:
    """What there is to say of a share that rounding took, where the weights are numbers at all, which others look at.
    Raises `ModelError` where that is nearly all."""
    if not isfinite(lost):
        return None
    name = str(dtype).removeprefix("torch.")
    if lost >= NEARLY_ALL:
        raise ModelError(f"Rounding to {name} would lose nearly all ({lost:.0%}) of what {what} changes: {remedy}.")
    if lost < UNSAID:
        return None
    return f"Rounding to {name} loses {lost:.0%} of what {what} changes: to have all of it, {remedy}."


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


def _merge(layer: Any, stored: torch.dtype | None) -> torch.Tensor:
    """Merge one layer; the squared norms (2,) of what rounding took from the change, and of the change."""
    found = torch.zeros(2, dtype=torch.float64)
    weights = list(layer.get_base_layer().parameters(recurse=False))
    before = [(weight.dtype, weight.data.to(torch.float32, copy=True)) for weight in weights]
    for weight, (dtype, values) in zip(weights, before, strict=True):
        if dtype.itemsize == 2:
            weight.data = values.clone()
    layer.merge()
    for weight, (dtype, values) in zip(weights, before, strict=True):
        exact = weight.data.float()
        apart = exact.to(stored or dtype).float() - exact, exact - values
        found += torch.stack([each.double().square().sum() for each in apart]).cpu()
        if dtype.itemsize == 2:
            weight.data = exact.to(dtype)
    return found
