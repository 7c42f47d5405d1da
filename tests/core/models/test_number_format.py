"""In which format a processor holds the base where nobody chose one."""

import time

import pytest
import torch

from core.models import devices


@pytest.fixture
def on_cpu(monkeypatch):
    """A machine with a processor alone, that knows what it is told to know; how long it takes is said."""
    monkeypatch.delenv("PLUMBLINE_DTYPE", raising=False)
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")

    def machine(knows: set[str], seconds: dict[torch.dtype, float]):
        for name in (devices.TILES, devices.CPU_BFLOAT16):
            monkeypatch.setattr(torch.cpu, name, lambda name=name: name in knows, raising=False)
        monkeypatch.setattr(devices, "seconds_of_product", seconds.__getitem__)

    return machine


@pytest.mark.parametrize(
    ("knows", "seconds", "dtype"),
    [
        (set(), {}, torch.float32),
        ({devices.TILES, devices.CPU_BFLOAT16}, {}, torch.bfloat16),
        ({devices.CPU_BFLOAT16}, {torch.bfloat16: 1.0, torch.float32: 1.0}, torch.bfloat16),
        ({devices.CPU_BFLOAT16}, {torch.bfloat16: 2.0, torch.float32: 1.0}, torch.float32),
    ],
)
def test_bfloat16_is_for_processors_that_are_fast_in_it(on_cpu, knows, seconds, dtype):
    on_cpu(knows, seconds)
    assert devices.placement().dtype is dtype


def test_a_product_is_timed_and_not_the_wait_for_it():
    devices.seconds_of_product.cache_clear()
    began = time.perf_counter()
    taken = devices.seconds_of_product(torch.float32)
    assert 0 < taken < (time.perf_counter() - began) / devices.TIMED * 2


def test_a_clock_of_long_ticks_measures_nothing(monkeypatch):
    devices.seconds_of_product.cache_clear()
    exact = time.thread_time
    with monkeypatch.context() as patch:
        patch.setattr(devices.sys, "platform", "win32")
        patch.setattr(devices.time, "thread_time", lambda: exact() * 64 // 1 / 64)
        assert 0 < devices.seconds_of_product(torch.float32) < 1 / 64
    devices.seconds_of_product.cache_clear()
