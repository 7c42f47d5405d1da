"""The job `judge`: who judges answers in place of people, what is judged, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from core.config.options import check, option
from core.errors import BadInput
from core.records import Job, JobResult

#: How a judge is named.
BY = (
    "`reward:12` (the reward model of run 12), `reward:hub:owner/name` or `reward:FOLDER` (one made elsewhere), "
    "`gold:NAME` (a gold reward), `base` (the project's base model), `run:12` (the policy of run 12), or "
    "`server:ADDRESS#MODEL` (a server's model)"
)

#: How the names of judges begin.
JUDGE = "judge: "


def bare(name: str) -> str:
    """A judge's name where it is said beside that it is one."""
    return name.removeprefix(JUDGE)


class JudgeBy(StrEnum):
    """What judges: a reward function gives scores, a model is asked which of two answers is better."""

    REWARD = "reward"
    GOLD = "gold"
    BASE = "base"
    RUN = "run"
    SERVER = "server"


@dataclass(frozen=True)
class JudgeSpec:
    """Who judges: a run by its number, or what is named, the address of a server, and which of its models (empty is
    the only one)."""

    by: JudgeBy
    run: int = 0
    name: str = ""
    model: str = ""

    @classmethod
    def parse(cls, text: str) -> "JudgeSpec":
        """What a person typed. Raises `BadInput`, with what there is, for anything else."""
        kind, colon, name = text.strip().partition(":")
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0
        if kind == JudgeBy.BASE and not colon:
            return cls(JudgeBy.BASE)
        if kind == JudgeBy.RUN and number:
            return cls(JudgeBy.RUN, number)
        if kind == JudgeBy.REWARD and name:
            return cls(JudgeBy.REWARD, number, "" if number else name)
        if kind == JudgeBy.GOLD and name:
            return cls(JudgeBy.GOLD, name=name)
        if kind == JudgeBy.SERVER and name:
            address, _, model = name.partition("#")
            return cls(JudgeBy.SERVER, name=address, model=model)
        raise BadInput(f"{text!r:.120} names no judge: give --by as {BY}.")

    @property
    def text(self) -> str:
        """As it is typed."""
        if self.by is JudgeBy.BASE:
            return "base"
        return f"{self.by}:{self.run or self.name}" + (f"#{self.model}" if self.model else "")

    @property
    def is_asked(self) -> bool:
        """Is it a model that is asked in words, and not a function that gives scores?"""
        return self.by in (JudgeBy.BASE, JudgeBy.RUN, JudgeBy.SERVER)


@dataclass(frozen=True)
class JudgingConfig:
    """Let a judge rank what waits for training, or vote on the answers of an arena."""

    by: str = option("", f"Who judges: {BY}.")
    arena: str = option("", "Name of the arena whose pairs of answers it votes on.")
    waiting: bool = option(False, "It ranks the completions that it has not ranked yet, to be learnt from.")
    policies: tuple[str, ...] = option((), "Of the arena only pairs among these policies; none means all.")
    explain: bool = option(False, "A model as judge says why before its verdict, which is kept.")
    limit: int = option(0, "At most this many prompts.", low=0, zero="all")
    max_new_tokens: int = option(512, "Longest explanation, in tokens.", low=16, high=4096, advanced=True)
    at_once: int = option(4, "Questions asked at the same time.", low=1, high=64, advanced=True)

    def __post_init__(self) -> None:
        check(self)
        if self.arena and self.waiting:
            raise BadInput("Give either --arena or --waiting, not both.")
        if self.policies and not self.arena:
            raise BadInput("--policy names one of an arena: give the arena's name with --arena.")
        if len(self.policies) == 1:
            raise BadInput("A judge compares two policies at least: give --policy once more, or leave it out.")
        if self.explain and self.by and not self.spec.is_asked:
            raise BadInput(f"{self.by!r:.120} gives scores and says nothing: leave out --explain.")

    @property
    def spec(self) -> JudgeSpec:
        """Raises `BadInput` for what names no judge."""
        return JudgeSpec.parse(self.by)


@dataclass(frozen=True)
class JudgingResult(JobResult):
    """Of the `labeler` under whose name it judges: `judged` are the prompts that it ranked, or its votes, and `pairs`
    the pairs of answers behind them; `unread` are the pairs without a verdict that could be read. `mass` is the mean
    probability that a model as judge gave to the three verdicts together, where that is known."""

    labeler: str = ""
    judged: int = 0
    pairs: int = 0
    unread: int = 0
    mass: float | None = None


@dataclass(frozen=True)
class JudgingJob(Job):
    config: JudgingConfig
    result: JudgingResult = JudgingResult()
