"""Weights in the order in which a CPU reads them, for the many products of few rows of which drawing is made.

At every product torch brings the weights into the order that the CPU's instructions want, which takes as long as a
product of 16 rows itself. The operators are those to which `torch.compile` lowers linear layers on a CPU; they are
called by name, because compiling takes longer than a run saves.
"""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.machine.limits import PACKED
from core.models.devices import release

#: The number of rows for which the order is chosen.
ROWS = 16


@contextmanager
def packed(model: nn.Module) -> Iterator[None]:
    """While this is open, the base's linear layers on a CPU compute with a copy of their weights, without gradients."""
    layers = base_layers(model)
    size = sum(layer.weight.nbytes for layer in layers)
    layers = layers if 0 < size <= PACKED and can_pack(layers[0].weight) else []
    try:
        for layer in layers:
            layer.forward = partial(_product, _ops()._reorder_linear_weight(layer.weight.detach(), ROWS), layer.bias)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)
        if layers:
            release(layers[0].weight.device)  # else the holes that the copies leave stay with the process


def base_layers(model: nn.Module) -> list[Any]:
    """The base's linear layers, without what adapters are made of."""
    return [layer for name, layer in model.named_modules() if type(layer) is nn.Linear and "lora_" not in name]


def _ops() -> Any:
    return torch.ops.mkldnn


def can_pack(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and type(weight.data) is Tensor  # all of it is here
        and platform.machine() in ("x86_64", "AMD64")
        and torch.backends.mkldnn.is_available()
        and hasattr(_ops(), "_linear_pointwise")
        and (weight.dtype == torch.float32 or (weight.dtype == torch.bfloat16 and _ops()._is_mkldnn_bf16_supported()))
    )


def _product(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    return _ops()._linear_pointwise(x, weight, bias, "none", [], "")
