"""The guided tour: a few stops round the loop, done with real jobs in the demo or in a project of one's own. No torch.

Where somebody stands is a setting of the project, so that a tour goes on after the program was closed. A stop is passed
when what it asks for has happened since the tour began, or when it is skipped. What the project has already is left
out, and a stop that lacks what it needs says so.
"""

from dataclasses import dataclass, replace
from typing import Any

from core import demo
from core.config.jobs import JOBS, JobKind
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.guidance.steps import Step
from core.jobs import queue
from core.store import Changes, Project, groups, jobs, prompts, rankings

SETTING = "tour"
#: Prompts that the tour asks to rank.
TO_RANK = 3


@dataclass(frozen=True)
class Stop:
    """`job` is the kind of job that passes it; a stop without one asks for rankings, for something that the project is
    to have, or only to be read."""

    title: str
    text: str
    step: Step
    job: JobKind | None = None
    rankings: int = 0


STOPS = (
    Stop("What is good?", "Read the guidelines, or write them: whoever ranks goes by them.", Step.GUIDELINES),
    Stop("Write some prompts", "One a line, then Add: they are what the model answers.", Step.PROMPTS),
    Stop(
        "Let the model write",
        "It writes several completions for each prompt. The first can be ranked before the rest are there.",
        Step.GENERATE,
    ),
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
BY_STEP = {stop.step: stop for stop in STOPS}
#: The stops of a tour that an earlier version began.
EARLIER = (Step.GUIDELINES, Step.RANK, Step.TRAIN_REWARD, Step.TUNE, Step.COMPARE)


@dataclass(frozen=True)
class Place:
    """Where a tour stands: the stop, its number from 0, of how many, and how many rankings of it are made. `lacks` is
    what is to be done before it, if anything is."""

    number: int
    count: int
    stop: Stop
    ranked: int
    passed: bool
    lacks: str = ""

    @property
    def last(self) -> bool:
        return self.number + 1 == self.count

    @property
    def asks(self) -> bool:
        """Is it more than something to read?"""
        return self.stop.step != Step.GUIDELINES


def begin(project: Project) -> Changes:
    """Start at the first stop; what happened before does not count, and what there is already is left out."""
    left_out = {step for step, there in ((Step.PROMPTS, _has_prompts), (Step.GENERATE, _has_groups)) if there(project)}
    return _keep(project, 0, [stop.step for stop in STOPS if stop.step not in left_out])


def place(project: Project) -> Place | None:
    """Where the tour stands, or None where there is none."""
    state = _state(project)
    steps = _steps(state)
    if not state or state["at"] >= len(steps):
        return None
    stop = BY_STEP[steps[state["at"]]]
    ranked, passed = 0, False
    if stop.rankings:
        ranked = rankings.groups_ranked_by_people(project, state["ranking"])
        passed = ranked >= stop.rankings
    elif stop.job:
        passed = any(job.id > state["job"] for job in queue.listed(project, JOBS[stop.job].record, status="done"))
    elif stop.step == Step.PROMPTS:
        passed = _has_prompts(project)
    elif stop.step == Step.GENERATE:
        passed = _has_groups(project)
    lacks = "" if passed else _lacks(project, stop.step)
    return Place(state["at"], len(steps), stop, ranked, passed, lacks)


def go_on(project: Project) -> Changes:
    """To the next stop; after the last one the tour is over."""
    state = _state(project) or {"at": 0}
    return _keep(project, state["at"] + 1, _steps(state))


def end(project: Project) -> Changes:
    steps = _steps(_state(project))
    return _keep(project, len(steps), steps)


def ended(project: Project) -> bool:
    """Has somebody been through it, or said no to it?"""
    state = _state(project)
    return bool(state) and state["at"] >= len(_steps(state))


def is_demo(project: Project) -> bool:
    """Is it the demo, whose jobs have settings small enough to wait for?"""
    return project.name == demo.NAME


def job_of(stop: Stop) -> tuple[Any, Any]:
    """Settings of the demo's job that a stop asks for, small enough to wait for, and its algorithm's."""
    known: dict[JobKind | None, tuple[Any, Any]] = {
        JobKind.TRAIN_REWARD: (demo.REWARD, None),
        JobKind.TRAIN_POLICY: (demo.POLICY, demo.PPO),
        JobKind.COMPARE: (replace(demo.COMPARE, completions=1, limit=6), None),
    }
    return known[stop.job]


def _state(project: Project) -> dict[str, Any]:
    """As it was kept; nothing where it is none of ours, as in a project from elsewhere."""
    found = project.setting(SETTING)
    if not isinstance(found, dict) or not isinstance(found.get("stops", []), list):
        return {}
    numbers = [found.get(name) for name in ("at", "ranking", "job")]
    return found if all(type(number) is int and 0 <= number < 2**62 for number in numbers) else {}


def _steps(state: dict[str, Any]) -> list[Step]:
    return [Step(step) for step in state.get("stops", EARLIER) if isinstance(step, str) and step in BY_STEP]


def _has_prompts(project: Project) -> bool:
    return prompts.newest_id(project) is not None


def _has_groups(project: Project) -> bool:
    return groups.exist(project)


def _lacks(project: Project, step: Step) -> str:
    """What is to be done before a stop can be; empty where it can be now."""
    if step == Step.GENERATE and not _has_prompts(project):
        return "There is no prompt yet: add some under Instructions, Prompts."
    if step == Step.RANK and not _has_groups(project):
        return "There is nothing to rank yet: let the model write completions first (Generate)."
    if step == Step.TRAIN_REWARD and not rankings.exist(project):
        return "There is nothing to learn from yet: rank some prompts first."
    if step == Step.TUNE and queue.newest_run(project, TrainRewardJob) is None:
        return "There is no reward model yet: train one first."
    if step == Step.COMPARE and queue.newest_run(project, TrainPolicyJob) is None:
        return "No policy is tuned yet: tune one first."
    return ""


def _keep(project: Project, at: int, steps: list[Step]) -> Changes:
    newest = {
        "ranking": rankings.newest_id(project),
        "job": jobs.newest(project),
    }
    return project.set_setting(SETTING, {"at": at, "stops": [str(step) for step in steps], **newest})
