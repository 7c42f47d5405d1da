"""The demo: a project that is full at once, and `run_demo`, which makes such a project from nothing.

Nobody ranked anything in it: a labeler scripted with the gold reward `warmth` did, and is shown as such.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config.jobs import JOBS, CompareConfig, CompareResult, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig, TrainRewardJob
from core.data import import_prompts
from core.errors import BadInput
from core.jobs import queue
from core.jobs.wait import wait
from core.labeling import gold
from core.machine import base_models
from core.preferences import pairs
from core.records import Job
from core.resources import resource
from core.store import DATABASE, Project, create_project, guidelines, open_project

NAME = "Demo: warmer answers"
GOLD = "warmth"
TOKENS = 24

GENERATE = GenerateConfig(completions=6, max_new_tokens=TOKENS, batch_size=64)
REWARD = TrainRewardConfig(epochs=2, batch_prompts=2, head_init="zero")
POLICY = TrainPolicyConfig(
    steps=12,
    max_new_tokens=TOKENS,
    gold=GOLD,
    eval_prompts=0,
    lora_targets="attention",
    learning_rate=7e-4,
    kl_coef=0.1,
)
PPO = ALGORITHMS["ppo"].config()
COMPARE = CompareConfig(completions=2, max_new_tokens=TOKENS, gold=GOLD, batch_size=64)


def install(folder: Path | None = None) -> Path:
    """Copy the shipped demo project to `folder` (by default in the user's data folder), unless it is there.

    Raises `BadInput` when something else is in the way.
    """
    target = (folder or base_models.data_folder() / "projects" / "demo").expanduser().resolve()
    if (target / DATABASE).is_file():
        return target
    if target.exists() and any(target.iterdir()):
        raise BadInput(f"{target} is not empty: choose a new folder for the demo.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(resource("demo"), partial)
    (partial / "runs").mkdir(exist_ok=True)
    if target.exists():
        target.rmdir()
    partial.rename(target)
    return target


def prepare(folder: Path, *, model: str = base_models.EMBEDDED) -> Project:
    """A new project with the demo's guidelines and prompts and nothing else."""
    project = create_project(folder, NAME, model)
    text = (resource("guidelines") / "helpful-honest-harmless.md").read_text(encoding="utf-8")
    guidelines.save(project, **guidelines.from_markdown(text))
    import_prompts(project, resource("prompts") / "demo.jsonl")
    return project


def run_demo(
    folder: Path,
    *,
    progress: Callable[[Job], None] = lambda job: None,
    model: str = base_models.EMBEDDED,
    steps: int = POLICY.steps,
    gold_reward: str = GOLD,
    eval_prompts: int = POLICY.eval_prompts,
) -> dict[str, Any]:
    """From an empty folder to a comparison on held-out prompts; takes up after an interruption.

    `progress` is told of every change of the running job. Returns the pairs, the reward model's held-out
    accuracy, mean reward and gold reward of the reference and of the tuned policy, KL (nats a completion)
    and the seconds it all took.
    """
    began = time.monotonic()
    project = open_project(folder) if (folder / DATABASE).is_file() else prepare(folder, model=model)
    try:
        _step(project, JobKind.GENERATE, config_values(GENERATE), progress)
        gold.rank_all(project, gold_reward)
        reward = _step(project, JobKind.TRAIN_REWARD, config_values(REWARD), progress)
        policy = replace(POLICY, steps=steps, gold=gold_reward, eval_prompts=eval_prompts)
        _step(project, JobKind.TRAIN_POLICY, config_values(policy, PPO), progress)
        compared = _step(project, JobKind.COMPARE, config_values(replace(COMPARE, gold=gold_reward)), progress).result
        assert isinstance(reward, TrainRewardJob) and isinstance(compared, CompareResult)
        return {
            "pairs": pairs.counts(project).pairs,
            "reward_model_accuracy": reward.result.accuracy,
            "reward_before": compared.reward_before,
            "reward_after": compared.reward_after,
            "gold_before": compared.gold_before,
            "gold_after": compared.gold_after,
            "kl": compared.kl,
            "seconds": time.monotonic() - began,
        }
    finally:
        project.close()


def _step(project: Project, kind: JobKind, config: dict[str, Any], progress: Callable[[Job], None]) -> Job:
    """Run a job of the demo, or take up the one that an earlier call left unfinished or done."""
    earlier = next(iter(queue.listed(project, JOBS[kind].record)), None)
    if earlier is not None and earlier.status == "done":
        return earlier
    if earlier is None:
        earlier = queue.enqueue(project, kind, config)
    elif earlier.status not in ("queued", "running", "paused"):
        queue.resume(project, earlier.id)
    return wait(project, earlier.id, progress)
