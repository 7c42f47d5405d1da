"""Judged groups as examples, each encoded when it is asked for: only what decides whether one is left out is read of
all of them before a run begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Encoder:
    """How groups become examples. Completions are `whole`, or what is judged of them."""

    base: Base
    groups: Sequence[JudgedGroup]
    longest: int
    columns: tuple[str, ...]
    """The overall order first, then the criteria by name."""
    whole: bool

    def answer(self, text: str) -> list[int]:
        return (chat.completion_ids if self.whole else chat.judged_ids)(self.base, text)

    def fits(self, text: str) -> bool:
        """Is the completion by itself shorter than the limit? One with fewer letters is not read for that."""
        return chat.most_tokens(self.base, text) < self.longest or len(self.answer(text)) < self.longest

    def orders(self, group: JudgedGroup, fits: Sequence[int]) -> Iterator[tuple[Judgement, tuple[float, ...]]]:
        """Those that order two of the completions that fit, with their ranks."""
        if len(fits) == len(group.completions):
            yield from ((judgement, judgement.ranks) for judgement in group.judgements)
            return
        for judgement in group.judgements:
            if gives_pairs(ranks := tuple(judgement.ranks[number] for number in fits)):
                yield judgement, ranks

    def example(self, outline: Outline) -> Example:
        """Raises `BadInput` for a tokenizer that makes more tokens of a text than it has letters."""
        group = self.groups[outline.place]
        answers = [self.answer(text) for text in group.completions]
        fits = [number for number, answer in enumerate(answers) if len(answer) < self.longest]
        if len(fits) != outline.answers:
            raise BadInput(
                f"The tokenizer makes more than {self.longest} tokens of a completion of prompt {group.prompt_id} that "
                "has fewer letters: choose another model, or raise --max-length."
            )
        kept = tuple(answers[number] for number in fits)
        prompt = chat.beside(self.base, group.conversation, max(map(len, kept)), self.longest, group.prompt_id)
        orders = (
            Order(
                self.columns.index(judgement.criterion),
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

    def __init__(self, encoder: Encoder, outlines: Sequence[Outline], asked: Sequence[int] = ()) -> None:
        """`asked` are the prompts of all groups that were to be encoded, also of those that are left out."""
        self._encoder, self.outlines, self.asked = encoder, outlines, asked

    @property
    def columns(self) -> tuple[str, ...]:
        return self._encoder.columns

    def __len__(self) -> int:
        return len(self.outlines)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> "Examples": ...
    def __getitem__(self, place: int | slice) -> "Example | Examples":
        if isinstance(place, slice):
            return Examples(self._encoder, self.outlines[place])
        return self._encoder.example(self.outlines[place])

    def of(self, prompt_ids: set[int]) -> "Examples":
        """Those of some prompts."""
        return Examples(self._encoder, [each for each in self.outlines if each.prompt_id in prompt_ids])

    @property
    def prompt_ids(self) -> set[int]:
        return {each.prompt_id for each in self.outlines}

    @property
    def pairs(self) -> int:
        return sum(each.pairs for each in self.outlines)

    @property
    def shortest(self) -> Example:
        """That of the fewest letters."""
        return self._encoder.example(min(self.outlines, key=lambda each: each.letters))


def blocks(chosen: Sequence[Example]) -> Iterator[list[Example]]:
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


def encode(
    base: Base,
    groups: Sequence[JudgedGroup],
    longest: int,
    hint: str = "",
    *,
    whole: bool = False,
) -> tuple[Examples, list[str]]:
    """Examples, and which completions are left out, one sentence for each kind with the prompts it befell.

    A prompt that is too long loses its oldest turns, which `chat.told` tells as they come by; a completion that is too
    long by itself is left out of its rankings, never cut, because its end decides the score. `hint` says what could be
    done about that. Completions are `whole`, or what is judged of them. Raises `BadInput` where the template does not
    take a conversation: of each kind the first is tried.
    """
    encoder = Encoder(base, groups, longest, (OVERALL,), whole)
    outlines: list[Outline] = []
    asked: list[int] = []
    dropped: list[int] = []
    lost: list[int] = []
    kinds: dict[object, Outline] = {}
    criteria = set[str]()
    for place, group in enumerate(groups):
        asked.append(group.prompt_id)
        fits = [number for number, text in enumerate(group.completions) if encoder.fits(text)]
        dropped += [group.prompt_id] * (len(group.completions) - len(fits))
        criteria.update(judgement.criterion for judgement in group.judgements)
        orders = list(encoder.orders(group, fits))
        overall = [ranks for judgement, ranks in orders if judgement.criterion == OVERALL]
        if not overall:
            lost.append(group.prompt_id)
            continue
        outline = Outline(
            place, group.prompt_id, len(group.prompt) + sum(map(len, group.completions)), len(fits),
            sum(map(strict_pairs, overall)), tuple(judgement.ranking_id for judgement, _ in orders),
        )  # fmt: skip
        outlines.append(outline)
        if group.messages is not None:
            kinds.setdefault(_kind(group.conversation), outline)
    encoder = replace(encoder, columns=(OVERALL, *sorted(criteria - {OVERALL})))
    for outline in kinds.values():
        encoder.example(outline)
    notes = []
    if dropped:
        notes.append(
            f"{len(dropped)} completions are longer than {longest} tokens and were left out of their rankings: "
            f"{prompts_named(dropped)} concerned{hint}."
        )
    if lost:
        notes.append(f"{prompts_named(lost)} left out: no pair remained of completions that fit into {longest} tokens.")
    return Examples(encoder, outlines, asked), notes


def _kind(conversation: Conversation) -> object:
    """What conversations have in common that a template takes or refuses alike."""
    turns = tuple((each.role, bool(each.content), bool(each.extra)) for each in conversation.messages)
    return turns, bool(conversation.tools)


def strict_pairs(ranks: Sequence[float]) -> int:
    """How many pairs an order gives: those of which one rank is lower."""
    return sum(one < other for one in ranks for other in ranks)
