"""What came of a run of the policy: its settings, its curves, and held-out prompts before and after."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.config.options import documented
from core.config.training import ALGORITHMS, Run, TrainPolicyJob
from core.guidance.run_advice import RULES, advice
from core.preferences.interval import NOTHING, Interval
from core.preferences.statistics import bootstrap, share, share_interval
from core.records import Job
from core.report.calibration import Floats
from core.runs import origins, sweep
from core.store import Project
from core.store.runs import job_metrics, job_samples, setting_changes

#: The curves that are drawn.
REWARD, GOLD, KL = "objective/scores", "objective/gold", "objective/kl"
#: All that is read of a run's numbers: the curves, and what the remarks look at.
TOLD = (REWARD, GOLD, KL, "grad_norm", *dict.fromkeys(metric for metric, _ in RULES))
#: Prompts from which an interval over them is given. The bootstrap's is too narrow for a few: of intervals that should
#: hold the true mean in 95 %, those over two draws of a normal variable held it in 50 %, over five in 84 %, over eight
#: in 89 %.
FEW = 8
Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Setting:
    """A setting that is not at its default, with the sentence that documents it."""

    name: str
    value: Any
    default: Any
    meaning: str


@dataclass(frozen=True)
class Change:
    """Means over all answers, with intervals over prompts, but not over a `FEW`; `gain` is the difference."""

    before: Interval
    after: Interval
    gain: Interval


@dataclass(frozen=True)
class Measured:
    """The reference and the tuned policy on the same prompts, by the run itself or by a later comparison (`job_id`).

    `wins` is how often the tuned answer scores higher than the reference's; equal scores count half.
    """

    job_id: int
    prompts: int
    answers: int
    reward: Change | None
    gold: Change | None
    kl: Interval
    wins: Interval


@dataclass(frozen=True)
class Answers:
    """One prompt with an answer of each side, and their scores where there are any."""

    prompt: str
    before: str
    after: str
    score_before: float | None
    score_after: float | None


@dataclass(frozen=True)
class Outcome:
    """One run that ended. `measured` is the run's own measurement, `compared` the newest comparison of it."""

    job_id: int
    name: str
    algorithm: str
    status: str
    stop_reason: str
    steps: int
    seconds: float | None
    seed: int | None
    reward_job: int | None
    settings: list[Setting]
    steered: list[str]
    measured: Measured | None
    compared: Measured | None
    answers: list[Answers] = field(default_factory=list)
    curves: dict[str, Points] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    began: str = ""
    """What it began from and what it is compared with, as a sentence; empty where that is the base."""
    chosen: dict[str, Any] = field(default_factory=dict)
    """All its settings, those at their defaults too."""

    @property
    def best_known(self) -> Measured | None:
        """What is told first: the run's own measurement, else the comparison."""
        return self.measured or self.compared


def outcome(
    project: Project, job: TrainPolicyJob, comparison: Job | None, *, details: bool, answers: int = 0
) -> Outcome:
    """What came of `job`; curves and remarks only with `details`, and as many prompts with their `answers`."""
    kind = ALGORITHMS.get(job.config.algorithm)
    series = job_metrics.series(project, job.id, TOLD) if details else {}
    series = {name: [point for point in points if finite(point[1])] for name, points in series.items()}
    measured = measure(project, job.id)
    compared = measure(project, comparison.id) if comparison else None
    source = measured or compared
    return Outcome(
        job_id=job.id,
        name=job.name,
        algorithm=kind.title if kind else job.config.algorithm,
        status=job.status,
        stop_reason=_stop_reason(job),
        steps=job.result.steps or max((points[-1][0] for points in series.values() if points), default=0),
        seconds=job.result.seconds,
        seed=job.config.seed,
        reward_job=job.result.reward_job,
        settings=changed_settings(job),
        steered=[
            f"{change['name']} = {change['value']:g} from step {change['step'] + 1}"
            for change in setting_changes.listed(project, job.id)
            if change["step"] is not None
        ],
        measured=measured,
        compared=compared,
        answers=spread(project, source.job_id, answers) if source and answers else [],
        curves={name: series[name] for name in (REWARD, GOLD, KL) if series.get(name)},
        remarks=[item.text for item in advice(series, job.config)],
        began=origins.told(job.config, job.result),
        chosen=sweep.settings(job),
    )


def changed_settings(run: Run) -> list[Setting]:
    """The settings in which a training run differs from the defaults, its algorithm's own too."""
    values = sweep.settings(run)
    kind = ALGORITHMS.get(run.config.algorithm) if isinstance(run, TrainPolicyJob) else None
    fields = documented(run.config) + (documented(kind.config) if kind else [])
    defaults = {item.name: (item.default, item.metadata["help"]) for item in fields}
    if kind:  # what was meant, beside what the algorithm means
        defaults["learning_rate"] = kind.learning_rate, defaults["learning_rate"][1]
        defaults["kl_coef"] = kind.config.KL_COEF, defaults["kl_coef"][1]
    return [
        Setting(name, values[name], default, help)
        for name, (default, help) in defaults.items()
        if name in values and name != "algorithm" and values[name] != default
    ]


def measure(project: Project, job_id: int) -> Measured | None:
    """What a job's answers to the same prompts show; None if it has none of one side."""
    rows = job_samples.sums_by_prompt(project, job_id)
    if not rows:
        return None
    sums = {name: np.array([row[name] or 0 for row in rows], dtype=float) for name in rows[0]}  # (prompts,)

    def change(before: str, after: str, count: str) -> Change | None:
        table = np.stack([sums[after], sums[before], sums[count]], axis=1)
        if not table[:, 2].sum():
            return None
        gain = _over_prompts(table, lambda total: float((total[0] - total[1]) / total[2]) if total[2] else None)
        return Change(_mean(sums[before], sums[count]), _mean(sums[after], sums[count]), gain)

    return Measured(
        job_id=job_id,
        prompts=len(rows),
        answers=int(sums["n"].sum()),
        reward=change("before", "after", "scored"),
        gold=change("gold_before", "gold_after", "golden"),
        kl=_mean(sums["kl"], sums["kls"]),
        wins=share_interval(np.stack([sums["wins"], sums["scored"]], axis=1)),
    )


def _mean(values: Floats, counts: Floats) -> Interval:
    return _over_prompts(np.stack([values, counts], axis=1), share) if counts.sum() else NOTHING


def _over_prompts(sums: Floats, statistic: Callable[[Floats], float | None]) -> Interval:
    """A statistic of what each prompt adds, without an interval where there are too few of them."""
    return bootstrap(sums, statistic, resamples=1000 if len(sums) >= FEW else 0)


def spread(project: Project, job_id: int, count: int) -> list[Answers]:
    """The first answer of both sides to some of the prompts, spread evenly over all of them: nobody picked them."""
    ids = job_samples.first_pairs(project, job_id)
    chosen = [ids[place * len(ids) // count] for place in range(count)] if len(ids) > count else ids
    found = []
    for both in chosen:
        before, after = (job_samples.find(project, number) for number in both)
        assert before is not None and after is not None
        found.append(
            Answers(before["prompt"], before["completion"], after["completion"], before["score"], after["score"])
        )
    return found


def _stop_reason(job: TrainPolicyJob) -> str:
    """Why a run ended: what it said itself, or what happened to it."""
    if job.status == "failed":
        return job.error or "it failed"
    if job.status in ("stopped", "interrupted"):
        return {"stopped": "stopped by hand", "interrupted": "its process ended"}[job.status]
    return job.result.stop_reason


def finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
