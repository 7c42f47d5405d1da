"""The guided demo: a few stops round the loop, each done with real jobs. No torch.

Where somebody stands is a setting of the project, so that a tour goes on after the program was closed. A stop is passed
when what it asks for has happened since the tour began, or when it is skipped.
"""

from dataclasses import dataclass, replace
from typing import Any

from core import demo
from core.config.jobs import JOBS, JobKind
from core.guidance.steps import Step
from core.jobs import queue
from core.store import Changes, Project, jobs, rankings

SETTING = "tour"
#: Prompts that the tour asks to rank.
TO_RANK = 3


@dataclass(frozen=True)
class Stop:
    """`job` is the kind of job that passes it, which `start` begins for whoever wants to look on; a stop without one
    asks for rankings, or only to be read."""

    title: str
    text: str
    step: Step
    job: JobKind | None = None
    rankings: int = 0


STOPS = (
    Stop("What is good?", "Read the guidelines: whoever ranks goes by them.", Step.GUIDELINES),
    Stop(
        f"Rank {TO_RANK} prompts",
        "Press the letters from best to worst, then Enter. That is all a labeler does.",
        Step.RANK,
        rankings=TO_RANK,
    ),
    Stop(
        "Learn a reward",
        "A small adapter learns to score any completion as the rankings would. A few minutes.",
        Step.TRAIN_REWARD,
        job=JobKind.TRAIN_REWARD,
    ),
    Stop(
        "Tune the policy",
        "PPO writes, is scored, and learns; KL keeps it near the reference. Watch the curves; it takes some minutes.",
        Step.TUNE,
        job=JobKind.TRAIN_POLICY,
    ),
    Stop("Compare", "The same prompts, before and after, on prompts it never saw.", Step.COMPARE, job=JobKind.COMPARE),
)


@dataclass(frozen=True)
class Place:
    """Where a tour stands: the stop, its number from 0, and how many rankings of it are made."""

    number: int
    stop: Stop
    ranked: int
    passed: bool


def begin(project: Project) -> Changes:
    """Start at the first stop; what happened before does not count."""
    return _keep(project, 0)


def place(project: Project) -> Place | None:
    """Where the tour stands, or None where there is none."""
    state = project.setting(SETTING)
    if not state or state["at"] >= len(STOPS):
        return None
    stop = STOPS[state["at"]]
    ranked, passed = 0, False
    if stop.rankings:
        ranked = rankings.groups_ranked_by_people(project, state["ranking"])
        passed = ranked >= stop.rankings
    if stop.job:
        passed = any(job.id > state["job"] for job in queue.listed(project, JOBS[stop.job].record, status="done"))
    return Place(state["at"], stop, ranked, passed)


def go_on(project: Project) -> Changes:
    """To the next stop; after the last one the tour is over."""
    state = project.setting(SETTING) or {"at": 0}
    return _keep(project, state["at"] + 1)


def end(project: Project) -> Changes:
    return _keep(project, len(STOPS))


def ended(project: Project) -> bool:
    """Has somebody been through it, or said no to it?"""
    state = project.setting(SETTING)
    return bool(state) and state["at"] >= len(STOPS)


def job_of(stop: Stop) -> tuple[Any, Any]:
    """Settings of the job that a stop asks for, small enough to wait for, and its algorithm's."""
    known: dict[JobKind | None, tuple[Any, Any]] = {
        JobKind.TRAIN_REWARD: (demo.REWARD, None),
        JobKind.TRAIN_POLICY: (demo.POLICY, demo.PPO),
        JobKind.COMPARE: (replace(demo.COMPARE, completions=1, limit=6), None),
    }
    return known[stop.job]


def _keep(project: Project, at: int) -> Changes:
    newest = {
        "ranking": rankings.newest_id(project),
        "job": jobs.newest(project),
    }
    return project.set_setting(SETTING, {"at": at, **newest})
