"""Who answers in an arena: policies on the base, the best of n of them by a reward model, a model behind an address.

The seed of an answer is its prompt's, the same for all of them, whatever is asked beside it.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from core.config.arena import AnswerConfig
from core.config.jobs import GenerateConfig
from core.endpoints.server import Server
from core.events import NewAnswer
from core.models import chat
from core.models.adapters import REFERENCE, SharedModel
from core.models.draws import Guide, Sampled
from core.models.seeds import generator
from core.models.writers import ServerWriter
from core.records import Prompt
from core.reward.model import RewardModel
from core.rl.rollout import draw, logprobs, score_and_features
from core.store.arenas import ArenaPrompt

#: Answers that are read at once to be measured, and of which the best are chosen at once.
MICRO_BATCH, AT_ONCE = 32, 32
#: Yields the answers to a batch at last, and None while they are waited for.
Answering = Generator[list[NewAnswer] | None, None, None]


class Contender(Protocol):
    def answer(self, batch: Sequence[ArenaPrompt]) -> Answering:
        """One answer to each prompt, in their order."""
        ...


@dataclass(frozen=True)
class OnBase:
    """A `role` on the base, drawn within its `guide`. Its KL is measured to another `reference`, unless it is that."""

    shared: SharedModel
    config: AnswerConfig
    role: str | None = REFERENCE
    guide: Guide | None = None
    reference: str | None = REFERENCE

    def answer(self, batch: Sequence[ArenaPrompt]) -> Answering:
        sampled = _drawn(self.shared, self.role, batch, self.config, 1, guide=self.guide)
        kl = [None] * len(batch) if self.role == self.reference else self._kl(sampled).tolist()
        places = range(len(batch))
        yield [_answer(self.shared, sampled, place, batch[place], self.config, kl[place]) for place in places]

    def _kl(self, sampled: Sampled) -> Tensor:
        """To the reference (B,), of the whole answers as they were drawn, in nats."""
        rows, temperature = sampled.rows, self.config.temperature
        policy, _ = logprobs(self.shared, self.role, rows, temperature, MICRO_BATCH)
        reference, _ = logprobs(self.shared, self.reference, rows, temperature, MICRO_BATCH)
        truncated = sampled.logp_drawn - sampled.logp  # by a guide or top-p
        return (policy + truncated - reference).sum(1).cpu()


@dataclass(frozen=True)
class BestOf:
    """The best of `n` answers of a `role` by what a reward model says, of equal ones the first: best-of-n sampling
    (Nakano et al. 2021, arXiv 2112.09332)."""

    shared: SharedModel
    config: AnswerConfig
    n: int
    reward: RewardModel
    role: str | None = REFERENCE

    def answer(self, batch: Sequence[ArenaPrompt]) -> Answering:
        found: list[NewAnswer] = []
        at_once = max(1, AT_ONCE // self.n)
        for start in range(0, len(batch), at_once):
            part = batch[start : start + at_once]
            sampled = _drawn(self.shared, self.role, part, self.config, self.n, place=f"best of {self.n}")
            best = self._scores(sampled).view(len(part), self.n).argmax(1).tolist()
            found += [
                _answer(self.shared, sampled, place * self.n + chosen, prompt, self.config)
                for place, (prompt, chosen) in enumerate(zip(part, best, strict=True))
            ]
        yield found

    def _scores(self, sampled: Sampled) -> Tensor:
        """(B,)"""
        base, rows = self.shared.base, sampled.rows
        judged = chat.judged_rows(base, rows, chat.texts_of(base, rows))
        return score_and_features(self.shared, self.reward, rows, MICRO_BATCH, judged, states=False).score


class AtServer:
    """The model of a server."""

    def __init__(self, server: Server, model: str, config: AnswerConfig) -> None:
        self.config = config
        self.writer = ServerWriter(
            server, model,
            GenerateConfig(
                temperature=config.temperature, top_p=config.top_p, max_new_tokens=config.max_new_tokens,
                seed=config.seed, batch_size=config.batch_size,
            ),
        )  # fmt: skip

    def answer(self, batch: Sequence[ArenaPrompt]) -> Answering:
        asked = [Prompt(prompt.prompt_id, prompt.text, turns=prompt.turns) for prompt in batch]
        for found in self.writer.write(asked, 1):
            if found is None:
                yield None
                continue
            yield [
                NewAnswer(prompt.id, row.text, row.tokens, row.ended, row.seed)
                for prompt, (row,) in zip(batch, found, strict=True)
            ]


def _drawn(
    shared: SharedModel, role: str | None, batch: Sequence[ArenaPrompt], config: AnswerConfig, copies: int, *,
    guide: Guide | None = None, place: str = "",
) -> Sampled:  # fmt: skip
    longest = config.max_new_tokens
    places = [place] if place else []
    return draw(
        shared, role, [chat.to_answer(shared.base, prompt.conversation, longest, prompt.prompt_id) for prompt in batch],
        copies=copies, max_new_tokens=longest, temperature=config.temperature, top_p=config.top_p, guide=guide,
        generator=[generator(config.seed, prompt.prompt_id, *places) for prompt in batch],
    )  # fmt: skip


def _answer(
    shared: SharedModel, sampled: Sampled, row: int, prompt: ArenaPrompt, config: AnswerConfig, kl: float | None = None
) -> NewAnswer:
    rows = sampled.rows
    length = int(rows.lengths[row])
    text = chat.text_of(shared.base, rows.response_ids[row, :length].tolist())
    return NewAnswer(prompt.id, text, length, bool(rows.ended[row]), config.seed, kl)
