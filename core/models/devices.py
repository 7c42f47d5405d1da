"""Where the model computes, and in which number format: chosen from the machine, with the reason."""

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil
import torch

#: Torch's own questions about the processor; they are private, so one that is gone counts as a no.
CPU_BFLOAT16 = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


@dataclass(frozen=True)
class Placement:
    device: torch.device
    dtype: torch.dtype
    reason: str


def placement() -> Placement:
    """CUDA, else Apple's MPS, else the CPU. PLUMBLINE_DEVICE and PLUMBLINE_DTYPE override the choice.

    bfloat16 holds the frozen base only where the hardware multiplies in it; adapters, heads, optimizer and
    log-probabilities are float32 everywhere.
    """
    device, dtype, reason = _best()
    if name := os.environ.get("PLUMBLINE_DEVICE"):
        device, reason = torch.device(name), "chosen by PLUMBLINE_DEVICE"
    if name := os.environ.get("PLUMBLINE_DTYPE"):
        dtype, reason = getattr(torch, name), "chosen by PLUMBLINE_DTYPE"
    return Placement(device, dtype, reason)


def memory_gb() -> float:
    """What is in use now: the GPU's memory where there is one, else this process's resident memory."""
    if torch.cuda.is_available():
        return float(torch.cuda.memory_allocated()) / 1e9
    return float(psutil.Process().memory_info().rss) / 1e9


def release(device: torch.device) -> None:
    """Give back what the allocator keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux" and hasattr(_libc(), "malloc_trim"):
        _libc().malloc_trim(0)


@cache
def _libc() -> Any:
    return ctypes.CDLL(None)


def _best() -> tuple[torch.device, torch.dtype, str]:
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.device("cuda"), torch.bfloat16 if native else torch.float32, name
    if torch.backends.mps.is_available():
        return torch.device("mps"), torch.float32, "Apple GPU"
    if any(getattr(torch.cpu, name, bool)() for name in CPU_BFLOAT16):
        return torch.device("cpu"), torch.bfloat16, "no GPU was found; the processor multiplies in bfloat16"
    return torch.device("cpu"), torch.float32, "no GPU was found"
