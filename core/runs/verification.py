"""Are the numbers of a run that was done again those that it recorded? What counts as rounding, and how it is said."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.config.metrics import METRICS
from core.config.training import Run, TrainPolicyConfig
from core.config.verifying import VerifyConfig, VerifyResult
from core.errors import BadInput, NothingToDo
from core.jobs import queue
from core.labeling import gold
from core.records import ACTIVE
from core.runs import environments
from core.runs.environments import Environment
from core.store import Project
from core.store.runs import job_metrics
from core.trust import code

#: Numbers that are of the machine and not of the run.
OF_MACHINE = ("time/", "memory/")
#: Settings, of which the smallest difference counts, relative to them.
SETTINGS = ("lr", "objective/kl_coef")
#: The distance from 1 to the next larger number, by number format.
EPSILON = {"float32": 2.0**-23, "bfloat16": 2.0**-7, "float16": 2.0**-10}
#: Near 0 a hundredth of what is rounding elsewhere, absolutely.
FLOOR = 0.01


def tolerance(*dtypes: str) -> float:
    """The root of the coarsest format's machine epsilon: half of the digits, as where finite differences stop."""
    return max(math.sqrt(EPSILON.get(dtype, EPSILON["bfloat16"])) for dtype in dtypes)


@dataclass(frozen=True)
class Difference:
    """`size` is relative to the larger of both."""

    step: int
    metric: str
    then: float
    now: float
    size: float

    def is_rounding(self, tolerance: float) -> bool:
        floor = 0.0 if self.metric in SETTINGS else FLOOR * tolerance
        return abs(self.then - self.now) <= tolerance * max(abs(self.then), abs(self.now)) + floor


def run_to_verify(project: Project, config: VerifyConfig) -> Run:
    """Raises `KnownError` for what cannot be done again."""
    job = queue.get(project, config.run)
    if not isinstance(job, Run):
        raise BadInput(f"Job {job.id} trained nothing: give the number of a run of the reward model or of the policy.")
    if job.status in ACTIVE:
        raise BadInput(f"Run {job.id} is {job.status}: verify it once it has ended.")
    if not steps_of(project, job):
        raise NothingToDo(f"Run {job.id} recorded no step, so there is nothing to verify.")
    return job


def steps_of(project: Project, job: Run) -> list[int]:
    """The steps that it recorded, beginning with the first that it made."""
    found = {step for points in recorded(project, job.id).values() for step, _ in points if step > 0}
    return sorted(found)


def recorded(project: Project, job_id: int) -> dict[str, list[tuple[int, float]]]:
    """What a run recorded of itself, by name, without what is of the machine, and what was measured after its end."""
    found = job_metrics.series(project, job_id)
    return {
        name: points
        for name, points in found.items()
        if not name.startswith(OF_MACHINE) and name != "eval/reward_after"
    }


def differences(then: Mapping[str, float], now: Mapping[str, float], step: int) -> Iterator[Difference]:
    """Of a step's numbers that both have, in the order of the table of metrics."""
    order = {name: place for place, name in enumerate(METRICS)}
    for name in sorted(then.keys() & now.keys(), key=lambda each: (order.get(each, len(order)), each)):
        if then[name] != now[name]:
            size = abs(then[name] - now[name]) / max(abs(then[name]), abs(now[name]))
            yield Difference(step, name, then[name], now[name], size if math.isfinite(size) else 1.0)


def elsewhere(then: Environment | None, now: Environment) -> tuple[str, ...]:
    """In what this machine differs from the one that the run recorded."""
    if then is None:
        return ("what the run computed with is not known: an earlier version began it",)
    return tuple(environments.differences(then, now))


def sentence(found: VerifyResult) -> str:
    """What came of it, for people."""
    steps = "step 1" if found.steps == 1 else f"steps 1 to {found.steps}"
    where = f" Here differs: {'; '.join(found.elsewhere)}." if found.elsewhere else ""
    of = f"{found.values:,} numbers of {steps} of run {found.run}"
    if found.verdict == "same":
        return f"The same: all {of} are exactly those that it recorded.{where}"
    if not found.verdict:
        return f"Nothing was compared of run {found.run}."
    title = METRICS[found.metric].title if found.metric in METRICS else found.metric
    place = f"{title} ({found.metric}) at step {found.step} was {_said(found.then)} then and is {_said(found.now)} now"
    if found.verdict == "rounding":
        return f"The same within rounding: of {of} the first that differs is {place}.{where}"
    if found.elsewhere:
        why = " Another machine rounds otherwise, and soon draws other tokens: it may be that alone."
    else:
        why = " Nothing that the run recorded of its surroundings differs from this machine."
    return f"Not the same: of {of} the first that differs by more than rounding is {place}.{where}{why}{found.note}"


def _said(value: float | None) -> str:
    return "no number" if value is None else f"{value:.9g}"


def names_code(config: object) -> str:
    """A sentence about code in a run's reward, of which only a person knows whether it changed since."""
    if not isinstance(config, TrainPolicyConfig):
        return ""
    named = [config.gold, *(name for _, name in gold.rules(config.rules))]
    own = [name for name in named if code.names_code(name)]
    return f" Its reward asks {own[0]}, which may have changed since." if own else ""
