"""Stored answers as batches to learn from: what people wrote or brought along, and what they ranked best."""

import math
from collections.abc import Sequence

from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models.adapters import SharedModel
from core.models.rows import Ids
from core.preferences.demonstrated import Demonstration
from core.rl import pinned_answers
from core.rl.answer_source import KNOWN, MOST_MEASURED, AnswerSource, encoded, rows_of
from core.rl.batches import Batch
from core.rl.rollout import POLICY, logprobs
from core.rl.rollout_source import Collector


class DemonstrationSource(AnswerSource):
    """Answers of training prompts, in passes over a shuffled order; held-out ones are measured now and then."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        """Raises `NothingToDo` when there are none."""
        super().__init__(context, shared, collector)
        found = pinned_answers.pinned(context, context.options)
        self.train, dropped = self._encoded(found.learnt)
        self.heldout, more = self._encoded(found.measured)
        self.heldout = self.heldout[:MOST_MEASURED]
        if not self.train:
            raise NothingToDo(
                "There are no answers of training prompts to learn: import some, write some in Rank, or rank answers "
                "and choose --answers best-ranked."
            )
        self.notes = [self._counted(found.known), *self.noted(dropped + more)]

    def _counted(self, known: int) -> str:
        many = len(self.heldout)
        measured = f"measured on {many} held-out {'one' if many == 1 else 'ones'}" if many else "none is held out"
        but = KNOWN.format(known) if known else ""
        return f"Learns {len(self.train)} {'answer' if len(self.train) == 1 else 'answers'}; {measured}{but}."

    def _encoded(self, rows: Sequence[Demonstration]) -> tuple[list[tuple[Ids, Ids]], list[int]]:
        found, dropped = encoded(self.shared.base, rows, self.longest)
        return [(prompt, answer) for _, prompt, answer in found], dropped

    def batch(self, step: int) -> Batch:
        return Batch(
            rows_of(self.shared.base, [self.train[n] for n in self.dealt(step, len(self.train), "demonstrations")])
        )

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        """Held-out loss, in nats a token, and perplexity of the policy after so many steps, where they are due."""
        if not self.heldout or not self.is_due(step, last=last):
            return {}
        self.shared.report_status(f"Measuring {len(self.heldout)} held-out answers")
        nats, tokens = 0.0, 0
        for start in range(0, len(self.heldout), self.config.micro_batch):
            rows = rows_of(self.shared.base, self.heldout[start : start + self.config.micro_batch])
            nats -= float(logprobs(self.shared, POLICY, rows, 1.0, self.config.micro_batch)[0].sum())
            tokens += int(rows.is_response.sum())
        return {"eval/loss": nats / tokens, "eval/perplexity": math.exp(min(nats / tokens, 50.0))}
