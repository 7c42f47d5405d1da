"""How many tokens fit into one forward and backward pass: measured, and halved when it was too much after all."""

import math
from collections.abc import Callable

import psutil
import torch
from torch import Tensor

from core.machine import compute_settings
from core.models.devices import memory_gb
from core.models.load import Base

#: More at once is no faster: a processor's cores are busy, a GPU is full.
ENOUGH = {"cpu": 512, "mps": 4096, "cuda": 16384}
SMALLEST = 64
#: What a pass needs for an instant on top of what it keeps.
TRANSIENT = 1.5


def budget(base: Base, tokens: int, forward: Callable[[], Tensor], gigabytes: float) -> int:
    """Tokens that fit into one pass, by the bytes that `forward` keeps for its backward pass over `tokens` of them.

    `gigabytes` is what may be used; 0 is half of what is free, within the budget of the settings. A power of two, so
    that it hangs less on what happens to be free: the parts in which a batch is added up decide the last bits of a run.
    """
    room = gigabytes * 1e9 if gigabytes else min(free_bytes(base.device) / 2, left_of_budget())
    kept = kept_bytes(base, forward) * TRANSIENT / tokens
    tokens = max(SMALLEST, int(room / max(kept, 1)))
    return 2 ** (tokens.bit_length() - 1)


def left_of_budget() -> float:
    """Bytes that the settings still leave to this process."""
    limit = compute_settings.chosen().memory_gb
    return (limit - memory_gb()) * 1e9 if limit else math.inf


def enough(device: torch.device, fits: int) -> int:
    """Tokens that are worth computing together, if so many fit."""
    return min(fits, ENOUGH.get(device.type, 512))


def kept_bytes(base: Base, forward: Callable[[], Tensor]) -> int:
    """Bytes of the activations that a forward pass keeps for its backward pass, on any device."""
    weights = {weight.untyped_storage().data_ptr() for weight in base.model.parameters()}
    sizes: dict[int, int] = {}
    alive: list[Tensor] = []  # so that no address is used twice

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(sizes.values())


def free_bytes(device: torch.device) -> int:
    """Memory that could be used on the device now."""
    if device.type == "cuda":
        return (
            torch.cuda.mem_get_info(device)[0]
            + torch.cuda.memory_reserved(device)
            - torch.cuda.memory_allocated(device)
        )
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return psutil.virtual_memory().available
