"""What is shared by those who learn from stored answers: how they are read, dealt out in passes, and measured when."""

from collections.abc import Sequence
from typing import TypeVar

from core.config.training import TrainPolicyConfig
from core.jobs.context import JobContext
from core.models import chat
from core.models.adapters import SharedModel
from core.models.load import Base
from core.models.rows import Ids, Rows, from_lists
from core.preferences.demonstrated import Demonstration
from core.reward.examples import prompts_named
from core.rl import passes
from core.rl.batches import Batch
from core.rl.rollout_source import MEASURE_EVERY, Collector, Drawn

#: Held-out answers that are measured, at most.
MOST_MEASURED = 64
#: What is told of held-out answers that are not measured.
KNOWN = ", without {} that the run learnt before it began here"

DemonstrationT = TypeVar("DemonstrationT", bound=Demonstration)


class AnswerSource:
    """Batches of stored answers, with completions that are drawn and scored now and then. `longest` is the most tokens
    of a prompt with its answer."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        self.shared, self.collector = shared, collector
        self.config: TrainPolicyConfig = context.config
        self.longest: int = min(context.options.max_length, shared.base.context)

    def next(self, step: int) -> Drawn:
        """What step number `step` learns from. Raises `Diverged`."""
        return Drawn(self.batch(step), self.collector.now_and_then(step))

    def batch(self, step: int) -> Batch:
        """`batch_size` answers, a function of the seed and the step alone."""
        raise NotImplementedError

    def dealt(self, step: int, count: int, what: str) -> list[int]:
        """Which of `count` answers a step learns from, in passes over an order that is shuffled anew."""
        return passes.dealt(step, self.config.batch_size, count, f"{self.config.seed}/{what}")

    def is_due(self, step: int, *, last: bool) -> bool:
        """Are held-out answers measured after so many steps?"""
        return last or step % MEASURE_EVERY == 0 or step == self.config.steps

    def noted(self, dropped: list[int]) -> list[str]:
        """What reading the answers brought up; those to the prompts in `dropped` were too long."""
        return noted(self.shared.base, dropped, self.longest)


def noted(base: Base, dropped: list[int], longest: int) -> list[str]:
    """What reading the answers brought up; those to the prompts in `dropped` were longer than `longest`."""
    found = [note.text for note in chat.told(base, last=True)]
    if dropped:
        found.append(
            f"{len(dropped)} answers are longer than {longest} tokens and were left out: "
            f"{prompts_named(dropped)} concerned."
        )
    return found


def rows_of(base: Base, chosen: Sequence[tuple[Ids, Ids]]) -> Rows:
    """Prompts with an answer each."""
    return from_lists([prompt for prompt, _ in chosen], [[answer] for _, answer in chosen], base.pad_id, base.device)


def encoded(
    base: Base, rows: Sequence[DemonstrationT], longest: int
) -> tuple[list[tuple[DemonstrationT, Ids, Ids]], list[int]]:
    """Each with its prompt and its answer as tokens, and the prompts whose answers are too long: they are never cut."""
    found, dropped = [], []
    for each in rows:
        answer = chat.completion_ids(base, each.text)
        if len(answer) >= longest:
            dropped.append(each.prompt_id)
            continue
        prompt = chat.beside(base, each.conversation, len(answer), longest, each.prompt_id)
        found.append((each, prompt, answer if each.ended or len(answer) == 1 else answer[:-1]))
    return found, dropped
