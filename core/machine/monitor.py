"""What the machine is doing now: processor, memory, the worker's share of it, and NVIDIA's GPUs. No torch.

NVIDIA's library is asked if it is there (the extra `gpu`). Apple tells programs neither load nor memory of its GPU.
"""

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Gpu:
    """One card. None is what it does not tell."""

    name: str
    used: int | None  # bytes
    total: int | None
    load: float | None  # 0 to 1
    watts: float | None
    limit: float | None  # watts


@dataclass(frozen=True)
class Reading:
    cpu: float  # 0 to 1, over all cores, since the last reading
    used: int  # bytes
    total: int
    worker: int | None
    """Bytes that the worker holds, its library of a GB included; None where it is gone."""
    gpus: tuple[Gpu, ...]


class Sampler:
    """Reads the machine. It may be used from any thread, one at a time: the first reading may take a second, because
    a card that sleeps is woken."""

    def __init__(self) -> None:
        self._times = _processor()
        self._cards: list[Any] | None = None
        self._nvml: Any = None

    def read(self, worker: int | None) -> Reading:
        """`worker` is the worker's process id."""
        before, self._times = self._times, _processor()
        busy, total = (now - then for now, then in zip(self._times, before, strict=True))
        memory = psutil.virtual_memory()
        held = None
        if worker is not None:
            with suppress(psutil.Error):
                held = psutil.Process(worker).memory_info().rss
        cpu = min(max(busy / total, 0.0), 1.0) if total > 0 else 0.0
        return Reading(cpu, memory.total - memory.available, memory.total, held, self._gpus())

    def _gpus(self) -> tuple[Gpu, ...]:
        if self._cards is None:
            self._cards = self._found()
        return tuple(self._gpu(card) for card in self._cards)

    def _found(self) -> list[Any]:
        if importlib.util.find_spec("pynvml") is None:
            return []
        nvml = self._nvml = importlib.import_module("pynvml")
        try:
            nvml.nvmlInit()
            return [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:  # no driver
            return []

    def _gpu(self, card: Any) -> Gpu:
        nvml = self._nvml
        name = self._ask(nvml.nvmlDeviceGetName, card) or "GPU"
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, card)
        load = self._ask(nvml.nvmlDeviceGetUtilizationRates, card)
        watts = self._ask(nvml.nvmlDeviceGetPowerUsage, card)
        limit = self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit, card)
        return Gpu(
            name.decode() if isinstance(name, bytes) else name,
            memory and memory.used,
            memory and memory.total,
            load and load.gpu / 100,
            None if watts is None else watts / 1000,
            None if limit is None else limit / 1000,
        )

    def _ask(self, question: Callable[[Any], Any], card: Any) -> Any:
        """None where a card does not tell, as a part of one (MIG) does not tell its load."""
        with suppress(self._nvml.NVMLError):
            return question(card)
        return None


def unwatched_gpu() -> bool:
    """Is there an NVIDIA driver, but not the library that watches the card?"""
    return shutil.which("nvidia-smi") is not None and importlib.util.find_spec("pynvml") is None


def _processor() -> tuple[float, float]:
    """Seconds that all cores were busy, and in all. A guest's time is in its host's already."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total
