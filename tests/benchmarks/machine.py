"""What the benchmarks share: the machine's threads and dtype, a loaded base, the work that peers do too."""

import argparse
import contextlib
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def prepare(options: argparse.Namespace) -> None:
    """Fix threads and dtype before torch computes anything."""
    if options.dtype:
        os.environ["PLUMBLINE_DTYPE"] = options.dtype
    import torch

    torch.set_num_threads(options.threads or os.cpu_count() or 1)


def load_base(options: argparse.Namespace) -> Any:
    """The base model, fetched first if it is not on disk."""
    from core.machine import base_models
    from core.models import fetch
    from core.models.load import load

    spec = base_models.parse(options.model)
    for progress in fetch.ensure(spec):
        print(f"\r{progress.stage}: {progress.done}/{progress.total}", end="", file=sys.stderr)
    return load(spec)


def peak_gigabytes() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


def resident_gigabytes() -> float:
    """Resident memory of this process now."""
    import psutil

    return psutil.Process().memory_info().rss / 1e9


def children_seconds() -> float:
    """CPU seconds of the processes that this one started and that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def median(values: list[float]) -> float:
    return statistics.median(values)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def gpu_gigabytes() -> float | None:
    """Most memory that this process's tensors took on the GPU so far; None without one."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None


def settled() -> float:
    """The time, once the GPU has done what it was asked for."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def matmul_peak(base: Any) -> float:
    """Floating point operations a second that the base's device reaches in one large product in its number format,
    with as many threads."""
    import torch

    size, best = 2048 if base.device.type == "cpu" else 8192, float("inf")
    a, b = (torch.randn(size, size, device=base.device).to(base.placement.dtype) for _ in range(2))
    for _ in range(8):
        began = settled()
        torch.nn.functional.linear(a, b)
        best = min(best, settled() - began)
    del a, b
    if base.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return 2 * size**3 / best


LONGEST_PROMPT = 64


def prompts(options: argparse.Namespace, base: Any, count: int) -> list[str]:
    """The first questions of `--data`'s dialogues that take at most 64 tokens, as the peer's script chooses
    them; without `--data` the demo's own prompts."""
    from core.models import chat

    texts = [text for text in _questions(options) if len(chat.prompt_ids(base, text)) <= LONGEST_PROMPT]
    return (texts * (count // len(texts) + 1))[:count]


def _questions(options: argparse.Namespace) -> list[str]:
    if options.data:
        with gzip.open(options.data, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        return [row["chosen"].split("\n\nHuman: ")[1].split("\n\nAssistant:")[0] for row in rows]
    from core.resources import resource as shipped

    lines = (shipped("prompts") / "demo.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["prompt"] for line in lines]


def peer(
    options: argparse.Namespace, script: str, *arguments: str, seconds: float | None = None
) -> list[dict[str, Any]]:
    """The JSON lines that the peer's script prints, within so many seconds; empty with a word on stderr if it cannot.

    `script` lies among `--peer-scripts`, unless it is a whole path.
    """
    path = options.peer_scripts / script
    if not options.peer_python or not path.is_file():
        return []
    command = [str(options.peer_python), str(path), *arguments, "--threads", str(options.threads or os.cpu_count())]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        print(f"the peer takes more than {seconds:.0f} s", file=sys.stderr)
        return []
    if output.returncode:
        print(f"the peer failed:\n{output.stderr[-2000:]}", file=sys.stderr)
    found = []
    for line in output.stdout.splitlines():
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                found.append(value)
    return found


def python(code: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run code in a fresh interpreter at the repository's root; returns what it printed."""
    command = [sys.executable, "-c", code, *arguments]
    env = os.environ | (environment or {})
    return subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def plumbline(*words: object) -> dict[str, Any]:
    """What a command says as JSON."""
    command = [sys.executable, str(ROOT / "main.py"), *map(str, words), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
