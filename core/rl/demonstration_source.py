"""Stored answers as batches to learn from: what people wrote or brought along, and what they ranked best."""

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from core.config.algorithms import SFT
from core.config.options import as_stored
from core.config.training import TrainPolicyConfig
from core.conversation import Conversation
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models import chat
from core.models.adapters import SharedModel
from core.models.load import Base
from core.models.rows import Ids, Rows, from_lists
from core.preferences.judged_groups import JudgedGroup, best_of, judged_groups
from core.reward.examples import heldout_prompts, prompts_named
from core.rl import passes
from core.rl.batches import Batch
from core.rl.rollout import POLICY, logprobs
from core.rl.rollout_source import MEASURE_EVERY, Collector, Drawn
from core.store import Project, cells, completions, demonstrations

#: The file in a run's folder that pins them.
PINNED = "demonstrations.json"
#: Held-out answers that are measured, at most.
MOST_MEASURED = 64


@dataclass(frozen=True)
class Demonstration:
    """A prompt with an answer to learn; `messages` are the prompt's turns as they are stored."""

    completion_id: int = 0
    prompt_id: int = 0
    prompt: str = ""
    messages: str | None = None
    split: str = "train"
    text: str = ""
    ended: bool = True
    """False where it was cut off when it was drawn: nobody wrote an end there."""

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


def demonstrations_of(project: Project, wanted: str) -> list[Demonstration]:
    """The answers that `wanted` names (see the option `answers`), each once, in the order in which they came.

    Of what stands beside others only what was ranked best counts, whoever wrote it; or, where nobody's order counts,
    what a person wrote here. The rejected answer of an imported pair is none, whatever becomes of its ranking.
    """
    judged = {group.group_id: group for group in judged_groups(project, criteria=False)}
    found: list[Demonstration] = []
    if wanted != "best-ranked":
        alone = demonstrations.alone(project)
        found += [
            Demonstration(each.completion_id, each.prompt_id, each.prompt, each.messages, each.split, each.text)
            for each in demonstrations.written(project)
            if (
                each.completion_id in best_of(judged[each.group_id])
                if each.group_id in judged
                else each.by_hand or each.group_id in alone
            )
        ]
    if wanted != "written":
        found += [each for group in judged.values() for each in _best(group)]
    cut_off = completions.unended(project)
    different = {(each.prompt_id, each.text): each for each in sorted(found, key=lambda each: each.completion_id)}
    return [replace(each, ended=each.completion_id not in cut_off) for each in different.values()]


def _best(group: JudgedGroup) -> list[Demonstration]:
    best = best_of(group)
    return [
        Demonstration(number, group.prompt_id, group.prompt, group.messages, group.split, text)
        for number, text in zip(group.completion_ids, group.completions, strict=True)
        if number in best
    ]


def pinned(context: JobContext, wanted: str) -> list[Demonstration]:
    """The answers with which the run began: people go on writing and ranking meanwhile."""
    kept = context.pinned(PINNED, lambda: [asdict(each) for each in demonstrations_of(context.project, wanted)])
    return [as_stored(Demonstration, each) for each in kept]


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
        found = pinned(context, options.answers)
        held = heldout_prompts(found, options.heldout_fraction, self.config.seed)
        longest = min(options.max_length, shared.base.context)
        self.train, dropped = self._encoded([each for each in found if each.prompt_id not in held], longest)
        self.heldout, more = self._encoded([each for each in found if each.prompt_id in held], longest)
        random.Random(f"{self.config.seed}/measured").shuffle(self.heldout)
        self.heldout = self.heldout[:MOST_MEASURED]
        if not self.train:
            raise NothingToDo(
                "There are no answers of training prompts to learn: import some, write some in Rank, or rank answers "
                "and choose --answers best-ranked."
            )
        self.notes = [self._counted(), *(note.text for note in chat.told(shared.base, last=True))]
        if dropped + more:
            self.notes.append(
                f"{len(dropped + more)} answers are longer than {longest} tokens and were left out: "
                f"{prompts_named(dropped + more)} concerned."
            )

    def _counted(self) -> str:
        many = len(self.heldout)
        measured = f"measured on {many} held-out {'one' if many == 1 else 'ones'}" if many else "none is held out"
        return f"Learns {len(self.train)} {'answer' if len(self.train) == 1 else 'answers'}; {measured}."

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
