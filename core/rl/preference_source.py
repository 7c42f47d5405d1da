"""The stored rankings as batches to learn from, for algorithms that need no rollouts."""

import torch

from core.config.training import TrainPolicyConfig
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models.adapters import REFERENCE, SharedModel
from core.models.rows import from_lists
from core.reward.encoding import Outlines
from core.reward.examples import Example, keep_learnt, pinned
from core.rl import passes
from core.rl.batches import PreferenceBatch
from core.rl.rollout import logprobs
from core.rl.rollout_source import Collector, Drawn
from core.store import completions

LONGEST = 1024


class PreferenceSource:
    """Ranked groups of training prompts, in passes over a shuffled order; now and then a rollout, only to measure."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        """Raises `NothingToDo` when nothing is ranked."""
        self.shared, self.collector = shared, collector
        self.config: TrainPolicyConfig = context.config
        self.refers: bool = context.options.needs_reference
        outlines = Outlines(shared.base, min(LONGEST, shared.base.context), whole=True)
        groups, _ = pinned(context, lambda all: ([group for group in all if group.split == "train"], []), outlines.look)
        (self.examples,) = outlines.examples(groups)
        keep_learnt(context, self.examples.outlines, [])
        if not self.examples:
            raise NothingToDo("There are no pairs to learn from: rank some training prompts first.")
        self.size = sum(each.answers for each in self.examples.outlines) / len(self.examples)
        """Completions of a prompt, on average."""
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
        count = max(1, round(self.config.batch_size / self.size))
        drawn = [self._example(place) for place in range(step * count, (step + 1) * count)]
        chosen = [example for example, _ in drawn]
        base = self.shared.base
        prompts, answers = [example.prompt for example in chosen], [self.answers_of(example) for example in chosen]
        rows = from_lists(prompts, answers, base.pad_id, base.device)
        logp_ref = logprobs(self.shared, REFERENCE, rows, 1.0, self.config.micro_batch)[0] if self.refers else None
        ranks = torch.cat([example.orders[turn % len(example.orders)].ranks for example, turn in drawn])
        return PreferenceBatch(rows, logp_ref, ranks.to(base.device))

    def answers_of(self, example: Example) -> list[list[int]]:
        """The answers without the end token where nobody wrote it: they were cut off at the length limit."""
        return [
            list(answer[:-1] if completion in self.unended and len(answer) > 1 else answer)
            for completion, answer in zip(example.completion_ids, example.answers, strict=True)
        ]

    def _example(self, place: int) -> tuple[Example, int]:
        """The example at a place in the order of all passes, and the number of its pass."""
        number, turn = passes.at(place, len(self.examples), f"{self.config.seed}/ranked")
        return self.examples[number], turn
