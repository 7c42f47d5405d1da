"""The stored rankings as batches to learn from, for algorithms that need no rollouts."""

import torch

from core.config.training import TrainPolicyConfig
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models.adapters import SharedModel
from core.reward.encoding import Outlines
from core.reward.examples import Example, keep_learnt, pinned
from core.rl import passes
from core.rl.batches import PreferenceBatch
from core.rl.reference_logps import ReferenceLogps, Stored, rows_of
from core.rl.rollout_source import Collector, Drawn
from core.store import completions

LONGEST = 1024


class PreferenceSource:
    """Ranked groups of training prompts, in passes over a shuffled order; now and then a rollout, only to measure."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        """Raises `NothingToDo` when nothing is ranked."""
        self.shared, self.collector = shared, collector
        self.config: TrainPolicyConfig = context.config
        outlines = Outlines(shared.base, min(LONGEST, shared.base.context), whole=True)
        groups, _ = pinned(context, lambda all: ([group for group in all if group.split == "train"], []), outlines.look)
        (self.examples,) = outlines.examples(groups)
        keep_learnt(context, self.examples.outlines, [])
        if not self.examples:
            raise NothingToDo("There are no pairs to learn from: rank some training prompts first.")
        completions_of_each = sum(each.answers for each in self.examples.outlines) / len(self.examples)
        self.count = max(1, round(self.config.batch_size / completions_of_each))
        """Prompts of a step."""
        self.seed = f"{self.config.seed}/ranked"
        self.reference: ReferenceLogps | None = None
        if context.options.needs_reference:
            count, micro_batch = len(self.examples), self.config.micro_batch
            self.reference = ReferenceLogps(shared, micro_batch, self.count, count, self.seed, self._stored)
        self.notes = [f"Learns from {self.examples.pairs} pairs.", *outlines.left_out()]
        self.unended = completions.unended(context.project)

    def next(self, step: int) -> Drawn:
        """What step number `step` learns from. Raises `Diverged`."""
        return Drawn(self.batch(step), self.collector.now_and_then(step))

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        return {}

    def batch(self, step: int) -> PreferenceBatch:
        """About `batch_size` ranked completions, a function of the seed and the step alone.

        Where several labelers ranked a prompt, each pass takes another one's order: mean ranks of those who ranked
        different parts would mean nothing.
        """
        dealt = [self._dealt(place) for place in range(step * self.count, (step + 1) * self.count)]
        numbers, examples = [number for number, _ in dealt], [self.examples[number] for number, _ in dealt]
        chosen = [(example.prompt, self.answers_of(example)) for example in examples]
        rows = rows_of(self.shared, chosen)
        logp_ref = self.reference.of(numbers, chosen, rows) if self.reference else None
        turns = zip(examples, (turn for _, turn in dealt), strict=True)
        ranks = torch.cat([example.orders[turn % len(example.orders)].ranks for example, turn in turns])
        return PreferenceBatch(rows, logp_ref, ranks.to(self.shared.base.device))

    def answers_of(self, example: Example) -> list[list[int]]:
        """The answers without the end token where nobody wrote it: they were cut off at the length limit."""
        return [
            list(answer[:-1] if completion in self.unended and len(answer) > 1 else answer)
            for completion, answer in zip(example.completion_ids, example.answers, strict=True)
        ]

    def _dealt(self, place: int) -> tuple[int, int]:
        """The number of the example at a place in the order of all passes, and that of its pass."""
        return passes.at(place, len(self.examples), self.seed)

    def _stored(self, number: int) -> Stored:
        example = self.examples[number]
        return example.prompt, self.answers_of(example)
