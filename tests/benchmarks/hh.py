"""Accuracy on held-out human preferences after one pass, and its seconds, beside the peer's on the same split.

The pairs of `--data` (HH, as the import reads them: turns by role) are split by prompt, 80 to 20, by a fixed seed; both
put them through the model's own chat template and learn one pass with LoRA r=16 on attention, 8 pairs a step.
Intervals are bootstraps over prompts. Nothing was tuned to these data: the learning rates are RATE for ours (what
LoRA on a model of this width usually takes) and the peer's own default for it.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.machine import load_base, peak_gigabytes, peer, prepare, python

HELDOUT, BATCH = 0.2, 8
LONGEST = 1024
RATE = 1.3e-3
CODE = """
import argparse, json
from pathlib import Path
from tests.benchmarks.hh import ours
options = argparse.Namespace(model={model!r}, data=Path({data!r}), dtype={dtype!r}, threads={threads!r}, limit={limit})
print(json.dumps(ours(options)))
"""
Rows = list[dict[str, Any]]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if not options.data:
        raise SystemExit("This benchmark needs --data: a file of HH dialogues (gzipped JSON lines).")
    code = CODE.format(
        model=options.model, data=str(options.data), dtype=options.dtype, threads=options.threads, limit=options.limit
    )
    found = json.loads(python(code).splitlines()[-1])
    folder, margins = found.pop("folder"), np.array(found.pop("margins"))
    _, heldout = split(options)
    result = found | accuracy(margins, heldout, "")
    if options.peer_python:
        for line in run_peer(options, folder, found["dtype"]):
            theirs = np.array(line["margins"])
            result |= accuracy(theirs, heldout, "peer_")
            result |= {"peer_pairs": line["pairs"], "peer_seconds": line["seconds"], "peer_peak_gb": line["peak_gb"]}
            result["pairs_a_second_over_peer"] = (found["pairs"] / found["seconds"]) / (line["pairs"] / line["seconds"])
            result["memory_over_peer"] = found["peak_gb"] / line["peak_gb"]
    return result


def split(options: argparse.Namespace) -> tuple[Rows, Rows]:
    """Training and held-out pairs with no conversation in both; what the import refuses is in neither. `messages` are
    the turns before the two answers, `prompt` is one text for each conversation."""
    from core.data import hh
    from core.data.rows import Row

    rows = [row for row in hh.read(options.data) if isinstance(row, Row)]
    prompts = sorted({row.conversation.key for row in rows})
    random.Random(0).shuffle(prompts)
    held = set(prompts[: round(len(prompts) * HELDOUT)])
    pairs = [
        {
            "prompt": row.conversation.key,
            "messages": [message.data() for message in row.conversation.messages],
            "chosen": row.answers[0].text,
            "rejected": row.answers[1].text,
        }
        for row in rows
    ]
    train = [row for row in pairs if row["prompt"] not in held]
    return train[: options.limit or None], [row for row in pairs if row["prompt"] in held]


def accuracy(margins: Any, heldout: Rows, prefix: str) -> dict[str, float]:
    """With a 95 % interval over prompts; equal scores count half."""
    from core.preferences.statistics import bootstrap, share, sums_by
    from core.report.calibration import log_loss, right

    sums = sums_by(np.array([row["prompt"] for row in heldout]), right(margins), np.ones(len(margins)))
    found = bootstrap(sums, share, resamples=5000)
    assert found.value is not None and found.low is not None and found.high is not None
    return {
        f"{prefix}accuracy": found.value,
        f"{prefix}accuracy_low": found.low,
        f"{prefix}accuracy_high": found.high,
        f"{prefix}log_loss": float(log_loss(margins).mean()),
    }


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """Train as the job does, without its project."""
    prepare(options)
    import torch

    from core.config.training import TrainRewardConfig
    from core.conversation import Conversation
    from core.models import chat
    from core.models.adapters import SharedModel
    from core.models.checkpoint import adamw, scale_learning_rates
    from core.reward.examples import Example, Order
    from tests.core.reward.steps import fresh_model, update

    base = load_base(options)
    config = TrainRewardConfig(epochs=1, batch_prompts=BATCH)

    def example(number: int, row: dict[str, Any]) -> Example:
        answers = tuple(chat.completion_ids(base, row[side]) for side in ("chosen", "rejected"))
        prompt = chat.beside(base, Conversation.read(row["messages"]), max(map(len, answers)), LONGEST)
        return Example(number, prompt, answers, (0, 1), (Order(0, torch.tensor([1.0, 2.0]), True),))

    train, heldout = ([example(n, row) for n, row in enumerate(rows)] for rows in split(options))
    shared = SharedModel(base)
    model = fresh_model(shared, config, seed=0, head_init=config.head_init)
    (member,) = model.members
    optimizer = adamw(*zip(model.parameters(member), (RATE, config.head_learning_rate), strict=True))
    random.Random(0).shuffle(train)
    began = time.perf_counter()
    for start in range(0, len(train), BATCH):
        scale_learning_rates(optimizer, 1 - start / len(train))
        update(model, member, optimizer, train[start : start + BATCH], config, 10**6)
    seconds = time.perf_counter() - began
    peak = peak_gigabytes()
    scores = model.raw_scores([item.prompt for item in heldout], [item.answers for item in heldout])
    return {
        "pairs": len(train),
        "seconds": seconds,
        "peak_gb": peak,
        "learning_rate": RATE,
        "dtype": str(base.placement.dtype).removeprefix("torch."),
        "folder": str(base.spec.folder),
        "margins": [float(found[0, 0, 0] - found[0, 1, 0]) for found in scores],
    }


def run_peer(options: argparse.Namespace, folder: str, dtype: str) -> list[dict[str, Any]]:
    """What the peer's script prints, or nothing with a word on stderr."""
    with tempfile.TemporaryDirectory() as texts:
        for name, rows in zip(("train", "heldout"), split(options), strict=True):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (Path(texts) / name).write_text(lines, encoding="utf-8")
        arguments = (
            "--model", folder, "--dtype", dtype, "--train", f"{texts}/train", "--heldout", f"{texts}/heldout",
            "--batch", str(BATCH), "--max-length", str(LONGEST),
        )  # fmt: skip
        return peer(options, str(Path(__file__).with_name("peer_hh.py")), *arguments)[-1:]
