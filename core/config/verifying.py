"""The job `verify`: the first steps of a run, done again."""

from dataclasses import dataclass

from core.config.options import check, option
from core.records import Job, JobResult


@dataclass(frozen=True)
class VerifyConfig:
    """Do the first steps of a run again, and say whether its numbers are the same here."""

    run: int = option(0, "The run, of the reward model or of the policy.", low=0)
    steps: int = option(3, "How many of its steps are done again.", low=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class VerifyResult(JobResult):
    """`verdict` is `same`, `rounding`, `different`, or empty where nothing was compared. The first of the `values`
    that differs (by more than rounding, if one does) is of `metric` at `step`, `then` and `now`; `largest` is the
    largest difference, relative. `elsewhere` says in what this machine differs from what the run recorded."""

    run: int = 0
    steps: int = 0
    values: int = 0
    verdict: str = ""
    metric: str = ""
    step: int | None = None
    then: float | None = None
    now: float | None = None
    largest: float | None = None
    elsewhere: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class VerifyJob(Job):
    config: VerifyConfig
    result: VerifyResult = VerifyResult()
