"""What the default settings of a reward model's training rest on: cross-validation over prompts, on two sources.

Each of `SETTINGS` is the job `train-reward` with that put in place of the defaults, on the same prompts in the same
order as the others: the rankings of the demo; and, with `--data`, pairs of HH, of the four fifths that `hh` trains on,
with at most `LETTERS` letters. `--seeds` folds of `FOLDS`, at least 2, are held out in turn, each run with a seed of
its own. Beside each log loss stands the difference to the defaults, paired by prompt, with its 95 % interval over
prompts.

The weights that are kept are the best of a few looks at the held-out prompts, which flatters all settings alike.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import hh
from tests.benchmarks.machine import prepare

FOLDS = 3
#: Of the turns and the longer answer: about 100 tokens.
LETTERS = 400
SETTINGS: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "LoRA on all linear layers": {"lora_targets": "all-linear"},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "no centring": {"centering": 0.0},
    "centring 0.1": {"centering": 0.1},
    "one pass": {"epochs": 1},
    "half the rate": {"learning_rate": 6.5e-4},
}
#: Log losses of a run by prompt.
Losses = dict[int, list[float]]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in ("demo", "hh") if options.data else ("demo",):
            first: list[Losses] = []
            for name, values in SETTINGS.items():
                runs = [
                    run(options, source, values, fold, Path(folder) / f"{source}-{name}-{fold}")
                    for fold in range(min(FOLDS, max(2, options.seeds)))
                ]
                first = first or runs
                found[f"{source}: {name}"] = told(runs, first)
                print(f"{source}: {name}: {json.dumps(found[f'{source}: {name}'])}", file=sys.stderr)
    return found


def run(options: argparse.Namespace, source: str, values: dict[str, Any], fold: int, folder: Path) -> Losses:
    """One run with a fold held out, and the seed of its number."""
    from core.config.jobs import JobKind
    from core.config.training import TrainRewardConfig
    from core.report.calibration import log_loss
    from core.report.scores import compared
    from tests.benchmarks.learning_runs import demo_project, work

    with closing(of_hh(options, folder) if source == "hh" else demo_project(folder)) as project:
        hold_out(project, fold)
        job = work(project, JobKind.TRAIN_REWARD, replace(TrainRewardConfig(seed=fold), **values))
        pairs = compared(project, job)
    losses: Losses = {}
    for prompt, loss in zip(pairs.prompt_ids.tolist(), log_loss(pairs.difference).tolist(), strict=True):
        losses.setdefault(prompt, []).append(loss)
    return losses


def of_hh(options: argparse.Namespace, folder: Path) -> Any:
    from core import data
    from core.store import create_project
    from core.trust import gate

    rows = [row for row in hh.split(options)[0] if letters(row) <= LETTERS]
    project = create_project(folder, "HH", options.model)
    gate.made_here(project)
    part = folder.with_suffix(".jsonl")
    part.write_text(hh.lines(options.data, rows), encoding="utf-8")
    data.import_preferences(project, part, "people")
    return project


def letters(row: dict[str, Any]) -> int:
    turns = sum(len(message["content"]) for message in row["messages"])
    return turns + max(len(row["chosen"]), len(row["rejected"]))


def hold_out(project: Any, fold: int) -> None:
    """A third of the prompts, the same ones for all settings."""
    from core.store import prompts

    everyone = prompts.ids(project)
    random.Random(0).shuffle(everyone)
    held = json.dumps(everyone[fold::FOLDS])
    with project.write() as database:
        database.execute(
            "update prompts set split = iif(id in (select value from json_each(?)), 'heldout', 'train')", (held,)
        )


def told(runs: Sequence[Losses], first: Sequence[Losses]) -> dict[str, float]:
    """The mean over pairs, as the report has it, and how far it lies from that of the first."""
    from core.preferences.statistics import bootstrap, share, sums_by

    numbers = [(fold, prompt) for fold, losses in enumerate(runs) for prompt, each in losses.items() for _ in each]
    mine, other = (
        np.array([loss for fold, losses in enumerate(each) for prompt in runs[fold] for loss in losses[prompt]])
        for each in (runs, first)
    )
    groups = np.unique(np.array(numbers), axis=0, return_inverse=True)[1].reshape(-1)
    apart = bootstrap(sums_by(groups, mine - other, np.ones(len(mine))), share)
    assert apart.value is not None and apart.low is not None and apart.high is not None
    return {
        "log_loss": float(mine.mean()), "pairs": len(mine), "difference": apart.value,
        "difference_low": apart.low, "difference_high": apart.high,
    }  # fmt: skip
