"""Models and adapters that were tampered with, and a look at what becomes of loading them."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

Tampering = Callable[[Path], None]
STATUS = Path("/proc/self/status")


def edit(path: Path, **changes: Any) -> None:
    """Change some fields of a JSON file; None takes one out."""
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    found = {key: value for key, value in (found | changes).items() if value is not None}
    path.write_text(json.dumps(found), "utf-8")


def watch_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on every attempt to reach somebody is noted and refused, and the hub's client believes to be online."""
    import huggingface_hub.constants

    attempts: list[str] = []

    def refuse(*args: Any, **kwargs: Any) -> None:
        attempts.append(repr(args[-1]))
        raise OSError("no network in this test")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


def computed() -> float:
    """Seconds that this process and its children have computed, which a busy machine does not stretch."""
    return sum(psutil.Process().cpu_times()[:4])


@contextmanager
def cheap(seconds: float = 2.0, memory: float = 1e9) -> Iterator[None]:
    """What happens inside takes no more than that; memory is what this process had at its peak beyond before."""
    if STATUS.is_file():
        STATUS.with_name("clear_refs").write_text("5")  # the peak from now on
    began, before = computed(), peak()
    yield
    assert computed() - began < seconds
    assert peak() - before < memory


def peak() -> float:
    """Bytes; where the system does not tell, what is held now."""
    if not STATUS.is_file():
        return float(psutil.Process().memory_info().rss)
    lines = STATUS.read_text().splitlines()
    return 1000 * float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
