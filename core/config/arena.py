"""The job `answer`: each policy of an arena answers what it was not asked yet."""

from dataclasses import dataclass

from core.config.options import option
from core.config.sampling import SamplingConfig
from core.records import Job, JobResult

#: The stage of an `answer` job whose units are answers.
ANSWERING = "Answering in the arena"


@dataclass(frozen=True)
class AnswerConfig(SamplingConfig):
    """Let each policy of an arena answer what it was not asked yet, all in the same way."""

    arena: int = option(0, "Number of the arena; 0 is the newest one.", low=0)
    batch_size: int = option(
        8, "Answers written at the same time.", low=1, high=512, advanced=True, title="Answers at once"
    )


@dataclass(frozen=True)
class AnswerResult(JobResult):
    """How many answers were written, and a sentence about each policy that could not answer."""

    arena: int = 0
    answers: int = 0
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerJob(Job):
    config: AnswerConfig
    result: AnswerResult = AnswerResult()
