"""What a person gets who imports human preferences (HH) and trains a reward model with every setting as it is.

Beside it stands the peer's trainer with its own settings, on the same pairs and turns: one pass with LoRA r=16 on
attention, 8 pairs a step. A fifth of the prompts of `--data`, drawn by a fixed seed, is imported as held out, the rest
to be trained on; `--set` tries other settings. Accuracy and log loss are those of the report, on all held-out pairs;
intervals are bootstraps over prompts.
"""

import argparse
import gzip
import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.machine import peer, plumbline

HELDOUT, BATCH = 0.2, 8
LONGEST = 1024
Rows = list[dict[str, Any]]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if not options.data:
        raise SystemExit("This benchmark needs --data: a file of HH dialogues (gzipped JSON lines).")
    train, heldout = split(options)
    folder = Path(options.keep or tempfile.mkdtemp()) / "hh"
    result = ours(options, folder, train, heldout)
    if options.peer_python:
        for line in run_peer(options, folder, train, heldout):
            result |= accuracy(np.array(line["margins"]), heldout, "peer_")
            result |= {"peer_pairs": line["pairs"], "peer_seconds": line["seconds"], "peer_peak_gb": line["peak_gb"]}
    return result


def split(options: argparse.Namespace) -> tuple[Rows, Rows]:
    """Training and held-out pairs with no conversation in both; what the import refuses is in neither. `line` is that
    of the file, `messages` are the turns before the two answers, `prompt` is one text for each conversation."""
    from core.data import hh
    from core.data.rows import Row

    rows = [row for row in hh.read(options.data) if isinstance(row, Row)]
    prompts = sorted({row.conversation.key for row in rows})
    random.Random(0).shuffle(prompts)
    held = set(prompts[: round(len(prompts) * HELDOUT)])
    pairs = [
        {
            "line": row.line,
            "prompt": row.conversation.key,
            "messages": [message.data() for message in row.conversation.messages],
            "chosen": row.answers[0].text,
            "rejected": row.answers[1].text,
        }
        for row in rows
    ]
    train = [row for row in pairs if row["prompt"] not in held]
    return train[: options.limit or None], [row for row in pairs if row["prompt"] in held]


def lines(path: Path, rows: Rows) -> str:
    """Those of the file that hold these rows, as they are."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        everything = file.read().splitlines(keepends=True)
    return "".join(everything[row["line"] - 1] for row in rows)


def ours(options: argparse.Namespace, folder: Path, train: Rows, heldout: Rows) -> dict[str, Any]:
    """By the commands, with all defaults but those of `--set`."""
    if options.dtype:
        os.environ["PLUMBLINE_DTYPE"] = options.dtype
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    plumbline("new", folder, "--model", options.model)
    for name, rows in (("train", train), ("heldout", heldout)):
        part = folder.with_name(f"{name}.jsonl")
        part.write_text(lines(options.data, rows), encoding="utf-8")
        plumbline("import", folder, part, "--preferences", "--split", name)
    chosen = [word for pair in options.set or () for word in _option(pair)]
    run = plumbline("train-reward", folder, *chosen)
    report = plumbline("report", folder)
    return {
        "pairs": run["pairs"],
        "steps": run["models"][0]["steps"],
        "seconds": run["seconds"],
        "learning_rate": run["learning_rate"],
        "heldout_pairs": report["pairs"],
        "accuracy": report["accuracy"]["value"],
        "accuracy_low": report["accuracy"]["low"],
        "accuracy_high": report["accuracy"]["high"],
        "log_loss": report["log_loss"]["value"],
        "calibration_error": report["calibration_error"],
        "length_alone": report["length"]["baseline"]["value"],
        "length_correlation": report["length"]["correlation"],
    }


def _option(pair: str) -> tuple[str, ...]:
    """`epochs=1` as the command takes it."""
    name, _, value = pair.partition("=")
    option = "--" + name.replace("_", "-")
    return (option,) if value.lower() == "true" else (option, value)


def accuracy(margins: Any, heldout: Rows, prefix: str) -> dict[str, float]:
    """With a 95 % interval over prompts; equal scores count half."""
    from core.preferences.statistics import bootstrap, share, sums_by
    from core.report.calibration import log_loss, right

    sums = sums_by(np.array([row["prompt"] for row in heldout]), right(margins), np.ones(len(margins)))
    found = bootstrap(sums, share)
    assert found.value is not None and found.low is not None and found.high is not None
    return {
        f"{prefix}accuracy": found.value,
        f"{prefix}accuracy_low": found.low,
        f"{prefix}accuracy_high": found.high,
        f"{prefix}log_loss": float(log_loss(margins).mean()),
    }


def run_peer(options: argparse.Namespace, folder: Path, train: Rows, heldout: Rows) -> list[dict[str, Any]]:
    """What the peer's script prints, or nothing with a word on stderr. It loads the model in the format in which ours
    did."""
    from core.machine import base_models
    from core.models.devices import placement

    for name, rows in (("train", train), ("heldout", heldout)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        folder.with_name(f"peer-{name}.jsonl").write_text(lines, encoding="utf-8")
    arguments = (
        "--model", str(base_models.parse(options.model).folder),
        "--dtype", str(placement().dtype).removeprefix("torch."),
        "--train", str(folder.with_name("peer-train.jsonl")),
        "--heldout", str(folder.with_name("peer-heldout.jsonl")),
        "--batch", str(BATCH), "--max-length", str(LONGEST),
    )  # fmt: skip
    return peer(options, str(Path(__file__).with_name("peer_hh.py")), *arguments)[-1:]
