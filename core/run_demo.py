"""`run_demo`: the loop from an empty folder to a comparison, with the demo's settings.

Nobody ranks anything in it: a labeler scripted with the demo's gold reward does, and is shown as such.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config.jobs import JOBS, CompareResult, JobKind, config_values
from core.config.training import TrainPolicyConfig, TrainRewardConfig, TrainRewardJob
from core.data import import_prompts
from core.demo import COMPARE, GENERATE, GOLD, NAME, POLICY, PPO, REWARD
from core.jobs import queue
from core.jobs.wait import wait
from core.labeling import gold
from core.machine import base_models
from core.machine.chosen_model import chosen
from core.records import Job
from core.resources import resource
from core.runs import wishes
from core.store import DATABASE, Project, create_project, guidelines, open_project, pairs
from core.trust import gate


def prepare(folder: Path, *, model: str = base_models.EMBEDDED) -> Project:
    """A new project with the demo's guidelines and prompts and nothing else."""

    def fill(project: Project) -> None:
        text = (resource("guidelines") / "warm-short-tips.md").read_text(encoding="utf-8")
        guidelines.save(project, **guidelines.from_markdown(text))
        import_prompts(project, resource("prompts") / "demo.jsonl")

    project = create_project(folder, NAME, chosen(model).text, fill)
    gate.made_here(project)
    return project


def run_demo(
    folder: Path,
    *,
    progress: Callable[[Job], None] = lambda job: None,
    model: str = base_models.EMBEDDED,
    gold_reward: str = GOLD,
    reward: TrainRewardConfig = REWARD,
    policy: TrainPolicyConfig = POLICY,
) -> dict[str, Any]:
    """From an empty folder to a comparison on held-out prompts; takes up after an interruption.

    `progress` is told of every change of the running job. Returns the pairs, the reward model's held-out
    accuracy, mean reward and gold reward of the reference and of the tuned policy, KL (nats a completion)
    and the seconds it all took.
    """
    began = time.monotonic()
    project = open_project(folder) if (folder / DATABASE).is_file() else prepare(folder, model=model)
    try:
        gate.arrive(project)
        gate.choose(project, wishes.of_gold(gold_reward))
        step(project, JobKind.GENERATE, config_values(GENERATE), progress)
        gold.rank_all(project, gold_reward)
        learnt = step(project, JobKind.TRAIN_REWARD, config_values(reward), progress)
        step(project, JobKind.TRAIN_POLICY, config_values(replace(policy, gold=gold_reward), PPO), progress)
        compared = step(project, JobKind.COMPARE, config_values(replace(COMPARE, gold=gold_reward)), progress).result
        assert isinstance(learnt, TrainRewardJob) and isinstance(compared, CompareResult)
        return {
            "pairs": pairs.counts(project).pairs,
            "reward_model_accuracy": learnt.result.accuracy,
            "reward_before": compared.reward_before,
            "reward_after": compared.reward_after,
            "gold_before": compared.gold_before,
            "gold_after": compared.gold_after,
            "kl": compared.kl,
            "seconds": time.monotonic() - began,
        }
    finally:
        project.close()


def step(project: Project, kind: JobKind, config: dict[str, Any], progress: Callable[[Job], None]) -> Job:
    """Run a job of the demo, or take up the one that an earlier call left unfinished or done."""
    earlier = next(iter(queue.listed(project, JOBS[kind].record)), None)
    if earlier is not None and earlier.status == "done":
        return earlier
    if earlier is None:
        earlier = queue.enqueue(project, kind, config)
    elif earlier.status not in ("queued", "running", "paused"):
        queue.resume(project, earlier.id)
    return wait(project, earlier.id, progress)
