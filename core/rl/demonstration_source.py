"""Stored answers as batches to learn from: what people wrote or brought along, and what they ranked best."""

import math
from collections.abc import Sequence
from typing import TypeVar

from core.config.algorithms import SFT
from core.config.training import TrainPolicyConfig
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models import chat
from core.models.adapters import SharedModel
from core.models.load import Base
from core.models.rows import Ids, Rows, from_lists
from core.reward.examples import prompts_named
from core.rl import passes, pinned_answers
from core.rl.batches import Batch
from core.rl.pinned_answers import Demonstration
from core.rl.rollout import POLICY, logprobs
from core.rl.rollout_source import MEASURE_EVERY, Collector, Drawn

#: Held-out answers that are measured, at most.
MOST_MEASURED = 64

DemonstrationT = TypeVar("DemonstrationT", bound=Demonstration)


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


class DemonstrationSource:
    """Answers of training prompts, in passes over a shuffled order; held-out ones are measured now and then."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        """Raises `NothingToDo` when there are none."""
        self.shared, self.collector = shared, collector
        self.config: TrainPolicyConfig = context.config
        options: SFT = context.options
        found = pinned_answers.pinned(context, options)
        longest = min(options.max_length, shared.base.context)
        self.train, dropped = self._encoded(found.learnt, longest)
        self.heldout, more = self._encoded(found.measured, longest)
        self.heldout = self.heldout[:MOST_MEASURED]
        if not self.train:
            raise NothingToDo(
                "There are no answers of training prompts to learn: import some, write some in Rank, or rank answers "
                "and choose --answers best-ranked."
            )
        self.notes = [self._counted(found.known), *(note.text for note in chat.told(shared.base, last=True))]
        if dropped + more:
            self.notes.append(
                f"{len(dropped + more)} answers are longer than {longest} tokens and were left out: "
                f"{prompts_named(dropped + more)} concerned."
            )

    def _counted(self, known: int) -> str:
        many = len(self.heldout)
        measured = f"measured on {many} held-out {'one' if many == 1 else 'ones'}" if many else "none is held out"
        but = f", without {known} that the run learnt before it began here" if known else ""
        return f"Learns {len(self.train)} {'answer' if len(self.train) == 1 else 'answers'}; {measured}{but}."

    def _encoded(self, rows: Sequence[Demonstration], longest: int) -> tuple[list[tuple[Ids, Ids]], list[int]]:
        found, dropped = encoded(self.shared.base, rows, longest)
        return [(prompt, answer) for _, prompt, answer in found], dropped

    def next(self, step: int) -> Drawn:
        """What step number `step` learns from. Raises `Diverged`."""
        return Drawn(self.batch(step), self.collector.now_and_then(step))

    def batch(self, step: int) -> Batch:
        """`batch_size` answers, a function of the seed and the step alone."""
        size, seed = self.config.batch_size, f"{self.config.seed}/demonstrations"
        places = (passes.at(place, len(self.train), seed)[0] for place in range(step * size, (step + 1) * size))
        return Batch(self._rows([self.train[number] for number in places]))

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        """Held-out loss, in nats a token, and perplexity of the policy after so many steps, where they are due."""
        if not self.heldout or not (last or step % MEASURE_EVERY == 0 or step == self.config.steps):
            return {}
        self.shared.report_status(f"Measuring {len(self.heldout)} held-out answers")
        nats, tokens = 0.0, 0
        for start in range(0, len(self.heldout), self.config.micro_batch):
            rows = self._rows(self.heldout[start : start + self.config.micro_batch])
            nats -= float(logprobs(self.shared, POLICY, rows, 1.0, self.config.micro_batch)[0].sum())
            tokens += int(rows.is_response.sum())
        return {"eval/loss": nats / tokens, "eval/perplexity": math.exp(min(nats / tokens, 50.0))}

    def _rows(self, chosen: list[tuple[Ids, Ids]]) -> Rows:
        base = self.shared.base
        return from_lists(
            [prompt for prompt, _ in chosen], [[answer] for _, answer in chosen], base.pad_id, base.device
        )
