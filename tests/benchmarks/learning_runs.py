"""One run of `learning` without preferences, as the job `train-policy` makes it; or best-of-n."""

import argparse
import json
import math
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from core import demo
from core.config.options import documented, from_dict
from core.config.training import ALGORITHMS, TrainPolicyConfig
from tests.benchmarks.learning_prompts import HELDOUT, neutral
from tests.benchmarks.learning_table import BEST_OF, Rows, Run, best_of
from tests.benchmarks.machine import load_base

STEPS, BATCH, COPIES = 30, 16, 4
#: Completions of each prompt that the algorithms without rollouts learn from: TRAIN * RANKED = STEPS * BATCH.
RANKED = 8
#: What each task optimises. The learned reward spreads twice as far as the sentiment, so a nat costs twice as much.
#: Within 24 tokens hardly anything ends, and nothing is asked to.
REWARDS: dict[str, dict[str, Any]] = {
    "sentiment": {"gold": "sentiment", "train_on_gold": True, "missing_end_penalty": 0.0},
    "stopping": {"gold": "sentiment", "train_on_gold": True},
    "reward-model": {"gold": demo.GOLD, "kl_coef": 0.1, "missing_end_penalty": 0.0},
}
#: The tasks on neutral prompts, without a reward model.
NEUTRAL = ("sentiment", "stopping")
#: What those learn from that were made for more than rankings.
OF_RANKINGS = {"sft": {"answers": "best-ranked"}, "kto": {"verdicts": "ranked"}}
#: Those that run against TRL, their first seed: the held-out prompts are asked after each `EVERY` steps, too.
RACED, EVERY = ("ppo", "grpo", "rloo"), 5
#: Answers to each held-out prompt that best-of-n chooses from: the policies are asked for COPIES, so as many of the
#: largest n.
DRAWN = COPIES * BEST_OF[-1]

#: What jobs keep, and the base beside them.
_cache: dict[str, Any] = {}
_bases: dict[str, Any] = {}


def one(options: argparse.Namespace, name: str, seed: int) -> Run:
    """A run in a project of its own; what came of it, prompt by prompt."""
    from core.store.runs import job_metrics, job_samples

    folder = Path(tempfile.mkdtemp(prefix="plumbline-learning-"))
    neutral = options.task in NEUTRAL
    raced = options.task == "sentiment" and name in RACED and seed == 0
    try:
        project = sentiment_project(folder / "p", options) if neutral else demo_project(folder / "p")
        config, own = chosen(options, name, seed)
        config = replace(config, checkpoint_every=EVERY if raced else config.steps)
        began = time.process_time()
        if neutral and ALGORITHMS[name].offline:
            written(project, options.tokens, seed)
        job = work(project, "train-policy", config, own, keeping(project, folder) if raced else None)
        spent = time.process_time() - began
        series = job_metrics.series(project, job.id)
        rows = job_samples.listed(project, job.id)
        before, after = ([row for row in rows if row["policy"] == policy] for policy in ("reference", "tuned"))
        result = {
            "seed": seed, "before": before, "after": after, "gold": not neutral,
            "fluency": [fluency(options, part) for part in (before, after)], "cpu_seconds": spent,
            "seconds": sum(value for _, value in series["time/step"]), "series": series,
        }  # fmt: skip
        if options.task == "stopping":
            for row in (*before, *after):
                row["ended"] = row["tokens"] < options.tokens
        if raced:
            clock = dict(zip(range(1, config.steps + 1), accumulate(s for _, s in series["time/step"]), strict=True))
            adapters = {step: folder / f"step-{step}" for step in due(config.steps)}
            result["heldout"] = heldout_curve(options, adapters, clock)
        project.close()
        if options.keep:
            shutil.copytree(folder / "p", options.keep / f"{name}-{seed}", dirs_exist_ok=True)
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def chosen(options: argparse.Namespace, name: str, seed: int) -> tuple[TrainPolicyConfig, Any]:
    """The settings of a run, and the algorithm's own: the task's, and what `--set` puts in their place."""
    kind = ALGORITHMS[name].config
    names = {item.name for item in documented(kind)}
    shared = {"algorithm": name, "steps": STEPS, "batch_size": BATCH, "max_new_tokens": options.tokens, "seed": seed}
    shared |= {"reference_answers": False, "eval_prompts": HELDOUT} | REWARDS[options.task]
    own = OF_RANKINGS.get(name, {}) | overrides(options)
    config = from_dict(TrainPolicyConfig, shared | {key: value for key, value in own.items() if key not in names})
    return config, kind(**{key: value for key, value in own.items() if key in names})


def written(project: Any, tokens: int, seed: int) -> None:
    """What the algorithms without rollouts learn from: the reference's answers, ranked by the reward itself."""
    from core.config.jobs import GenerateConfig
    from core.labeling import gold

    config = GenerateConfig(
        completions=RANKED, max_new_tokens=tokens, seed=seed, split="train", batch_size=64, missing_only=False
    )
    work(project, "generate", config)
    gold.rank_all(project, REWARDS["sentiment"]["gold"])


def best_of_n(options: argparse.Namespace, seed: int) -> dict[str, Run]:
    """Runs of best-of-n by its name: nothing is trained, the best of n answers of the reference is taken. The `before`
    of each are all answers that were drawn."""
    began = time.process_time()
    answers = asked(options, None, "reference", copies=DRAWN, seed=seed)
    spent = time.process_time() - began
    found: dict[str, Run] = {}
    for n in BEST_OF:
        best = best_of(answers, n)
        found[f"best-of-{n}"] = {
            "seed": seed, "before": answers, "after": best, "gold": False, "seconds": None, "cpu_seconds": spent,
            "fluency": [fluency(options, some(part)) for part in (answers, best)], "series": {},
        }  # fmt: skip
    return found


def some(rows: Rows) -> list[dict[str, Any]]:
    """As many answers to each prompt as the policies give: the share of distinct word pairs falls with more."""
    counted = Counter[int]()
    found = []
    for row in rows:
        counted[row["prompt_id"]] += 1
        if counted[row["prompt_id"]] <= COPIES:
            found.append(row)
    return found


def asked(
    options: argparse.Namespace, adapter: Path | None, name: str, *, copies: int = COPIES, seed: int = 0
) -> list[dict[str, Any]]:
    """Answers to the held-out prompts of `sentiment`, by the reference or within an adapter on it, as rows of a run."""
    from core.labeling import gold
    from core.models.adapters import REFERENCE, SharedModel
    from core.reward.reward_function import RewardFunction
    from core.rl import evaluate
    from core.rl.rollout import POLICY

    shared = SharedModel(base_of(options))
    try:
        if adapter is not None:
            shared.load(POLICY, adapter)
        prompts = [(number, each.text) for number, each in enumerate(neutral(), 1) if each.split == "heldout"]
        samples = evaluate.answers(
            shared, REFERENCE if adapter is None else POLICY, prompts, RewardFunction(optimised_gold=gold.sentiment),
            name=name, copies=copies, max_new_tokens=options.tokens, temperature=1.0, seed=seed,
            batch_size=max(32, 2 * copies),
        )  # fmt: skip
    finally:
        shared.close()
    return [vars(sample) for sample in samples]


def due(steps: int) -> list[int]:
    """After which steps the held-out prompts are asked."""
    return [*range(EVERY, steps, EVERY), steps]


def heldout_curve(
    options: argparse.Namespace, adapters: Mapping[int, Path], clock: Mapping[int, float]
) -> list[dict[str, float]]:
    """Reward and KL on the held-out prompts by the adapters of a run's steps, and the seconds of the steps so far."""
    found = []
    for step, adapter in sorted(adapters.items()):
        rows = asked(options, adapter, "tuned")
        reward, kl = (sum(row[field] for row in rows) / len(rows) for field in ("score", "kl"))
        found.append({"step": step, "seconds": clock[step], "reward": reward, "kl": kl})
    return found


def keeping(project: Any, folder: Path) -> Callable[[Any], None]:
    """Copies the policy of each checkpoint, of which a run keeps the newest, to `folder` as step-N."""
    from core.rl.rollout import POLICY
    from core.store.runs import checkpoints

    def keep(job: Any) -> None:
        for step, source in checkpoints.on_disk(project, job.id):
            if not (target := folder / f"step-{step}").exists():
                shutil.copytree(source / POLICY, target)

    return keep


def work(
    project: Any, kind: str, config: Any, options: Any = None, on_change: Callable[[Any], None] | None = None
) -> Any:
    """Run a job here, as the worker would."""
    from core import worker
    from core.config.jobs import config_values
    from core.jobs import queue

    job = queue.enqueue(project, kind, config_values(config, options))
    claimed = worker.claim(project)
    assert claimed is not None
    worker.run_job(project, claimed, _cache, on_change=on_change)
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


def base_of(options: argparse.Namespace) -> Any:
    """The base, loaded once, beside that of the jobs."""
    if options.model not in _bases:
        _bases[options.model] = load_base(options)
    return _bases[options.model]


def fluency(options: argparse.Namespace, rows: Rows, asked: Mapping[int, Any] | None = None) -> dict[str, float]:
    """Perplexity of the completions under the base, and the share of their word pairs that are distinct. Where prompts
    are more than texts, `asked` has their conversations."""
    from core.models import chat
    from core.models.adapters import REFERENCE, SharedModel
    from core.models.rows import from_lists
    from core.rl.rollout import logprobs

    base = base_of(options)
    shared = SharedModel(base)
    total, tokens = 0.0, 0
    texts = [row for row in rows if row["completion"].strip()]
    for start in range(0, len(texts), 16):
        part = texts[start : start + 16]
        prompts = [chat.prompt_ids(base, asked[row["prompt_id"]] if asked else row["prompt"]) for row in part]
        answers = [[base.tokenizer(row["completion"], add_special_tokens=False)["input_ids"]] for row in part]
        packed = from_lists(prompts, answers, base.pad_id, base.device)
        logp, _ = logprobs(shared, REFERENCE, packed, 1.0, 16)
        total += float(logp.sum())
        tokens += int(packed.is_response.sum())
    pairs = [
        pair for row in texts for pair in zip(row["completion"].split(), row["completion"].split()[1:], strict=False)
    ]
    return {"perplexity": math.exp(-total / tokens), "distinct": len(set(pairs)) / max(len(pairs), 1)}
