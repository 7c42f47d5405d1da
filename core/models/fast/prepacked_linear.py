"""Weights in the order in which a CPU reads them, for the many products of few rows of which drawing is made.

At every product torch brings the weights into the order that the CPU's instructions want, which takes as long as a
product of 16 rows itself. The operators are those to which `torch.compile` lowers linear layers on a CPU; they are
called by name, because compiling takes longer than a run saves. The names are private: where they do not do what they
did, torch's own products are computed.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.machine.limits import PREPACKED
from core.models.devices import release
from core.models.fast.replaced import Replaced
from core.models.fast.switch import speed_ups_of

#: The number of rows for which the order is chosen.
ROWS = 16
#: How far a product may be from torch's own, as a share of its norm.
AGREES = 0.01


@contextmanager
def prepacked(model: nn.Module) -> Iterator[None]:
    """While this is open, the base's linear layers on a CPU compute with a copy of their weights, without gradients."""
    layers = base_layers(model) if speed_ups_of(model) else []
    if not 0 < sum(layer.weight.nbytes for layer in layers) <= PREPACKED or not can_prepack(layers[0]):
        yield
        return
    replaced = Replaced()
    try:
        for layer in layers:
            replaced.replace(layer, _prepacked(layer))
        yield
    finally:
        replaced.undo()
        release(layers[0].weight.device)  # else the holes that the copies leave stay with the process


def base_layers(model: nn.Module) -> list[Any]:
    """The base's linear layers, without what adapters are made of."""
    return [layer for name, layer in model.named_modules() if type(layer) is nn.Linear and "lora_" not in name]


@torch.no_grad()
def can_prepack(layer: Any) -> bool:
    """Is there such an order for its weights here, and does it give the same product?"""
    weight: Tensor = layer.weight
    if (
        weight.device.type != "cpu"
        or type(weight.data) is not Tensor  # a part of it is elsewhere
        or platform.machine() not in ("x86_64", "AMD64")
        or not torch.backends.mkldnn.is_available()
        or weight.dtype not in (torch.float32, torch.bfloat16)
    ):
        return False
    x = torch.linspace(-1.0, 1.0, weight.shape[1], dtype=weight.dtype)[None]
    expected = torch.nn.functional.linear(x, weight, layer.bias).float()
    try:
        supported = weight.dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        found = _prepacked(layer)(x).float() if supported else torch.full_like(expected, torch.nan)
    except (AttributeError, RuntimeError, TypeError):  # not in this version of torch, or with other arguments
        return False
    return bool((found - expected).norm() <= AGREES * expected.norm())


def _prepacked(layer: Any) -> Callable[[Tensor], Tensor]:
    """The layer's product with a reordered copy of its weights."""
    weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), ROWS)
    return partial(_product, weight, layer.bias)


def _product(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
