"""The jobs in which a reward model judges what is there: `score`, `score-file` and `suggest`."""

from dataclasses import dataclass, field

from core.config.options import check, option
from core.config.sampling import conversation
from core.config.training import ENSEMBLE
from core.conversation import Conversation
from core.records import Job, JobResult


@dataclass(frozen=True)
class JudgeConfig:
    """Which reward model judges."""

    reward_job: int = option(0, "Run of the reward model; 0 is the newest one.", low=0)
    reward_model: str = option(
        "", "A reward model made elsewhere instead: a folder, or hub:owner/name (sequence classification, one label)."
    )
    ensemble: str = option("mean", "How an ensemble's rewards become one.", choices=ENSEMBLE, advanced=True)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ScoreConfig(JudgeConfig):
    """Score completions of one prompt with a reward model."""

    prompt: str = option("", "The prompt.")
    conversation: str = option("", "Several turns in its place: a list of messages as JSON.")
    completions: tuple[str, ...] = option((), "The completions to score.")
    trace: bool = option(True, "Also find where in each completion the reward moves.")

    @property
    def asked(self) -> Conversation:
        """What the completions answer. Raises `BadInput` for what is no conversation."""
        return conversation(self.conversation) if self.conversation else Conversation.of_text(self.prompt)


@dataclass(frozen=True)
class TokenTrace:
    """`pieces` (n) are a completion's tokens as text; `rewards` (n + 1) before the first and after each."""

    pieces: tuple[str, ...] = ()
    rewards: tuple[float, ...] = ()


@dataclass(frozen=True)
class ScoreResult(JobResult):
    """On the N completions: `wins` (N, N) is P(row beats column), `columns` are rewards by criterion, `spread` is the
    standard deviation over an ensemble's members. What a judge does not know of them is empty."""

    scores: tuple[float, ...] = ()
    wins: tuple[tuple[float, ...], ...] = ()
    columns: dict[str, tuple[float, ...]] = field(default_factory=dict)
    spread: tuple[float, ...] = ()
    percentiles: tuple[float | None, ...] = ()
    """Shares of the reference's completions that score lower."""
    traces: tuple[TokenTrace, ...] = ()
    scaled_by: str = "reference"
    """Whose completions the scale was measured on: `reference`, `ranked`, or nobody's."""
    reward_job: int | None = None


@dataclass(frozen=True)
class ScoreJob(Job):
    config: ScoreConfig
    result: ScoreResult = ScoreResult()


@dataclass(frozen=True)
class ScoreFileConfig(JudgeConfig):
    """Score every completion of a file."""

    path: str = option("", "File to score: JSON lines with `prompt` and `completion`, or any preference format.")
    out: str = option("", "File to write, as JSON lines with score and percentile.")


@dataclass(frozen=True)
class ScoreFileResult(JobResult):
    """The file that was written, how much was in it, and how many completions were too long to score."""

    out: str = ""
    completions: int = 0
    prompts: int = 0
    too_long: int = 0


@dataclass(frozen=True)
class ScoreFileJob(Job):
    config: ScoreFileConfig
    result: ScoreFileResult = ScoreFileResult()


@dataclass(frozen=True)
class SuggestConfig:
    """Bring what the reward model is least sure of to the front of the ranking queue."""

    reward_job: int = option(0, "Run of the reward model; 0 is the newest one.", low=0)
    limit: int = option(500, "At most this many unranked prompts are looked at.", low=0, zero="all")
    seed: int = option(0, "Which ones, if there are more.", low=0, advanced=True)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SuggestResult(JobResult):
    """How many groups of completions are in their new order, and the mean doubt about them (nats)."""

    groups: int = 0
    doubt: float = 0.0
    reward_job: int | None = None


@dataclass(frozen=True)
class SuggestJob(Job):
    config: SuggestConfig
    result: SuggestResult = SuggestResult()
