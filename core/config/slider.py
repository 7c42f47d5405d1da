"""The job `slide`: the same prompts at each checkpoint of a run."""

from dataclasses import dataclass

from core.config.options import check, option
from core.config.sampling import typed_questions
from core.conversation import Conversation
from core.records import Job, JobResult


@dataclass(frozen=True)
class SlideConfig:
    """Answer the same prompts with the policy as it was at each checkpoint that is kept, from the same chances."""

    policy_job: int = option(0, "Run of the policy; 0 is the newest one.", low=0)
    prompts: tuple[str, ...] = option((), "Prompts to answer; with none, and no numbers, the held-out prompts.")
    conversations: tuple[str, ...] = option(
        (), "Conversations to answer, each a list of messages as JSON.", advanced=True
    )
    prompt_ids: tuple[int, ...] = option((), "Numbers of the prompts to answer.")
    limit: int = option(8, "At most this many held-out prompts.", low=0, zero="all")
    max_new_tokens: int = option(0, "Longest answer, in tokens.", low=0, high=4096, zero="as in the run")
    seed: int = option(0, "The same seed gives the same answers on the same machine.", low=0)
    batch_size: int = option(
        8, "Answers written at the same time.", low=1, high=512, advanced=True, title="Answers at once"
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def asked(self) -> tuple[Conversation, ...]:
        return typed_questions(self.prompts, self.conversations)


@dataclass(frozen=True)
class SlideResult(JobResult):
    """`steps` are those at whose checkpoints was answered; `lacks` says what is not known of single tokens, and why."""

    policy_job: int | None = None
    reward_job: int | None = None
    prompts: int = 0
    steps: tuple[int, ...] = ()
    lacks: str = ""


@dataclass(frozen=True)
class SlideJob(Job):
    config: SlideConfig
    result: SlideResult = SlideResult()
