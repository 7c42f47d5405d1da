"""A base whose layers are spread over the processes (FSDP: Zhao et al. 2023, arXiv 2304.11277).

Every process holds a part of each layer; before a layer computes, all of them put it together, and forget it after. So
they have to go through the layers at the same time. But their work differs: one draws longer completions than another,
or learns in more passes. Therefore they agree before each pass on what is due, and who has nothing of that kind to do
puts the layers together without computing anything (`Turns`). What surrounds a pass need not know.

Adapters, embeddings and heads are whole in every process.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

#: What a process wants to do next. `NOTHING` is done once nobody wants anything else.
NOTHING, FORWARD, BACKWARD = range(3)


class Turns:
    """`due` puts together what all processes want: it takes what this one wants, and gives what is done next."""

    def __init__(self, layers: Sequence[Any], due: Callable[[int], int]) -> None:
        self.layers, self.due = layers, due

    def take(self, wanted: int) -> None:
        """Return when it is time for what is wanted; help the others until then."""
        while (due := self.due(wanted)) != wanted:
            for layer in self.layers if due == FORWARD else reversed(self.layers):
                layer.unshard()
                layer.reshard()


def shard(model: Any, device: torch.device, processes: int, due: Callable[[int], int]) -> Turns:
    """Leave a part of each layer in this process, on `device`. The model is frozen, and not yet on the device."""
    trunk = model.base_model
    layers = max((part for part in trunk.modules() if isinstance(part, nn.ModuleList)), key=len)
    mesh = init_device_mesh(device.type, (processes,))
    for layer in layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
    turns = Turns(list(layers), due)

    def before(*_: Any) -> None:
        turns.take(FORWARD)

    def after(module: nn.Module, given: Any, out: Any) -> None:
        states: Tensor = out.last_hidden_state
        if states.requires_grad:
            states.register_hook(lambda gradient: turns.take(BACKWARD))

    trunk.register_forward_pre_hook(before)
    trunk.register_forward_hook(after)
    return turns
