"""Does an algorithm learn? Reward before and after on held-out prompts, KL, fluency, seconds; the same budget for all.

Each run is the job `train-policy` as a person would start it: 30 steps of 16 completions of `--tokens` tokens (24).
Task `sentiment` optimises VADER's sentiment of completions of neutral prompts, in the spirit of RL4LMs' IMDB task. Task
`stopping` is that with 96 tokens and the default missing-end penalty: some completions end by themselves, and the
others are to learn it. Task `reward-model` optimises the reward model of the demo project, with the gold reward that
its labeler followed beside it. Task `preferences` optimises a reward model of half of `--data`, judged by one of the
other half: see `learning_preferences`. DPO, KTO and SFT learn from as many completions, written by the reference and
ranked by the same reward; in the other tasks, from their rankings. Best-of-n, which trains nothing, is the baseline of
them all.

Intervals are over prompts and seeds (`learning_table.interval`). With `--peer-python` TRL's GRPO and RLOO run the task
`sentiment` too, with our algorithms' learning rate and KL coefficient. Our code then asks the held-out prompts of their
adapters and of our checkpoints after every 5 steps; seconds are of the steps alone, on both sides. When ours is where
TRL's ends is read off there. One such reward, of 128 answers, is known to some 0.04 only, and the first of several that
passes a mark is a lucky one more often than not: the KL beside it, and the end, say more.

`--set NAME=VALUE` puts other settings in place of these, such as `value_model=adapter`; how much of the returns the
values explain is told of the later half of a run. `--points` keeps each run in a file, so that a table can be made over
many sessions: `--algorithm NAME --seed N` makes a single run, `--collect` none at all.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.config.training import ALGORITHMS
from tests.benchmarks import learning_peers, learning_plot, learning_preferences, learning_runs
from tests.benchmarks.learning_table import Run, brief, reached, together
from tests.benchmarks.machine import prepare

TOKENS = {"sentiment": 24, "stopping": 96, "reward-model": 24, "preferences": 64}
#: One name for all n: they choose from the same answers.
BEST_OF_N = "best-of-n"
FEW = ["ppo", "grpo", "rloo", "dpo"]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    options.tokens = options.tokens or TOKENS[options.task]
    if not options.collect:
        prepare(options)
    runs: dict[str, list[Run]] = {}
    for name in names(options):
        for seed in [options.seed] if options.seed is not None else range(options.seeds):
            for row, run in found(options, name, seed).items():
                runs.setdefault(row, []).append(run)
                print(f"{row}, seed {seed}: {json.dumps(told(together(row, [run])))}", file=sys.stderr)
    if not runs:
        raise SystemExit("There is no run to tell of: --points holds none of them, or the peer did not run.")
    rows = {name: together(name, each) for name, each in runs.items()}
    if options.svg:
        options.svg.write_text(learning_plot.frontier(rows, runs), encoding="utf-8")
    if race := against_peers(runs):
        rows["race"] = race
    return next(iter(rows.values())) if len(rows) == 1 else rows


def names(options: argparse.Namespace) -> list[str]:
    """Of the algorithms, best-of-n and the peers that are asked for."""
    if options.algorithm:
        chosen = list(options.algorithm)
    elif options.task == "sentiment":
        chosen = [*(ALGORITHMS if options.tokens == TOKENS["sentiment"] else FEW), BEST_OF_N]
        chosen += ["trl-grpo", "trl-rloo"] if options.peer_python or options.collect else []
    else:
        chosen = ["ppo", "grpo", "dpo", BEST_OF_N] if options.task == "preferences" else FEW
    known = {*ALGORITHMS} | ({BEST_OF_N} if options.task in ("sentiment", "preferences") else set())
    known |= {*learning_peers.PEERS} if options.task == "sentiment" else set()
    if wrong := [name for name in chosen if name not in known]:
        raise SystemExit(f"The task {options.task} knows no {wrong[0]}: choose among {', '.join(sorted(known))}.")
    return chosen


def found(options: argparse.Namespace, name: str, seed: int) -> dict[str, Run]:
    """The runs of one name and seed by the name of their row: best-of-n has one for each n. There is none where the
    peer does not run, nor where there is nothing to collect."""
    if name in learning_peers.PEERS and seed:
        return {}
    if name == BEST_OF_N:
        return kept(options, f"{name}-{seed}", lambda: best_of_n(options, seed)) or {}
    run = kept(options, f"{name}-{seed}", lambda: one(options, name, seed))
    return {name: run} if run else {}


def one(options: argparse.Namespace, name: str, seed: int) -> Run | None:
    if name in learning_peers.PEERS:
        run = learning_peers.beside(options, name)
    elif options.task == "preferences":
        run = in_projects(options, lambda folder: learning_preferences.one(options, name, seed, folder))
    else:
        run = learning_runs.one(options, name, seed)
    return run and brief(run)


def best_of_n(options: argparse.Namespace, seed: int) -> dict[str, Run]:
    if options.task == "preferences":
        runs = in_projects(options, lambda folder: learning_preferences.best_of_n(options, seed, folder))
    else:
        runs = learning_runs.best_of_n(options, seed)
    return {name: brief(run) for name, run in runs.items()}


def in_projects(options: argparse.Namespace, make: Callable[[Path], Any]) -> Any:
    """What `make` finds in the folder with the reward models, which lie in that of the points as long as it does."""
    if not options.points:
        with tempfile.TemporaryDirectory() as folder:
            learning_preferences.reward_models(options, Path(folder))
            return make(Path(folder))
    folder = options.points.resolve() / "projects"
    models = kept(options, "reward-models", lambda: learning_preferences.reward_models(options, folder))
    print(f"reward models: {json.dumps(models)}", file=sys.stderr)
    return make(folder)


def kept(options: argparse.Namespace, name: str, make: Callable[[], Any]) -> Any:
    """A run from the folder `--points`, or a new one, which is put there; None where there is none."""
    path = options.points / f"{options.task}-{options.tokens}-{name}.json" if options.points else None
    settings = {"model": options.model, "dtype": options.dtype, "set": " ".join(sorted(options.set or []))}
    if options.task == "preferences" and not options.collect:
        settings |= {"data": options.data and options.data.name, "limit": options.limit}
    if path and path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if {each: stored["settings"].get(each) for each in settings} != settings:
            raise SystemExit(f"{path} was run with other settings, {stored['settings']}: give another --points.")
        return stored["found"]
    run = None if options.collect else make()
    if path and run is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"settings": settings, "found": run}), encoding="utf-8")
        partial.rename(path)
    return run


def against_peers(runs: dict[str, list[Run]]) -> dict[str, Any]:
    """Of each of ours that ran against TRL, when it was where each of TRL's ends; the first seed of both."""
    ours = {name: each[0] for name, each in runs.items() if each[0]["seed"] == 0 and name in learning_runs.RACED}
    theirs = {name: each[0] for name, each in runs.items() if name in learning_peers.PEERS}
    return {f"{mine} {peer}": reached(run, other) for mine, run in ours.items() for peer, other in theirs.items()}


def told(row: dict[str, Any]) -> dict[str, Any]:
    wanted = ("reward_before", "reward_after", "gold_before", "gold_after", "kl", "seconds", "cpu_seconds")
    return {name: round(row[name], 4) for name in wanted if name in row}
