"""What a running job yields. The worker writes each event to the project before it asks for the next.

A job may be paused or stopped only at a `Progress`; a job that has checkpoints yields a due `Checkpoint`
before it, so that a pause never holds unsaved work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.records import JobResult


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of the stage are finished; the pace of the last ones gives the ETA."""

    done: int
    total: int
    stage: str


@dataclass(frozen=True)
class Later:
    """How many seconds the job will take after the stage that it is in, as far as it knows; below 0 nobody can say, and
    no estimate of its end is given."""

    seconds: float


@dataclass(frozen=True)
class Loaded:
    """The base that the worker now holds: where, in which number format and why there."""

    model: str
    device: str
    dtype: str
    reason: str
    threads: int


@dataclass(frozen=True)
class Metrics:
    """Numbers of one step, by name (see `core.config.metrics`)."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Sample:
    """One completion that a run shows: its prompt, score (reward), gold reward and KL in nats."""

    prompt: str
    completion: str
    policy: str = "policy"
    prompt_id: int | None = None
    score: float | None = None
    gold: float | None = None
    kl: float | None = None
    tokens: int = 0
    change: float | None = None
    """How much higher it scores than the reference's answer to the same prompt."""


@dataclass(frozen=True)
class Samples:
    step: int
    rows: tuple[Sample, ...]


@dataclass(frozen=True)
class NewCompletion:
    """`policy_job` is the run whose policy wrote it; None is the base model, the labeler of the number `written_by`,
    the model of a `server`, or nobody here. It may be the best of `best_of` by the reward model of the run `judge`."""

    text: str
    tokens: int
    ended: bool
    seed: int
    policy_job: int | None = None
    written_by: int | None = None
    server: str = ""
    step: int | None = None
    """Of the policy's checkpoint, where that is not the run's last one."""
    best_of: int = 1
    judge: int | None = None

    @property
    def source(self) -> dict[str, Any]:
        """What is kept of where it came from beside who wrote it."""
        found: dict[str, Any] = {"server": self.server} if self.server else {}
        found |= {} if self.step is None else {"step": self.step}
        return found | ({"best_of": self.best_of, "judge": self.judge} if self.best_of > 1 else {})


@dataclass(frozen=True)
class Completions:
    """The completions of one prompt, written as one group that can be ranked at once. `asked` is what the prompt said:
    where it says other words by now, or is gone, they are left out, and that is noted."""

    prompt_id: int
    rows: tuple[NewCompletion, ...]
    sampling: dict[str, Any]
    asked: str = ""


@dataclass(frozen=True)
class NewAnswer:
    """What a policy answered to a prompt of the arena; `kl` to the reference in nats, of the whole answer, where it is
    known."""

    arena_prompt_id: int
    text: str
    tokens: int = 0
    ended: bool = True
    seed: int = 0
    kl: float | None = None


@dataclass(frozen=True)
class ArenaAnswers:
    """What a policy of an arena answered; left out, and noted, where it is not in the arena any more."""

    policy_id: int
    rows: tuple[NewAnswer, ...]


@dataclass(frozen=True)
class Score:
    """A raw score of one completion: by which model of the run (an ensemble has several) and which criterion.

    `part` is `heldout` (completions of prompts that were not trained on) or `reference` (the base's own).
    """

    part: str
    model: str
    criterion: str
    completion_id: int
    score: float
    tokens: int


@dataclass(frozen=True)
class Scores:
    """Written over what the run said of the same completions before."""

    rows: tuple[Score, ...]


@dataclass(frozen=True)
class Priorities:
    """How much is in doubt about each group of completions (nats); replaces all earlier ones."""

    doubts: dict[int, float]


@dataclass(frozen=True)
class Said:
    """What a model as judge was asked about two answers, in the order in which it read them, and what it said; `won` is
    what the first one got."""

    first_id: int
    second_id: int
    asked: str
    answer: str
    won: float | None


@dataclass(frozen=True)
class JudgedGroup:
    """A judge's order over the completions of a group, by the guidelines of that version (0 is the newest); `method` is
    how it came about. `prompt` and `read`, each completion by its number, are what the judge read: where one says other
    words by now, or is gone, the order is left out, and that is noted."""

    judge: str
    detail: str
    group_id: int
    guidelines_id: int
    ranks: dict[int, int | None]
    method: str
    prompt: str
    read: dict[int, str]
    said: tuple[Said, ...] = ()


@dataclass(frozen=True)
class JudgedPair:
    """A judge's vote on two answers of an arena: what the first one got."""

    judge: str
    detail: str
    first_id: int
    second_id: int
    guidelines_id: int
    won: float
    said: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """`save(folder)` writes the whole state after `step`; the worker makes the write atomic.

    The one that is the `best` so far is kept beside the `keep` newest ones.
    """

    step: int
    save: Callable[[Path], None]
    best: bool = False
    keep: int = 2


@dataclass(frozen=True)
class SettingInForce:
    """A setting that a person changed is in force from `step` on; `change` is its row."""

    step: int
    change: int


@dataclass(frozen=True)
class SettingRefused:
    """A change that no run takes: its row goes."""

    change: int


@dataclass(frozen=True)
class Rollback:
    """Something went wrong: the run is back at the checkpoint of `step`, and what came later is forgotten. If it is to
    `wait`, it pauses at its next `Progress` so that a person can read `text`."""

    step: int
    text: str
    wait: bool = True


@dataclass(frozen=True)
class Result:
    """What the job found or made, as the result of its kind. Fields that are not at their defaults are put over what it
    said before, so that a job may tell what it knows so far."""

    result: JobResult


@dataclass(frozen=True)
class Note:
    """A line for the job's log."""

    text: str


Event = (
    Progress
    | Later
    | Loaded
    | Metrics
    | Samples
    | Completions
    | ArenaAnswers
    | Scores
    | Priorities
    | JudgedGroup
    | JudgedPair
    | Checkpoint
    | SettingInForce
    | SettingRefused
    | Rollback
    | Result
    | Note
)
