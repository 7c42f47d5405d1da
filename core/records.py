"""The nouns of a project as frozen dataclasses. Each mirrors one table; times are UTC in ISO 8601."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from core.conversation import Conversation

Split = Literal["train", "heldout"]
JobStatus = Literal["queued", "running", "paused", "done", "stopped", "failed", "interrupted"]
Wanted = Literal["run", "pause", "stop"]
Verdict = Literal["good", "bad"]
LabelerKind = Literal["person", "scripted", "judge"]
PolicyKind = Literal["base", "run", "best-of-n", "adapter", "model", "server"]

#: What stands behind the name of a labeler.
MARKS: Mapping[LabelerKind, str] = {"person": "", "scripted": " (simulated)", "judge": " (judge)"}
#: How the names begin that are given to labelers here.
OWN_MARKS: Mapping[LabelerKind, tuple[str, ...]] = {
    "person": ("",), "scripted": ("scripted: ", "simulated: "), "judge": ("judge: ",),
}  # fmt: skip
#: A job in one of these states has a worker, or waits for one.
ACTIVE: tuple[JobStatus, ...] = ("queued", "running", "paused")
#: A job in one of these states can be queued again and goes on from its last checkpoint.
RESUMABLE: tuple[JobStatus, ...] = ("stopped", "failed", "interrupted")

#: Of one prompt, ranked together: nobody orders more, and the pairs of them grow with the square.
MOST_COMPLETIONS = 100
#: How many places apart two answers may be in a labeler's eyes: a margin of it is still a number to learn from.
STRONGEST = 1_000
#: Answers of one labeler to one prompt, and letters of each.
MOST_ANSWERS, LONGEST_ANSWER = 50, 200_000


@dataclass(frozen=True)
class Guidelines:
    """One version of the labeling instructions; each part is Markdown.

    A line `- name: meaning` in `flags` defines the flag `name`.
    """

    id: int
    criteria: str
    ties: str
    flags: str
    examples: str
    created_at: str = ""


@dataclass(frozen=True)
class Prompt:
    """What is asked. Where that is more than one user turn, `turns` are all of them and `text` is theirs, to read and
    to search: `Prompt.of` makes both of a conversation."""

    id: int
    text: str
    tags: tuple[str, ...] = ()
    split: Split = "train"
    source: str = ""
    turns: Conversation | None = None

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        *,
        id: int = 0,
        tags: tuple[str, ...] = (),
        split: Split = "train",
        source: str = "",
    ) -> "Prompt":
        return cls(id, conversation.text, tags, split, source, None if conversation.is_plain else conversation)

    @property
    def conversation(self) -> Conversation:
        """What a model reads."""
        return self.turns or Conversation.of_text(self.text)

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        turns = None if self.turns is None else self.turns.data()
        return vars(self) | {"tags": list(self.tags), "turns": turns}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Prompt":
        """From what `data` gave; older ones hold no turns."""
        turns = data.get("turns")
        return cls(**{
            **data, "tags": tuple(data["tags"]), "turns": None if turns is None else Conversation.read(turns)
        })  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """One answer. `policy_job` is the training job whose policy wrote it; None is the base model, whatever wrote what
    was `imported` from a file of that name, the model of a `server`, or the labeler whose name is `written_by`, who may
    have mended another. It may be the best of `best_of` by the reward model of the run `judge`."""

    id: int
    group_id: int
    prompt_id: int
    text: str
    policy_job: int | None = None
    ended: bool = True
    tokens: int = 0
    imported: str = ""
    written_by: str = ""
    mended: int | None = None
    server: str = ""
    step: int | None = None
    """Of the policy's checkpoint, where that is not the run's last one."""
    best_of: int = 1
    judge: int | None = None

    @property
    def by_hand(self) -> str:
        """That a person wrote it, which is never hidden; empty for what a model wrote."""
        if not self.written_by:
            return ""
        return "Written by hand" if self.mended is None else "Mended by hand"

    @property
    def origin(self) -> str:
        """Where it came from; hidden from a labeler until the ranking is stored."""
        if self.written_by:
            return f"{self.by_hand} by {self.written_by}"
        if self.imported:
            return f"Imported from {self.imported}"
        return f"Written by {self._writer}{best_of_words(self.best_of, self.judge)}"

    @property
    def _writer(self) -> str:
        if self.server:
            return self.server
        if self.policy_job is None:
            return "the base model"
        return f"the policy of run {self.policy_job}{'' if self.step is None else f', step {self.step}'}"


def best_of_words(n: int, judge: int | None) -> str:
    """What is told of an answer that was chosen among several, after who wrote it."""
    by = "" if judge is None else f" of run {judge}"
    return f", the best of {n} by the reward model{by}" if n > 1 else ""


def by_hand(name: str) -> str:
    """What stands beside an answer that somebody wrote by hand; nothing where nobody did."""
    return f"written by hand by {name}" if name else ""


@dataclass(frozen=True)
class Group:
    """The completions of one prompt that are ranked together."""

    id: int
    prompt: Prompt
    completions: tuple[Completion, ...]


@dataclass(frozen=True)
class Labeler:
    """Who ranks. A `scripted` labeler is a program that stands in for a person: `detail` says which gold reward it
    follows. A `judge` is a model or a reward function that judges beside people: `detail` says which."""

    id: int
    name: str
    kind: LabelerKind = "person"
    detail: str = ""

    @property
    def mark(self) -> str:
        """What stands behind the name of a labeler who is no person."""
        return MARKS[self.kind]

    @property
    def title(self) -> str:
        """The name with its mark, unless it says itself what it is, as those that are given here do."""
        return self.name if self.name.startswith(OWN_MARKS[self.kind]) else self.name + self.mark


@dataclass(frozen=True)
class Ranking:
    """One labeler's order over one group. Rank 1 is best, equal ranks are ties, None is unranked.

    A prompt-level `flag` stands instead of an order; `flags` are per completion, and so are `verdicts`. `criteria`
    holds further orders by criterion; `repeat_of` is the ranking that this one repeats, to see how steady the labeler
    is.
    """

    id: int
    group_id: int
    labeler: Labeler
    guidelines_id: int
    ranks: dict[int, int | None]
    flag: str | None = None
    flags: dict[int, str] = field(default_factory=dict)
    comment: str = ""
    created_at: str = ""
    seconds: float | None = None
    criteria: dict[str, dict[int, int | None]] = field(default_factory=dict)
    method: str = "order"
    repeat_of: int | None = None
    adjudicates: bool = False
    verdicts: dict[int, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class NewRanking:
    """A ranking to be stored.

    `ranks` maps every completion of the group to its rank: 1 is best, equal ranks are a tie, None is unranked. With a
    prompt-level `flag` the order does not count. `criteria` holds further orders of the same completions, by criterion
    (helpful, honest ...). `method` is how the order was given; after `best-worst` equal ranks mean "not compared", not
    "equally good". `shown` is the order in which the labeler saw the completions. A repeat (of an earlier ranking)
    measures the labeler and gives no pairs; an adjudicating ranking gives its prompt's pairs instead of all others.
    `strength` is how many places apart two answers are in the labeler's eyes (1 is slightly, 3 is much better), which
    the margin of the reward model counts. `verdicts` say of completions by themselves that they are good or bad; they
    order nothing.
    """

    group_id: int
    labeler_id: int
    ranks: Mapping[int, int | None]
    flag: str | None = None
    flags: Mapping[int, str] = field(default_factory=dict)
    comment: str = ""
    seconds: float | None = None
    criteria: Mapping[str, Mapping[int, int | None]] = field(default_factory=dict)
    method: str = "order"
    shown: Sequence[int] = ()
    repeat_of: int | None = None
    adjudicates: bool = False
    strength: float | None = None
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """(prompt, chosen, rejected), derived from a ranking; `gap` is the distance of their ranks. `chosen_by` and
    `rejected_by` are the names of whoever wrote an answer by hand."""

    prompt_id: int
    prompt: str
    chosen_id: int
    chosen: str
    rejected_id: int
    rejected: str
    gap: int
    labeler_id: int
    chosen_by: str = ""
    rejected_by: str = ""
    ranking_id: int = 0


@dataclass(frozen=True)
class JobResult:
    """What a job found or made. Each kind of job has its own (`core.config.jobs`), whose fields are at their defaults
    while nothing is known of them."""


@dataclass(frozen=True)
class Job:
    """One piece of slow work. Each kind has a record of its own, with its types of `config` and `result`, in
    `core.config`; a kind that this version does not know is a plain one."""

    id: int
    kind: str
    name: str
    config: object
    status: JobStatus
    wanted: Wanted
    stage: str = ""
    doing: str = ""
    """What it does right now within its stage, in words; empty where it has not said."""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    later_seconds: float = 0.0
    """How long it will take after the stage that it is in, as far as it knows; below 0 nobody can say."""
    attempt: int = 0
    error: str | None = None
    report: str | None = None
    result: JobResult = JobResult()
    options: object = None
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def eta(self) -> float | None:
        """Seconds until the end at the pace of late (`core.jobs.pace`), or None while nothing is known."""
        if self.done <= 0 or self.done >= self.total or not self.seconds or self.later_seconds < 0:
            return None
        return self.seconds / self.done * (self.total - self.done) + self.later_seconds

    def eta_after(self, waited: float) -> float | None:
        """The same `waited` seconds after the last unit was done: the one at work takes its own share off, not more."""
        return None if self.eta is None else self.eta - min(waited, self.seconds / self.done)

    @property
    def took(self) -> float | None:
        """Seconds since it was begun last, until its end if it has ended; pauses count. None where nobody knows."""
        if not self.started_at or self.status in ("queued", "interrupted"):
            return None
        try:
            end = datetime.fromisoformat(self.finished_at) if self.finished_at else datetime.now(UTC)
            return max(0.0, (end - datetime.fromisoformat(self.started_at)).total_seconds())
        except (ValueError, TypeError, OverflowError):  # no time of ours
            return None
