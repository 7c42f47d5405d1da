"""Where the model computes, and in which number format: chosen from the machine, with the reason."""

import os
from dataclasses import dataclass

import torch


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


def _best() -> tuple[torch.device, torch.dtype, str]:
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.device("cuda"), torch.bfloat16 if native else torch.float32, name
    if torch.backends.mps.is_available():
        return torch.device("mps"), torch.float32, "Apple GPU"
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return torch.device("cpu"), torch.bfloat16, "the processor multiplies in bfloat16"
    return torch.device("cpu"), torch.float32, "no GPU was found"
