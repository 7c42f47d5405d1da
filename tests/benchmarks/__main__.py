"""The door of the benchmarks: `python -m tests.benchmarks NAME [--json]`."""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

NAMES = {
    "startup": "time to the window's first frame, peak memory, and what the window must not import",
    "load": "seconds to load the base model from safetensors",
    "generate": "tokens a second, batched and one by one",
    "scale": "time and memory of what is done with a project of a million completions and 200,000 rankings",
    "labeling": "milliseconds that a labeler waits on a project of 100,000 ranked prompts",
    "window": "milliseconds that the window's thread is away while a job runs and pages are turned",
    "first_minutes": "minutes of somebody new to a first ranking, reward model and PPO run with pauses to read",
    "charts": "milliseconds to move the charts of a long run, and to draw one more step",
    "reward": "pairs a second of reward model training by completions for each prompt, peak memory",
    "hh": "what importing human preferences (HH) and training with all defaults gives, held out by prompt",
    "reward_settings": "what other settings of a reward model's training give, cross-validated on HH and the demo",
    "gold": "rank correlation of the learned reward with a known gold reward, by number of pairs",
    "learning": "reward before and after on held-out prompts, KL and fluency, for each algorithm",
    "chain": "held-out loss, reward, gold reward and KL along base, SFT, reward model, PPO, second round",
    "arena": "how often what an arena says is true, over simulated ones whose truth is known",
    "scaling": "seconds of a PPO step against batch, length and epochs; memory over 200 steps",
    "plan": "memory that `plan` computes beside measured peaks",
    "gpu": "what an NVIDIA GPU gives in 9 minutes, with models of random weights: tokens against its bandwidth, steps",
    "ppo": "seconds a PPO step and their parts, peak memory",
}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES, help="; ".join(f"{name}: {text}" for name, text in NAMES.items()))
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--model", default="embedded", help="base model, as in `plumbline new --model`")
    parser.add_argument("--data", type=Path, help="preference data (HH JSONL) that prompts are taken from")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], help="number format of the base")
    parser.add_argument("--threads", type=int, help="CPU threads; all cores if not given")
    parser.add_argument("--runs", type=int, default=5, help="repetitions, of which the median counts")
    parser.add_argument("--k", type=int, nargs="+", default=[2, 4, 8, 16], help="completions of each prompt, `reward`")
    parser.add_argument("--ways", action="store_true", help="also time `reward` without sharing the prompt")
    parser.add_argument(
        "--limit",
        type=int,
        default=0,
        help="at most so many training pairs, `hh`, or conversations of each half, `learning`; 0 is all",
    )
    parser.add_argument("--steps", type=int, default=20_000, help="steps of each curve, `charts`")
    parser.add_argument("--svg", type=Path, help="where `arena`, `gold`, `learning` and `scaling` write their plot")
    parser.add_argument("--algorithm", nargs="+", help="which algorithms, `learning`; all of the task if not given")
    parser.add_argument(
        "--seeds", type=int, default=1, help="runs of each algorithm, `learning`; folds, `reward_settings`"
    )
    parser.add_argument("--seed", type=int, help="the one run of each algorithm that is made, `learning`")
    parser.add_argument(
        "--task", choices=["sentiment", "stopping", "reward-model", "preferences"], default="sentiment",
        help="of `learning`",
    )  # fmt: skip
    parser.add_argument("--tokens", type=int, help="of each completion, `learning`; the task's own if not given")
    parser.add_argument(
        "--set", nargs="+", action="extend", metavar="NAME=VALUE", help="other settings of the runs, `hh`, `learning`"
    )
    parser.add_argument("--points", type=Path, help="folder of `learning`: runs that it holds are not done again")
    parser.add_argument("--collect", action="store_true", help="only tell of the runs in --points, `learning`")
    parser.add_argument(
        "--keep", type=Path, help="a folder where these leave their projects: `chain`, `hh`, `learning`, `scale`"
    )
    parser.add_argument("--tiny", action="store_true", help="a model of two layers, on a CPU too, `gpu`")
    parser.add_argument(
        "--seconds", type=float, default=500.0, help="that `gpu` may take, the last part begun included"
    )
    parser.add_argument("--out", type=Path, help="a JSON file where `gpu` writes what it has found so far")
    parser.add_argument("--peer-python", type=Path, help="an interpreter with TRL, to run the peer on the same work")
    parser.add_argument(
        "--peer-scripts", type=Path, default=Path("../shared/peers"), help="where the peer's scripts lie"
    )
    return parser


def main() -> int:
    options = parser().parse_args()
    module = importlib.import_module(f"tests.benchmarks.{options.name}")
    result: dict[str, Any] = module.measure(options)
    width = max(len(name) for name in result)
    for name, value in result.items():
        print(f"{name.ljust(width)}  {value:.3f}" if isinstance(value, float) else f"{name.ljust(width)}  {value}")
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
