"""What a GPU gives, in one command of at most 9 minutes: `python -m tests.benchmarks gpu --out gpu.json`.

Needs the project, torch and transformers, and fetches nothing: models have random weights in Qwen2.5's shapes, of which
those are taken that `plan` says fit. Each number is written as it comes, and what is no longer begun is told.

- `bandwidth_gb_s`, `matmul_teraflops`: of one large copy (read and written) and one large product, measured here.
- `... x N tokens_s`, `share_of_bandwidth`: tokens a second of N completions of 128 tokens to prompts of 64, and how
  near that is to reading all weights and the cache once a token at the measured bandwidth.
- `... PPO`, `... GRPO`: seconds of a step and of its training, whose products' share of `matmul_teraflops` is
  `matmul_share`; peak memory beside `plan`'s; the ratio before the first update; how far sampler and trainer are apart.
- `... resume`: the largest difference of a weight between a run and one taken up at its checkpoint; 0 is bit for bit.
- `... TRL GRPO`: TRL's GRPO on the same prompts and model, in `--peer-python`, or in this interpreter where it has TRL.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.machine.memory_plan import BYTES, Shape, Work, total
from tests.benchmarks.machine import gpu_gigabytes, matmul_peak, median, peer, prepare, settled
from tests.benchmarks.ppo import STEPS_WARM
from tests.benchmarks.ppo import Work as Steps
from tests.benchmarks.random_base import SHAPES, random_base

PROMPT, PASSES = 64, 4
#: Seconds that are kept back for the peer, of which one run takes up to the second number.
FOR_PEER, PEER_AT_MOST = 120.0, 240.0


@dataclass(frozen=True)
class Size:
    """Completions at once, tokens of each, and completions of a step of tuning."""

    batches: tuple[int, ...] = (1, 8, 32, 128, 512)
    tokens: int = 128
    step: int = 64


TINY = Size((1, 4), 6, 4)


class Found:
    """Numbers, told as they come, and whether there is time to go on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.values: dict[str, Any] = {}
        self.out, self.ends = options.out, time.monotonic() + options.seconds

    def add(self, **values: Any) -> None:
        for name, value in values.items():
            print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}", flush=True)
        self.values |= values
        if self.out:
            self.out.write_text(json.dumps(self.values, indent=1) + "\n", encoding="utf-8")

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    def part(self, name: str, until: float, work: Callable[[], dict[str, Any]]) -> None:
        """What `work` finds, if more than `until` seconds are left; an error of it is told, and the rest goes on."""
        if self.left <= until:
            self.add(**{name: "left out: the time is over"})
            return
        try:
            found = work()
        except Exception as error:  # one part must not take the others with it
            self.add(**{name: f"failed: {type(error).__name__}: {str(error)[:300]}"})
        else:
            self.add(**{f"{name} {key}": value for key, value in found.items()})


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    import torch

    if not options.tiny and not torch.cuda.is_available():
        raise SystemExit("There is no NVIDIA GPU: --tiny runs on a CPU.")
    found = Found(options)
    with tempfile.TemporaryDirectory() as folder:
        look(options, found, Path(folder))
    return found.values


def look(options: argparse.Namespace, found: Found, folder: Path) -> None:
    """All parts, for each model that fits."""
    import torch

    size, titles = (TINY, ["tiny"]) if options.tiny else (Size(), [name for name in SHAPES if name != "tiny"])
    kept_back, python = 0.0 if options.tiny else FOR_PEER, peer_python(options)
    for title in titles:
        shape = SHAPES[title]
        if found.left <= kept_back or not (options.tiny or fits(shape, size)):
            over = found.left <= kept_back
            found.add(**{title: "left out: the time is over" if over else "left out: it does not fit"})
            continue
        base = random_base(shape, folder / title)
        if "device" not in found.values:
            found.add(**_device(base))
        for batch in size.batches:
            work = Drawing(base, shape, batch, size.tokens, found.values["bandwidth_gb_s"])
            found.part(f"{title} x {batch}", kept_back, work)
        peak = found.values["matmul_teraflops"] * 1e12
        for algorithm in ("ppo", "grpo"):
            found.part(
                f"{title} {algorithm.upper()}", kept_back, Tuning(base, shape, algorithm, size, options.runs, peak)
            )
        tuning = Tuning(base, shape, "ppo", size, options.runs, peak)
        found.part(f"{title} resume", kept_back, partial(tuning.resumed, folder / f"{title}-kept"))
        if title == titles[0] and python:
            found.part(f"{title} TRL", 0.0, Peer(options, python, base, size, folder / f"{title}-peer", found))
            kept_back = 0.0
        del base, tuning
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def fits(shape: Shape, size: Size) -> bool:
    import torch

    work = Work(targets="attention", batch=size.step, micro_batch=size.step, prompt=PROMPT, response=size.tokens)
    return total(shape, work) < torch.cuda.mem_get_info()[0]


def _device(base: Any) -> dict[str, Any]:
    import torch

    size = 2**20 if base.device.type == "cpu" else 2**30
    source = torch.ones(size, dtype=torch.int8, device=base.device)
    target, seconds = torch.empty_like(source), []
    for _ in range(8):
        began = settled()
        target.copy_(source)
        seconds.append(settled() - began)
    name = torch.cuda.get_device_name() if base.device.type == "cuda" else "CPU"
    return {
        "device": name, "torch": torch.__version__, "dtype": str(base.placement.dtype).removeprefix("torch."),
        "bandwidth_gb_s": 2 * size / min(seconds) / 1e9, "matmul_teraflops": matmul_peak(base) / 1e12,
    }  # fmt: skip


class Drawing:
    """Completions of one length, drawn together."""

    def __init__(self, base: Any, shape: Shape, batch: int, tokens: int, bandwidth: float) -> None:
        self.base, self.shape, self.batch, self.tokens, self.bandwidth = base, shape, batch, tokens, bandwidth * 1e9

    def __call__(self) -> dict[str, Any]:
        from core.models.sampling import sample
        from core.models.seeds import generator

        base, seconds = self.base, []
        prompts = [[5 + (7 * i + row) % 200 for i in range(PROMPT)] for row in range(self.batch)]
        for run in range(3):
            began = settled()
            drawn = sample(
                base.model, prompts, max_new_tokens=self.tokens, end_ids=base.end_ids, pad_id=base.pad_id,
                generator=generator(run),
            )  # fmt: skip
            seconds.append(settled() - began)
        best, count = min(seconds), int(drawn.lengths.sum())
        return {
            "tokens_s": count / best, "share_of_bandwidth": self.least() * self.tokens / best,
            "peak_gb": gpu_gigabytes() or 0.0,
        }  # fmt: skip

    def least(self) -> float:
        """Seconds that a token of each completion takes at least, in the middle of them."""
        shape, wide = self.shape, float(self.base.placement.dtype.itemsize)
        weights = (shape.linear + shape.vocabulary * shape.hidden) * wide
        cache = 2 * shape.layers * shape.kv_heads * shape.head_dim * (PROMPT + self.tokens / 2) * self.batch * wide
        return (weights + cache) / self.bandwidth


class Tuning:
    """Steps of PPO, or GRPO with four completions of each prompt."""

    def __init__(self, base: Any, shape: Shape, algorithm: str, size: Size, runs: int, peak: float) -> None:
        self.base, self.shape, self.algorithm, self.size, self.runs, self.peak = (
            base,
            shape,
            algorithm,
            size,
            runs,
            peak,
        )

    def steps(self, passes: int) -> Steps:
        texts = [f"{number:04d}" + "x" * (PROMPT - 8) for number in range(256)]
        return Steps(
            self.base, texts, batch=self.size.step, tokens=self.size.tokens, epochs=passes, algorithm=self.algorithm,
            completions=1 if self.algorithm == "ppo" else 4,
        )  # fmt: skip

    def __call__(self) -> dict[str, Any]:
        import torch

        once = self.steps(1)
        first = once.step()
        once.close()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        work = self.steps(PASSES if self.algorithm == "ppo" else 1)
        done = [work.step() for _ in range(self.runs + STEPS_WARM)][STEPS_WARM:]
        work.close()
        found = {
            "step_s": median([step["time/step"] for step in done]),
            "generate_s": median([step["time/generate"] for step in done]),
            "train_s": median([step["time/train"] for step in done]),
            "matmul_share": median([step["operations"] / step["time/train"] for step in done]) / self.peak,
            "ratio_minus_1": abs(first["val/ratio"] - 1),
            "kl_before_update": first["policy/approxkl_avg"],
            "sampler_apart_nats": first["sampling/sampling_logp_difference/mean"],
        }
        if (peak := gpu_gigabytes()) is None:
            return found
        return found | {"peak_gb": peak, "planned_gb": self.planned() / 1e9}

    def planned(self) -> float:
        dtype = next(name for name in BYTES if name in str(self.base.placement.dtype))
        work = Work(
            dtype=dtype, targets="attention", prompt=PROMPT, response=self.size.tokens, batch=self.size.step,
            copies=1 if self.algorithm == "ppo" else 4, micro_batch=self.size.step,
        )  # fmt: skip
        return total(self.shape, work)

    def resumed(self, folder: Path) -> dict[str, Any]:
        """Three steps, and the third once more from the checkpoint of the second."""
        run = self.steps(1)
        for _ in range(2):
            run.step()
        run.shared.save("policy", folder / "policy")
        run.learner.save(folder)
        run.step()
        whole = run.shared.state("policy")
        run.close()
        again = self.steps(1)
        again.shared.reload("policy", folder / "policy")
        again.learner.restore(folder)
        again.done = 2
        again.step()
        apart = max(float((weight - whole[name]).abs().max()) for name, weight in again.shared.state("policy").items())
        again.close()
        return {"largest_difference": apart}


def peer_python(options: argparse.Namespace) -> Path | None:
    return options.peer_python or (Path(sys.executable) if importlib.util.find_spec("trl") else None)


class Peer:
    """TRL's GRPO beside ours: the model of random weights is written to a folder for it, and is its alone from then."""

    def __init__(
        self, options: argparse.Namespace, python: Path, base: Any, size: Size, folder: Path, found: Found
    ) -> None:  # fmt: skip
        self.options, self.base, self.size, self.folder, self.found = options, base, size, folder, found
        options.peer_python = python

    def __call__(self) -> dict[str, Any]:
        model, prompts = self.folder / "model", self.folder / "prompts.jsonl"
        self.base.model.set_attn_implementation("sdpa")
        self.base.model.save_pretrained(model)
        self.base.tokenizer.save_pretrained(model)
        prompts.write_text("".join(map(_line, range(256))), encoding="utf-8")
        asked = {
            "model": model, "prompts": prompts, "out": self.folder / "out", "algorithm": "grpo", "save-every": 1000,
            "steps": self.options.runs + STEPS_WARM, "batch": self.size.step, "tokens": self.size.tokens,
            "dtype": str(self.base.placement.dtype).removeprefix("torch."),
        }  # fmt: skip
        words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        script = str(Path(__file__).with_name("peer_grpo.py"))
        told = peer(self.options, script, *words, seconds=max(1.0, min(PEER_AT_MOST, self.found.left)))
        if len(told) < 2:
            return {"GRPO": "did not run: see what is said on stderr"}
        return {"GRPO step_s": median([after["seconds"] - before["seconds"] for before, after in pairwise(told)])}


def _line(number: int) -> str:
    return json.dumps(f"{number:04d}" + "x" * (PROMPT - 8)) + "\n"
