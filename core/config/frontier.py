"""The job `measure-frontier`: what reward the reference and the checkpoints of runs reach at which KL."""

from dataclasses import dataclass

from core.config.options import check, option
from core.records import Job, JobResult


@dataclass(frozen=True)
class MeasureFrontierConfig:
    """Let the reference answer held-out prompts many times, and every kept checkpoint a few times, for `frontier`."""

    policy_job: int = option(
        0, "Run whose reward, held-out prompts and way of drawing measure all of them; 0 is the newest measured.", low=0
    )
    answers: int = option(
        16, "Answers of the reference to each prompt: the best of up to so many is known then.", low=2, high=1024,
        title="Answers of the reference",
    )  # fmt: skip
    completions: int = option(
        4, "Answers of each checkpoint to each prompt.", low=0, high=256, zero="no checkpoint is measured",
        title="Answers of a checkpoint",
    )  # fmt: skip
    missing_only: bool = option(True, "Leave out what was measured in the same way before.", advanced=True)
    batch_size: int = option(
        32, "Completions written at the same time.", low=1, high=512, advanced=True, title="Completions at once"
    )
    seed: int = option(0, "The same seed gives the same answers on the same machine.", low=0, advanced=True)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class PolicyState:
    """A checkpoint of a run of the policy."""

    run: int = 0
    step: int = 0

    @property
    def name(self) -> str:
        """By which the answers of a measurement are known, and what people call it."""
        return f"run {self.run}, step {self.step}"


@dataclass(frozen=True)
class MeasureFrontierResult(JobResult):
    """By which run's measure the answers were drawn and scored, how many of the reference's there are to each prompt,
    0 where they were there before, and the checkpoints that answered."""

    policy_job: int | None = None
    reward_sha256: str = ""
    answers: int = 0
    measured: tuple[PolicyState, ...] = ()


@dataclass(frozen=True)
class MeasureFrontierJob(Job):
    config: MeasureFrontierConfig
    result: MeasureFrontierResult = MeasureFrontierResult()
