"""What reward a policy reaches at which KL from the reference: all runs and their checkpoints, beside the best of n.

Over-optimisation is read off this plane (Gao et al. 2022, arXiv 2210.10760, who draw the gold reward over the KL, of
RL and of best-of-n). Only what was measured alike is in it: by the same reward, on the same held-out prompts, with
answers drawn in the same way, and a KL to the same reference.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.config.frontier import MeasureFrontierJob, PolicyState
from core.config.sampling import LONGEST_STEP
from core.config.training import ALGORITHMS, TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.preferences.best_of_n import best_of_n, kl_bound, wins_of_best
from core.preferences.interval import NOTHING, Interval
from core.preferences.statistics import bootstrap_rows, shares
from core.records import ACTIVE, Job
from core.report.calibration import Floats
from core.report.outcomes import FEW
from core.runs import yardstick
from core.runs.pinned_prompts import trained_on
from core.store import Project
from core.store.runs import checkpoints, job_samples

Axis = Literal["reward", "gold", "wins"]
#: What stands on the vertical axis, in words.
AXES: dict[Axis, str] = {
    "reward": "reward", "gold": "gold reward", "wins": "share of answers that score higher than the reference's"
}  # fmt: skip
#: How a run calls its own answers, and whose answers best-of-n is made of.
TUNED, REFERENCE = "tuned", "reference"
SCORE, GOLD, KL = range(3)
#: By prompt, the score, gold reward and KL of each answer: (k, 3), nan where there is none.
Answers = dict[str, Floats]


@dataclass(frozen=True)
class Point:
    """A checkpoint; `answers` is how many there are to each prompt, `measured_by` the job that drew them, and `kept`
    whether its weights are there."""

    run: int
    step: int
    algorithm: str
    answers: int
    measured_by: int
    kept: bool
    kl: Interval
    reward: Interval
    gold: Interval
    wins: Interval

    @property
    def state(self) -> PolicyState:
        return PolicyState(self.run, self.step)


@dataclass(frozen=True)
class BestOf:
    """The best of n answers of the reference; of 1 that is the reference itself. `kl` is an upper bound (see
    `core.preferences.best_of_n.kl_bound`)."""

    n: int
    kl: float
    reward: Interval
    gold: Interval
    wins: Interval


@dataclass(frozen=True)
class Frontier:
    """Measured as run `yardstick` is, on so many `prompts`. `unmeasured` are checkpoints that a measurement could add,
    `left_out` says of runs why they are not in it, `notes` what is to be known of those that are."""

    yardstick: int
    reward: str
    prompts: int
    reference_answers: int
    points: list[Point] = field(default_factory=list)
    best_of: list[BestOf] = field(default_factory=list)
    unmeasured: list[PolicyState] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def efficient(self, axis: Axis) -> set[PolicyState]:
        """The points at no more KL than which no other one reaches more."""
        found, highest = set[PolicyState](), -np.inf
        known = [point for point in self.points if on(point, axis).value is not None and point.kl.value is not None]
        for point in sorted(known, key=lambda point: (point.kl.value or 0.0, -(on(point, axis).value or 0.0))):
            if (value := on(point, axis).value) is not None and value > highest:
                found.add(point.state)
                highest = value
        return found

    def has(self, axis: Axis) -> bool:
        """Is anything known on that axis?"""
        return any(on(each, axis).value is not None for part in (self.points, self.best_of) for each in part)


def on(point: Point | BestOf, axis: Axis) -> Interval:
    return {"reward": point.reward, "gold": point.gold, "wins": point.wins}[axis]


@dataclass(frozen=True)
class Measured:
    """The answers of one policy in one job."""

    job: int
    gold: str
    """The gold reward that was drawn beside."""
    answers: Answers
    ids: frozenset[int]

    @property
    def prompts(self) -> frozenset[str]:
        return frozenset(self.answers)

    @property
    def each(self) -> int:
        """Answers to each prompt, at least."""
        return min(map(len, self.answers.values()), default=0)


def gather(project: Project, policy_job: int = 0) -> Frontier:
    """All that was measured as run `policy_job` is; 0 is the newest one that was measured, else the newest one. Raises
    `BadInput` where there is none."""
    runs = queue.listed(project, TrainPolicyJob)
    measured = (each.id for each in runs if each.result.adapter and each.result.reward_after is not None)
    return _Gathering(project, queue.run_of(project, policy_job or next(measured, 0), TrainPolicyJob)).frontier()


class _Gathering:
    def __init__(self, project: Project, run: TrainPolicyJob) -> None:
        self.project, self.run = project, run
        self.yardstick = yardstick.of_run(project, run)
        self.runs = {each.id: each for each in queue.listed(project, TrainPolicyJob)[::-1] if each.result.adapter}
        self.jobs = self._comparable_jobs()
        own = _measured(project, run, run.config.gold)
        newest = [each for job in self.jobs[::-1] for each in job.values()]
        first = next(iter([*own.values(), *newest]), None)
        self.prompts = first.prompts if first else frozenset[str]()
        self.ids = first.ids if first else frozenset[int]()
        asked = [each for each in (own, *self.jobs) if REFERENCE in each and each[REFERENCE].prompts == self.prompts]
        self.reference = max((each[REFERENCE] for each in asked), key=lambda each: each.each, default=None)

    def _comparable_jobs(self) -> list[dict[str, Measured]]:
        """What jobs measured by this yardstick, oldest first."""
        found = []
        for job in queue.listed(self.project, MeasureFrontierJob)[::-1]:
            run = self.runs.get(job.result.policy_job or 0)
            if run is None or self._difference(run):
                continue
            kept, used = self.yardstick.reward.sha256, job.result.reward_sha256
            if not (kept and used and kept != used):
                found.append(_measured(self.project, job, run.config.gold))
        return found

    def _difference(self, run: TrainPolicyJob) -> str:
        if run.id == self.run.id:
            return ""
        try:
            return self.yardstick.difference(yardstick.of_run(self.project, run))
        except BadInput as error:  # rules that are none, or a link in place of its folder
            return str(error)

    def frontier(self) -> Frontier:
        points, left_out = dict[PolicyState, Measured](), dict[int, str]()
        for run in self.runs.values():
            own = _measured(self.project, run, run.config.gold).get(TUNED)
            if why := self._difference(run):
                left_out[run.id] = why
            elif own is None:
                left_out[run.id] = "it was not measured on held-out prompts"
            elif own.prompts != self.prompts:
                left_out[run.id] = "its held-out prompts are others"
            else:
                points[PolicyState(run.id, run.result.steps or 0)] = own
        for state, found in self._by_jobs():
            if state not in points or found.each > points[state].each:
                points[state] = found
        there = {state.run for state in points}
        unmeasured = [
            state for run in self.runs.values() for state in self._states(run, left_out) if state not in points
        ]
        return Frontier(
            self.run.id, self.yardstick.reward.words, len(self.prompts),
            self.reference.each if self.reference else 0,
            [self._point(state, points[state]) for state in sorted(points, key=lambda each: (each.run, each.step))],
            self._best_of(), unmeasured,
            [f"Run {run} is left out: {why}." for run, why in left_out.items() if run not in there], self._notes(),
        )  # fmt: skip

    def _by_jobs(self) -> Iterable[tuple[PolicyState, Measured]]:
        """Checkpoints that jobs measured and that are still what they were: a run that went on may have gone back."""
        for found in self.jobs:
            for name, each in found.items():
                state = _state(name)
                run = self.runs.get(state.run) if state else None
                if state is None or run is None or each.prompts != self.prompts:
                    continue
                began = queue.get(self.project, each.job).started_at or ""
                if run.status not in ACTIVE and (run.finished_at or "") <= began:
                    yield state, each

    def _states(self, run: TrainPolicyJob, left_out: dict[int, str]) -> list[PolicyState]:
        """The kept checkpoints of a run that can be measured by this yardstick; says of others why they cannot."""
        if run.status in ACTIVE:
            left_out[run.id] = "it has not ended"
            return []
        with suppress(BadInput):
            if why := self.yardstick.other_reference(yardstick.of_run(self.project, run)):
                left_out[run.id] = why
                return []
            if self.ids & trained_on(self.project, run.id):
                left_out[run.id] = "it was trained on prompts that are held out here"
                return []
            return [PolicyState(run.id, step) for step in checkpoints.kept(self.project, run) if step]
        return []

    def _point(self, state: PolicyState, found: Measured) -> Point:
        run = self.runs[state.run]
        kind = ALGORITHMS.get(run.config.algorithm)
        return Point(
            state.run, state.step, kind.title if kind else run.config.algorithm, found.each, found.job,
            state.step in checkpoints.kept(self.project, run),
            _mean(found.answers, KL), _mean(found.answers, SCORE),
            _mean(found.answers, GOLD) if found.gold == self.yardstick.gold else NOTHING, self._wins(found),
        )  # fmt: skip

    def _wins(self, found: Measured) -> Interval:
        """How often an answer scores higher than one of the reference's; equal scores count half. Runs draw both from
        the same chances, copy by copy, and a pair of these would not be one of independent answers."""
        if self.reference is None:
            return NOTHING
        apart = self.reference.job in self.runs
        rows = []
        for prompt, mine in found.answers.items():
            a, b = mine[:, SCORE][:, None], self.reference.answers[prompt][:, SCORE][None, :]
            won = np.where(np.isnan(a) | np.isnan(b), np.nan, (a > b) + 0.5 * (a == b))
            if apart:
                won[np.arange(min(won.shape)), np.arange(min(won.shape))] = np.nan
            rows.append((np.nansum(won), (~np.isnan(won)).sum()))
        return _interval(np.array(rows, dtype=float))

    def _best_of(self) -> list[BestOf]:
        """For 1, 2, 4 and so on, as far as the answers of the reference go."""
        if self.reference is None:
            return []
        whole = [each[~np.isnan(each[:, SCORE])] for each in self.reference.answers.values()]
        most = min(map(len, whole))
        scores = [each[:, SCORE] for each in whole]
        golds = [each[:, GOLD] for each in whole]
        has_gold = self.reference.gold == self.yardstick.gold and all(np.isfinite(each).all() for each in golds)
        resamples = 1000 if len(whole) >= FEW else 0
        return [
            BestOf(
                n, kl_bound(n), best_of_n(scores, n, resamples=resamples),
                best_of_n(scores, n, values=golds, resamples=resamples) if has_gold else NOTHING,
                wins_of_best(scores, n, resamples=resamples) if n < most else NOTHING,
            )
            for n in _counts(most)
        ]  # fmt: skip

    def _notes(self) -> list[str]:
        return [
            f"{name} is taken to be the same function in all of them: nobody kept what it was."
            for name in dict.fromkeys(self.yardstick.own_functions)
        ]


def _counts(most: int) -> list[int]:
    """1, 2, 4 and so on up to `most`, and that."""
    return sorted({*(2**power for power in range(most.bit_length())), most} - {0})


def _measured(project: Project, job: Job, gold: str) -> dict[str, Measured]:
    """By policy, as the job calls it."""
    rows: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    ids: dict[str, set[int]] = {}
    for row in job_samples.measured(project, job.id, by_a_run=isinstance(job, TrainPolicyJob)):
        figures = tuple(np.nan if each is None else each for each in (row.score, row.gold, row.kl))
        rows.setdefault(row.policy, {}).setdefault(row.prompt, []).append(figures)
        if row.prompt_id is not None:
            ids.setdefault(row.policy, set()).add(row.prompt_id)
    return {
        policy: Measured(
            job.id, gold, {prompt: np.array(found, dtype=float) for prompt, found in of_prompts.items()},
            frozenset(ids.get(policy, ())),
        )
        for policy, of_prompts in rows.items()
    }  # fmt: skip


def _state(name: str) -> PolicyState | None:
    """What `PolicyState.name` is of; None for the reference."""
    run, _, step = name.removeprefix("run ").partition(", step ")
    is_one = all(part.isdecimal() and len(part) <= LONGEST_STEP for part in (run, step))
    return PolicyState(int(run), int(step)) if is_one else None


def _mean(answers: Mapping[str, Floats], column: int) -> Interval:
    values = [found[:, column] for found in answers.values()]
    return _interval(np.array([(np.nansum(each), (~np.isnan(each)).sum()) for each in values], dtype=float))


def _interval(sums: Floats) -> Interval:
    """Of a ratio of sums over prompts (prompts, 2), with no interval where they are too few for one."""
    return bootstrap_rows(sums, shares, resamples=1000 if len(sums) >= FEW else 0)


def asked_by(project: Project, run: TrainPolicyJob) -> list[str]:
    """The prompts on which a run measured itself, in the order in which it asked them."""
    rows = job_samples.measured(project, run.id, by_a_run=True)
    return list(dict.fromkeys(row.prompt for row in rows))
