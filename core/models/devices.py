"""Where the model computes, and in which number format: chosen from the machine, with the reason."""

import ctypes
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil
import torch

from core.errors import BadInput
from core.machine import compute_settings
from core.machine.compute_settings import AUTO

#: Torch's own questions about the processor; they are private, so one that is gone counts as a no.
TILES, CPU_BFLOAT16 = "_is_amx_tile_supported", "_is_avx512_bf16_supported"
#: Rows, columns and inputs of the multiplication by which both formats are compared, how often it is timed, and how
#: much longer bfloat16 may take for half the memory.
PRODUCT, TIMED, SLOWER = (64, 1536, 576), 12, 1.15
GPUS = {"cuda", "mps"}


@dataclass(frozen=True)
class Placement:
    device: torch.device
    dtype: torch.dtype
    reason: str


def placement() -> Placement:
    """CUDA, else Apple's MPS, else the CPU, unless a person or an environment variable chose
    (`core.machine.compute_settings`).

    bfloat16 holds the frozen base only where the hardware multiplies well in it; adapters, heads, optimizer and
    log-probabilities are float32 everywhere. Raises `BadInput` if what was chosen is not to be had.
    """
    name, by = compute_settings.asked("device")
    device, reason = _best() if name == AUTO else (_device(name, by), f"the device was chosen {by}")
    name, by = compute_settings.asked("dtype")
    dtype, why = _native(device) if name == AUTO else (_format(name, by), f"the format was chosen {by}")
    return Placement(device, dtype, "; ".join(filter(None, (reason, why))))


def use_threads() -> int:
    """Let torch compute in as many CPU threads as were chosen; returns how many those are."""
    own = _own_threads()
    count, by = compute_settings.asked("threads")
    wanted = int(count) if by == "in the settings" else own  # torch has heeded the variable when it was imported
    if wanted != torch.get_num_threads():
        torch.set_num_threads(wanted)
    return wanted


@contextmanager
def one_thread() -> Iterator[None]:
    """For a few tokens: several threads would wait for each other longer than they compute, above all beside others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _own_threads() -> int:
    return torch.get_num_threads()


def memory_gb() -> float:
    """What is in use now: the GPU's memory where one is used, else this process's resident memory."""
    if torch.cuda.is_available() and torch.cuda.memory_allocated():
        return float(torch.cuda.memory_allocated()) / 1e9
    return float(psutil.Process().memory_info().rss) / 1e9


def repeat_exactly(device: torch.device) -> None:
    """Let a GPU add up gradients in one order, as a CPU does: a run that is resumed then gives what it would have
    given. Before anything is computed there."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        warnings.filterwarnings("ignore", message=".*deterministic.*", category=UserWarning)  # what cannot, cannot
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True, warn_only=True)


@contextmanager
def in_any_order() -> Iterator[None]:
    """For drawing, which sums up no gradients: some operations are faster where their order is free."""
    was, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warns)


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


def _best() -> tuple[torch.device, str]:
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.cuda.get_device_name()
    if torch.backends.mps.is_available():
        return torch.device("mps"), "Apple GPU"
    return torch.device("cpu"), "no GPU was found"


def _native(device: torch.device) -> tuple[torch.dtype, str]:
    """The format in which a device multiplies fastest without losing what matters."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32, ""
    if device.type != "cpu":
        return torch.float32, ""
    if getattr(torch.cpu, TILES, bool)():
        return torch.bfloat16, "the processor multiplies in bfloat16"
    if getattr(torch.cpu, CPU_BFLOAT16, bool)():
        if seconds_of_product(torch.bfloat16) <= SLOWER * seconds_of_product(torch.float32):
            return torch.bfloat16, "the processor multiplies in bfloat16"
        return torch.float32, "the processor multiplies faster in float32 than in bfloat16"
    return torch.float32, ""


@cache
def seconds_of_product(dtype: torch.dtype) -> float:
    """Processor seconds of one multiplication in one thread, the fewest of several: other programs do not count in
    them. There are processors that know bfloat16 and take twice as long in it. Windows counts a thread's seconds in
    sixty-fourths, of which a product takes none."""
    clock = time.perf_counter if sys.platform == "win32" else time.thread_time
    rows, columns, inputs = PRODUCT
    left, right = torch.ones(rows, inputs, dtype=dtype), torch.ones(columns, inputs, dtype=dtype)
    taken = []
    with one_thread():
        for _ in range(TIMED):
            began = clock()
            torch.nn.functional.linear(left, right)
            taken.append(clock() - began)
    return min(taken)


def _device(name: str, by: str) -> torch.device:
    """The device that was chosen. Nothing is put on it yet: with several processes each has a card of its own."""
    remedy = f"and the device {name} was chosen {by}: change it to auto."
    kind, _, number = name.partition(":")
    if kind not in GPUS | {"cpu"} or (number and not number.isdecimal()):
        raise BadInput(f"A device is auto, cuda, cuda:1, mps or cpu, {remedy}")
    if kind == "cuda" and int(number or 0) >= (torch.cuda.device_count() if torch.cuda.is_available() else 0):
        raise BadInput(f"There is no {'such ' if torch.cuda.is_available() else ''}NVIDIA GPU to be used, {remedy}")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BadInput(f"There is no Apple GPU to be used, {remedy}")
    return torch.device(name)


def _format(name: str, by: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise BadInput(f"A number format is auto, bfloat16 or float32, and {name} was chosen {by}: change it to auto.")
    return found
