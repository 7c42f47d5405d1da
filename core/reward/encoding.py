"""Judged groups as examples, each encoded when it is asked for: only what decides whether one is left out is read of
all of them before a run begins."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, overload

import torch

from core.conversation import Conversation
from core.errors import BadInput
from core.models import chat
from core.models.load import Base
from core.preferences.judged_groups import OVERALL, JudgedGroup, Judgement, gives_pairs
from core.reward.examples import Example, Order, prompts_named

#: Tokens of the examples that are held in memory together where all are looked at: 40 bytes each.
BLOCK = 1 << 20


class Outline(NamedTuple):
    """What is known of an example without its tokens. `pairs` are overall, each labeler's counted."""

    place: int
    prompt_id: int
    letters: int
    answers: int
    pairs: int
    ranking_ids: tuple[int, ...]


@dataclass
class Part:
    """The groups that were looked at of one part: how many, which of them are examples, with the first of each kind of
    conversation, and the prompts of the others."""

    groups: int = 0
    outlines: list[Outline] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    kinds: dict[object, Outline] = field(default_factory=dict)


@dataclass(frozen=True)
class Encoder:
    """How groups become examples. Completions are `whole`, or what is judged of them."""

    base: Base
    longest: int
    whole: bool

    def answer(self, text: str) -> list[int]:
        return (chat.completion_ids if self.whole else chat.judged_ids)(self.base, text)

    def fits(self, text: str) -> bool:
        """Is the completion by itself shorter than the limit? One with fewer letters is not read for that."""
        return self.base.chat.most_tokens(text) < self.longest or len(self.answer(text)) < self.longest

    def orders(self, group: JudgedGroup, fits: Sequence[int]) -> Iterator[tuple[Judgement, tuple[float, ...]]]:
        """Those that order two of the completions that fit, with their ranks."""
        if len(fits) == len(group.completions):
            yield from ((judgement, judgement.ranks) for judgement in group.judgements)
            return
        for judgement in group.judgements:
            if gives_pairs(ranks := tuple(judgement.ranks[number] for number in fits)):
                yield judgement, ranks

    def example(self, group: JudgedGroup, count: int, columns: Sequence[str]) -> Example:
        """With the `count` completions that fit. Raises `BadInput` for a tokenizer that makes more tokens of a text
        than it has letters."""
        answers = [self.answer(text) for text in group.completions]
        fits = [number for number, answer in enumerate(answers) if len(answer) < self.longest]
        if len(fits) != count:
            raise BadInput(
                f"The tokenizer makes more than {self.longest} tokens of a completion of prompt {group.prompt_id} that "
                "has fewer letters: choose another model, or raise --max-length."
            )
        kept = tuple(answers[number] for number in fits)
        prompt = chat.beside(self.base, group.conversation, max(map(len, kept)), self.longest, group.prompt_id)
        orders = (
            Order(
                columns.index(judgement.criterion),
                torch.tensor(ranks, dtype=torch.float32),
                judgement.ties,
                judgement.ranking_id,
            )
            for judgement, ranks in self.orders(group, fits)
        )
        return Example(
            group.prompt_id, prompt, kept, tuple(group.completion_ids[number] for number in fits), tuple(orders)
        )


class Examples(Sequence[Example]):
    """Each is encoded anew whenever it is asked for."""

    def __init__(
        self, encoder: Encoder, groups: Sequence[JudgedGroup], columns: Sequence[str], outlines: Sequence[Outline]
    ) -> None:
        """`columns` are the overall order first, then the criteria by name."""
        self._encoder, self._groups, self.columns, self.outlines = encoder, groups, columns, outlines

    def __len__(self) -> int:
        return len(self.outlines)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> "Examples": ...
    def __getitem__(self, place: int | slice) -> "Example | Examples":
        if isinstance(place, slice):
            return Examples(self._encoder, self._groups, self.columns, self.outlines[place])
        return self.encoded(self.outlines[place])

    def encoded(self, outline: Outline) -> Example:
        """Raises `BadInput` as `Encoder.example` does."""
        return self._encoder.example(self._groups[outline.place], outline.answers, self.columns)

    @property
    def prompt_ids(self) -> set[int]:
        return {each.prompt_id for each in self.outlines}

    @property
    def letters(self) -> int:
        return sum(each.letters for each in self.outlines)

    @property
    def pairs(self) -> int:
        return sum(each.pairs for each in self.outlines)

    @property
    def shortest(self) -> Example:
        """That of the fewest letters."""
        return self.encoded(min(self.outlines, key=lambda each: each.letters))


def blocks(chosen: Iterable[Example]) -> Iterator[list[Example]]:
    """All of them in their order, some at a time."""
    block, tokens = list[Example](), 0
    for example in chosen:
        block.append(example)
        tokens += example.tokens
        if tokens >= BLOCK:
            yield block
            block, tokens = [], 0
    if block:
        yield block


class Outlines:
    """What is seen of the groups that a run learns from, and of those that it is tested on, each looked at once."""

    def __init__(self, base: Base, longest: int, *, whole: bool = False) -> None:
        """Completions are `whole`, or what is judged of them."""
        self._encoder = Encoder(base, longest, whole)
        self._parts = (Part(), Part())
        self._criteria = set[str]()
        self._dropped: list[int] = []

    def look(self, group: JudgedGroup, is_tested: bool = False) -> None:
        """A prompt that is too long loses its oldest turns, which `chat.told` tells as they come by; a completion that
        is too long by itself is left out of its rankings, never cut, because its end decides the score."""
        part, encoder = self._parts[is_tested], self._encoder
        place, part.groups = part.groups, part.groups + 1
        fits = [number for number, text in enumerate(group.completions) if encoder.fits(text)]
        self._dropped += [group.prompt_id] * (len(group.completions) - len(fits))
        self._criteria.update(judgement.criterion for judgement in group.judgements)
        orders = list(encoder.orders(group, fits))
        overall = [ranks for judgement, ranks in orders if judgement.criterion == OVERALL]
        if not overall:
            part.lost.append(group.prompt_id)
            return
        outline = Outline(
            place, group.prompt_id, len(group.prompt) + sum(map(len, group.completions)), len(fits),
            sum(map(strict_pairs, overall)), tuple(judgement.ranking_id for judgement, _ in orders),
        )  # fmt: skip
        part.outlines.append(outline)
        if group.messages is not None:
            part.kinds.setdefault(_kind(group.conversation), outline)

    def examples(self, *groups: Sequence[JudgedGroup]) -> list[Examples]:
        """Those of each part, of whose groups every one was looked at, in their order. Raises `BadInput` where the
        template does not take a conversation: of each kind the first is tried."""
        columns = (OVERALL, *sorted(self._criteria - {OVERALL}))
        found = [
            Examples(self._encoder, those, columns, part.outlines)
            for those, part in zip(groups, self._parts, strict=False)
        ]
        tried = set[object]()
        for examples, part in zip(found, self._parts, strict=False):
            for kind, first in part.kinds.items():
                if kind not in tried:
                    examples.encoded(first)
            tried |= part.kinds.keys()
        return found

    def left_out(self, hint: str = "") -> list[str]:
        """Which completions and prompts are, one sentence for each kind; `hint` says what could be done about that."""
        longest, notes = self._encoder.longest, []
        if self._dropped:
            notes.append(
                f"{len(self._dropped)} completions are longer than {longest} tokens and were left out of their "
                f"rankings: {prompts_named(self._dropped)} concerned{hint}."
            )
        if lost := [prompt_id for part in self._parts for prompt_id in part.lost]:
            notes.append(
                f"{prompts_named(lost)} left out: no pair remained of completions that fit into {longest} tokens."
            )
        return notes

    @property
    def tested_too_long(self) -> int:
        """How many prompts the run would be tested on if their completions fitted."""
        part = self._parts[True]
        return len(set(part.lost) - {outline.prompt_id for outline in part.outlines})


def _kind(conversation: Conversation) -> object:
    """What conversations have in common that a template takes or refuses alike."""
    turns = tuple((each.role, bool(each.content), bool(each.extra)) for each in conversation.messages)
    return turns, bool(conversation.tools)


@lru_cache(4096)
def strict_pairs(ranks: tuple[float, ...]) -> int:
    """How many pairs an order gives: those of which one rank is lower."""
    return sum(one < other for one in ranks for other in ranks)
