"""Does an algorithm learn? Reward before and after on held-out prompts, KL, fluency, seconds; the same budget for all.

Each run is the job `train-policy` as a person would start it: 30 steps of 16 completions of 24 tokens, unless `--set`
says otherwise (`--set value_model=adapter --set max_new_tokens=128`). Task `sentiment`
optimises VADER's sentiment of completions of neutral prompts, in the spirit of RL4LMs' IMDB task. Task `reward-model`
optimises the reward model of the demo project, with the gold reward that its labeler followed beside it. DPO learns
from as many completions, written by the reference and ranked by the same reward; in the demo, from its rankings.
"""

import argparse
import json
import math
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import load_base, peer, prepare

STEPS, BATCH, TOKENS = 30, 16, 24
TRAIN, HELDOUT, COPIES = 60, 32, 4
#: Completions of each prompt that DPO learns from: TRAIN * RANKED = STEPS * BATCH.
RANKED = 8
DRAWS = 2000
#: What each task optimises. The learned reward spreads twice as far as the sentiment, so a nat costs twice as much.
REWARDS: dict[str, dict[str, Any]] = {
    "sentiment": {"gold": "sentiment", "train_on_gold": True},
    "reward-model": {"gold": "warmth", "kl_coef": 0.1},
}
#: Steps that a curve is averaged over.
SMOOTH = 5
PEER = "trl-ppo"
#: How much of the returns the values explain, over all tokens and by quarter of a completion.
EXPLAINED = ("val/explained_variance", *(f"val/explained_variance_q{number}" for number in (1, 2, 3, 4)))

ASKED = ("Describe {} in one sentence.", "Tell me something about {}.", "What is {} like?")
THINGS = (
    "a train station", "a wooden table", "the morning bus", "a library", "a glass of water", "a long corridor",
    "a bicycle", "the town square", "a bridge over a river", "a kitchen chair", "a letter", "a row of houses",
    "an empty room", "a telephone", "a market", "the road to the coast", "a pair of shoes", "a school yard",
    "a lamp", "a small shop", "a winter day", "the harbour", "a garden wall", "a cup of tea", "a crowded street",
    "a notebook", "an old clock", "the roof of a barn", "a waiting room", "a bus stop", "a piece of paper",
    "a field of wheat", "a staircase", "the back of a truck", "a window", "a museum", "a bag of flour", "the evening",
    "a ferry", "a tunnel", "a coat", "an office building", "a stone", "a queue at the bank", "a factory",
    "the edge of a forest", "a carpet", "a newspaper", "a parking lot", "a pencil", "a village", "a door",
    "a conversation about the weather", "a map", "a ladder", "a corner of the room", "a bowl of rice", "a cloud",
    "a neighbour", "a hotel lobby", "a canal", "a box", "an airport", "a desk", "a hill", "the second floor",
    "a spoon", "a radio", "a concert hall", "a taxi", "a shelf", "a workshop", "the sound of traffic", "a basement",
    "a suitcase", "a courtyard", "a bench", "a road sign", "a bakery", "a gate", "a pond", "a lecture", "a hallway",
    "a photograph", "the ground floor", "a barber", "a warehouse", "a mirror", "a footpath", "a ticket", "a fence",
    "a sink",
)  # fmt: skip


def neutral() -> list[Any]:
    """The prompts of task `sentiment`: 60 to train on and 32 held out, no thing in both."""
    from core.records import Prompt

    things = list(THINGS)
    random.Random(0).shuffle(things)
    texts = [ASKED[number % len(ASKED)].format(thing) for number, thing in enumerate(things)]
    return [
        Prompt(0, text, split="train" if number < TRAIN else "heldout")
        for number, text in enumerate(texts[: TRAIN + HELDOUT])
    ]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    names = options.algorithm or known(options.task)
    if options.task == "sentiment" and options.peer_python:
        names = [*names, PEER]
    found = []
    for name in names:
        runs = [run for seed in range(options.seeds) if (run := kept(options, name, seed)) is not None]
        if not runs:
            continue
        found.append(together(name, runs))
        print(json.dumps({key: value for key, value in found[-1].items() if key != "curve"}), file=sys.stderr)
    if PEER in names and "ppo" in names:
        ours, theirs = (next((row for row in found if row["algorithm"] == name), None) for name in ("ppo", PEER))
        if ours and theirs:
            ours |= reached(kept(options, "ppo", 0), kept(options, PEER, 0))
    if options.svg:
        options.svg.write_text(plot(found), encoding="utf-8")
    rows = [{key: value for key, value in row.items() if key != "curve"} for row in found]
    return rows[0] if len(rows) == 1 else {row["algorithm"]: row for row in rows}


def kept(options: argparse.Namespace, name: str, seed: int) -> dict[str, Any] | None:
    """A run from the folder `--points`, or a new one, which is put there."""
    path = options.points / f"{options.task}-{name}-{seed}.json" if options.points else None
    if path and path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    run = beside(options, seed) if name == PEER else one(options, name, seed)
    if path and run is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run), encoding="utf-8")
    return run


def reached(ours: Any, theirs: Any) -> dict[str, float | None]:
    """When our PPO's reward (the running mean of 5 steps) first was what the peer's was at its end, and at what KL."""
    aim, kl = (
        mean_of_last(theirs["series"][f"objective/{name}"], len(theirs["series"]["objective/kl"]) - 1)
        for name in ("scores", "kl")
    )
    rewards, kls = (ours["series"][f"objective/{name}"] for name in ("scores", "kl"))
    for step in range(SMOOTH - 1, len(rewards)):
        if mean_of_last(rewards, step) >= aim:
            seconds = sum(value for _, value in ours["series"]["time/step"][: step + 1])
            return {
                "peer_reward": aim, "peer_kl": kl, "reached_at_step": step + 1,
                "reached_at_kl": mean_of_last(kls, step), "reached_after_seconds": seconds,
                "seconds_over_peer": seconds / theirs["seconds"],
            }  # fmt: skip
    return {"peer_reward": aim, "peer_kl": kl, "reached_at_step": None}


def mean_of_last(points: list[Any], step: int) -> float:
    """The mean of the `SMOOTH` values up to a place."""
    part = [value for _, value in points[max(0, step - SMOOTH + 1) : step + 1]]
    return float(sum(part) / len(part))


def known(task: str) -> list[str]:
    from core.config.training import ALGORITHMS

    return list(ALGORITHMS) if task == "sentiment" else ["ppo", "rloo", "grpo", "dpo"]


def one(options: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    """One run in a project of its own; what came of it, prompt by prompt."""
    from core.config.jobs import GenerateConfig
    from core.config.options import documented, from_dict
    from core.config.training import ALGORITHMS, TrainPolicyConfig
    from core.labeling import gold
    from core.store.runs import job_metrics, job_samples

    folder = Path(tempfile.mkdtemp(prefix="plumbline-learning-"))
    try:
        project = (
            sentiment_project(folder / "p", options) if options.task == "sentiment" else demo_project(folder / "p")
        )
        own = overrides(options)
        reward = REWARDS[options.task]
        shared = {"reference_answers": False, "eval_prompts": HELDOUT, "checkpoint_every": STEPS, "steps": STEPS}
        shared |= {"batch_size": BATCH, "max_new_tokens": TOKENS, "seed": seed, "algorithm": name} | reward
        kind = ALGORITHMS[name].config
        names = {item.name for item in documented(kind)}
        config = from_dict(TrainPolicyConfig, shared | {k: v for k, v in own.items() if k not in names})
        if ALGORITHMS[name].offline and options.task == "sentiment":
            write = GenerateConfig(
                completions=RANKED, max_new_tokens=TOKENS, seed=seed, split="train", batch_size=64, missing_only=False
            )
            work(project, "generate", write)
            gold.rank_all(project, reward["gold"])
        own = {"answers": "best-ranked"} | own if name == "sft" else own
        began = time.process_time()
        job = work(project, "train-policy", config, kind(**{k: v for k, v in own.items() if k in names}))
        cpu = time.process_time() - began
        series = job_metrics.series(project, job.id)
        rows = job_samples.listed(project, job.id)
        before = [row for row in rows if row["policy"] == "reference"]
        after = [row for row in rows if row["policy"] == "tuned"]
        result = {
            "seed": seed, "before": before, "after": after, "gold": options.task != "sentiment",
            "fluency": [fluency(options, part) for part in (before, after)],
            "seconds": sum(value for _, value in series["time/step"]), "series": series,
            "cpu_seconds": cpu,
        }  # fmt: skip
        project.close()
        if options.keep:
            shutil.copytree(folder / "p", options.keep / f"{name}-{seed}", dirs_exist_ok=True)
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_cache: dict[str, Any] = {}


def work(project: Any, kind: str, config: Any, options: Any = None) -> Any:
    """Run a job here, as the worker would."""
    from core import worker
    from core.config.jobs import config_values
    from core.jobs import queue

    job = queue.enqueue(project, kind, config_values(config, options))
    claimed = worker.claim(project)
    assert claimed is not None
    worker.run_job(project, claimed, _cache)
    done = queue.get(project, job.id)
    if done.status != "done":
        raise SystemExit(f"{kind} {done.status}: {done.report or done.error}")
    return done


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in options.set or []:
        name, _, value = text.partition("=")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def sentiment_project(folder: Path, options: argparse.Namespace) -> Any:
    from core.store import create_project, prompts
    from core.trust import gate

    project = create_project(folder, "Sentiment", options.model)
    gate.made_here(project)
    prompts.add(project, neutral())
    return project


def demo_project(folder: Path) -> Any:
    from core.demo import install
    from core.store import open_project

    return open_project(install(folder))


def fluency(options: argparse.Namespace, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Perplexity of the completions under the base, and the share of their word pairs that are distinct."""
    import torch

    from core.models import chat
    from core.models.adapters import REFERENCE, SharedModel
    from core.models.rows import from_lists
    from core.rl.rollout import logprobs

    base = _cache.get("fluency") or load_base(options)
    _cache["fluency"] = base
    shared = SharedModel(base)
    total, tokens = 0.0, 0
    texts = [row for row in rows if row["completion"].strip()]
    for start in range(0, len(texts), 16):
        part = texts[start : start + 16]
        prompts = [chat.prompt_ids(base, row["prompt"]) for row in part]
        answers = [[base.tokenizer(row["completion"], add_special_tokens=False)["input_ids"]] for row in part]
        packed = from_lists(prompts, answers, base.pad_id, base.device)
        logp, _ = logprobs(shared, REFERENCE, packed, 1.0, 16)
        total += float(logp.sum())
        tokens += int(packed.is_response.sum())
    assert torch.is_tensor(logp)
    pairs = [
        pair for row in texts for pair in zip(row["completion"].split(), row["completion"].split()[1:], strict=False)
    ]
    return {"perplexity": math.exp(-total / tokens), "distinct": len(set(pairs)) / max(len(pairs), 1)}


def later(points: list[Any]) -> float:
    """The mean of the second half of a run's values."""
    values = [value for _, value in points]
    return float(sum(values[len(values) // 2 :]) / (len(values) - len(values) // 2))


def by_prompt(runs: list[dict[str, Any]], part: str, field: str) -> list[float]:
    """The mean of each held-out prompt over runs and copies, in the order of prompts."""
    values: dict[int, list[float]] = {}
    for run in runs:
        for row in run[part]:
            values.setdefault(row["prompt_id"], []).append(row[field])
    return [sum(values[key]) / len(values[key]) for key in sorted(values)]


def interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean by a bootstrap over prompts."""
    draw = random.Random(0)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS)]


def together(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of an algorithm over its seeds."""
    mean = lambda values: sum(values) / len(values)  # noqa: E731
    before, after = by_prompt(runs, "before", "score"), by_prompt(runs, "after", "score")
    gain = [b - a for a, b in zip(before, after, strict=True)]
    found: dict[str, Any] = {
        "algorithm": name,
        "seeds": len(runs),
        "reward_before": mean(before),
        "reward_before_interval": interval(before),
        "reward_after": mean(after),
        "reward_after_interval": interval(after),
        "gain_interval": interval(gain),
        "reward_after_seeds": [mean([row["score"] for row in run["after"]]) for run in runs],
        "kl": mean(by_prompt(runs, "after", "kl")),
        "kl_seeds": [mean([row["kl"] for row in run["after"]]) for run in runs],
        "perplexity_before": mean([run["fluency"][0]["perplexity"] for run in runs]),
        "perplexity": mean([run["fluency"][1]["perplexity"] for run in runs]),
        "distinct_before": mean([run["fluency"][0]["distinct"] for run in runs]),
        "distinct": mean([run["fluency"][1]["distinct"] for run in runs]),
        "seconds": mean([run["seconds"] for run in runs]),
        "tokens": mean([row["tokens"] for run in runs for row in run["after"]]),
    }
    if "cpu_seconds" in runs[0]:
        found["cpu_seconds"] = mean([run["cpu_seconds"] for run in runs])
    for metric in EXPLAINED:
        if metric in runs[0]["series"]:
            found[metric.removeprefix("val/")] = mean([later(run["series"][metric]) for run in runs])
    if runs[0]["gold"]:
        found["gold_before"] = mean(by_prompt(runs, "before", "gold"))
        found["gold_after"] = mean(by_prompt(runs, "after", "gold"))
    found["curve"] = [
        {
            "kl": [value for _, value in run["series"].get("objective/kl", [])],
            "reward": [value for _, value in run["series"].get("objective/scores", [])],
            "gold": [value for _, value in run["series"].get("objective/gold", [])],
            "step": [step for step, _ in run["series"].get("objective/kl", [])],
        }
        for run in runs
    ]
    return found


def beside(options: argparse.Namespace, seed: int) -> dict[str, Any] | None:
    """TRL's PPO on the same prompts and budget, measured on the same held-out prompts by the same code; one seed."""
    if seed:
        return None
    from core.labeling import gold
    from core.models import chat
    from core.models.adapters import SharedModel
    from core.reward.reward_function import RewardFunction
    from core.rl import evaluate
    from core.rl.rollout import POLICY

    base = load_base(options)
    everything = neutral()
    with tempfile.TemporaryDirectory() as folder:
        out, asked = Path(folder) / "adapter", Path(folder) / "prompts.jsonl"
        train = [chat.prompt_ids(base, prompt.text) for prompt in everything if prompt.split == "train"]
        asked.write_text("".join(json.dumps(ids) + "\n" for ids in train), encoding="utf-8")
        dtype = str(base.placement.dtype).removeprefix("torch.")
        lines = peer(
            options, str(Path(__file__).with_name("peer_sentiment.py").resolve()), "--model", str(base.spec.folder),
            "--prompts", str(asked), "--out", str(out), "--dtype", dtype, "--steps", str(STEPS), "--batch", str(BATCH),
            "--tokens", str(TOKENS),
        )  # fmt: skip
        if not lines:
            return None
        shared = SharedModel(base)
        shared.load(POLICY, out)
        heldout = [(number, prompt.text) for number, prompt in enumerate(everything) if prompt.split == "heldout"]
        score = RewardFunction(optimised_gold=gold.sentiment, gold=gold.sentiment)
        parts = [
            evaluate.answers(
                shared, role, heldout, score, name=name, copies=COPIES, max_new_tokens=TOKENS, temperature=1.0, seed=0
            )
            for role, name in ((None, "reference"), (POLICY, "tuned"))
        ]
        shared.close()
    before, after = ([vars(sample) for sample in part] for part in parts)
    series = {
        f"objective/{to}": [(line["step"], line[name]) for line in lines]
        for name, to in (("kl", "kl"), ("reward", "scores"))
    }
    return {
        "seed": 0, "before": before, "after": after, "gold": False, "series": series,
        "fluency": [fluency(options, part) for part in (before, after)], "seconds": lines[-1]["seconds"],
    }  # fmt: skip


#: Okabe and Ito's colours and more of their kind; dashes tell apart what colour does not.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e6a700", "#56b4e9", "#6a3d9a", "#e0457b", "#7a4a1e", "#66a61e",
    "#999999",
)  # fmt: skip


def plot(found: list[dict[str, Any]]) -> str:
    """Reward against KL along training, the mean over seeds smoothed over 5 steps, with a dot where each ended.

    A gold reward beside it has a dashed line of the same colour; TRL's is dashed, too.
    """
    from core.report.svg import Plot

    curves = {row["algorithm"]: path(row) for row in found}
    golds = {row["algorithm"]: path(row, "gold") for row in found if "gold_after" in row}
    ends = [(row["kl"], row["reward_after"]) for row in found]
    points = [point for line in [*curves.values(), *golds.values(), ends] for point in line]
    highest = max(kl for kl, _ in points)
    rewards = [reward for _, reward in points]
    frame = Plot(
        (0, highest * 1.3),  # the key stands on the right
        (min(0.0, *rewards), max(rewards) * 1.08),
        ("KL to the reference (nats a completion)", "reward"),
    )
    colours = dict(zip((row["algorithm"] for row in found), COLOURS, strict=False))
    for row in found:
        colour = colours[row["algorithm"]]
        frame.line(curves[row["algorithm"]], colour, dashed=row["algorithm"].startswith("trl"))
        frame.dot(row["kl"], row["reward_after"], colour)
        if gold := golds.get(row["algorithm"]):
            frame.line(gold, colour, dashed=True)
    for place, row in enumerate(sorted(found, key=lambda row: -row["reward_after"])):
        name = row["algorithm"]
        frame.text(frame.right(highest * 1.08), 34 + 16 * place, name, "start", colours[name])
    beside = ", its gold reward dashed" if golds else ""
    return frame.done(f"Reward against KL of each algorithm{beside}")


def path(row: dict[str, Any], reward: str = "reward") -> list[tuple[float, float]]:
    """(KL, reward) of each step: seeds averaged, then a running mean."""
    length = min(len(curve["kl"]) for curve in row["curve"])
    each = [
        [sum(curve[name][step] for curve in row["curve"]) / len(row["curve"]) for name in ("kl", reward)]
        for step in range(length)
    ]
    parts = [each[max(0, step - SMOOTH + 1) : step + 1] for step in range(length)]
    return [(sum(kl for kl, _ in part) / len(part), sum(reward for _, reward in part) / len(part)) for part in parts]
