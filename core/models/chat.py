"""From text to token ids, in one way for generation, reward model, every algorithm, scoring and comparing alike."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from core.conversation import Conversation
from core.errors import BadInput
from core.events import Note
from core.models.load import Base
from core.models.reading import WhatItReads, what_it_reads
from core.models.rows import Rows, from_lists

Asked = Conversation | str


def conversation_of(asked: Asked) -> Conversation:
    """A text is one user turn."""
    return Conversation.of_text(asked) if isinstance(asked, str) else asked


def prompt_ids(base: Base, asked: Asked, name: int | None = None) -> list[int]:
    """The conversation in the model's chat template, up to where the answer begins. `name` is the prompt's number, by
    which it is told what had to be done to it."""
    return base.chat.prompt(conversation_of(asked), name=name).ids


def to_answer(base: Base, asked: Asked, max_new_tokens: int, name: int | None = None) -> list[int]:
    """The same with room for an answer: what is too long loses turns, see `core.models.fitting`.

    Raises `BadInput` where the window is too small for such answers.
    """
    base.chat.check_room(max_new_tokens, base.context)
    return base.chat.prompt(conversation_of(asked), base.context, max_new_tokens + 1, name).ids


def beside(base: Base, asked: Asked, answer: int, longest: int, name: int | None = None) -> list[int]:
    """The same beside an answer of so many tokens, `longest` together. Raises `BadInput` when that alone is longer."""
    if answer >= longest:
        raise BadInput(f"A completion has {answer} tokens, which is over the limit of {longest}.")
    return base.chat.prompt(conversation_of(asked), longest, answer, name).ids


def completion_ids(base: Base, completion: str) -> list[int]:
    """The completion's tokens with the end token, at which the reward is read."""
    return base.chat.answer(completion)


def judged_ids(base: Base, completion: str) -> list[int]:
    """The same of what is judged of it."""
    return base.chat.answer(base.chat.judged(completion))


def text_of(base: Base, ids: Sequence[int]) -> str:
    """The completion's text, to the letter, without its end."""
    return base.chat.stopped(base.chat.decoded(ids))


def token_completing(base: Base, ids: Sequence[int], begin: str) -> int:
    """The place among the completion's tokens of the one with which it says all of `begin`, its text up to somewhere: a
    letter may take several tokens, which say something else before the last."""
    place = bisect_left(range(len(ids)), True, key=lambda last: base.chat.decoded(ids[: last + 1]).startswith(begin))
    return min(place, len(ids) - 1)


def texts_of(base: Base, rows: Rows) -> tuple[str, ...]:
    """The texts of all responses."""
    return tuple(text_of(base, rows.response_ids[i, :n].tolist()) for i, n in enumerate(rows.lengths.tolist()))


@dataclass(frozen=True)
class Judged:
    """Responses that are judged otherwise than they were drawn: their numbers (b,), and themselves."""

    index: Tensor
    rows: Rows

    def within(self, rows: Rows) -> Rows:
        """All of the responses, these as they are judged."""
        T = max(rows.response_ids.shape[1], self.rows.response_ids.shape[1])

        def put(drawn: Tensor, judged: Tensor) -> Tensor:
            wide = [pad(each, [0, T - each.shape[1]]) for each in (drawn, judged)]
            return wide[0].index_copy(0, self.index, wide[1])

        return replace(
            rows, response_ids=put(rows.response_ids, self.rows.response_ids),
            is_response=put(rows.is_response, self.rows.is_response), ended=rows.ended.index_fill(0, self.index, True),
        )  # fmt: skip


def judged_rows(base: Base, rows: Rows, texts: Sequence[str]) -> Judged | None:
    """The responses whose tokens a reward model reads otherwise than they were drawn: without what was thought, without
    the text at which one was stopped, and in the tokenizer's own spelling, because it learnt from texts and a policy
    may spell a word in other pieces. None where all are judged as they are. One whose own spelling is too long for the
    context stays as it was drawn."""
    prompts = [ids[mask].tolist() for ids, mask in zip(rows.prompt_ids, rows.is_prompt, strict=True)]
    found: dict[int, list[list[int]]] = {}
    index, order = [], rows.prompt_of.tolist()
    assert order == sorted(order), "the responses of a prompt are adjacent"
    for row, (group, text, length) in enumerate(zip(order, texts, rows.lengths.tolist(), strict=True)):
        drawn, judged = rows.response_ids[row, :length].tolist(), judged_ids(base, text)
        content = drawn[:-1] if drawn[-1] in base.end_ids else drawn
        if content != judged[:-1] and len(prompts[group]) + len(judged) <= base.context:
            index.append(row)
            found.setdefault(group, []).append(judged)
    if not index:
        return None
    again = from_lists([prompts[group] for group in found], list(found.values()), base.pad_id, base.device)
    return Judged(torch.tensor(index, device=base.device), again)


def told(base: Base, *, last: bool = False) -> Iterator[Note]:
    """What there is to tell of the prompts so far, at the `last` all of it."""
    return base.chat.notices.told(last=last)


def what_the_model_reads(base: Base, asked: Asked) -> WhatItReads:
    """The exact text of a prompt, its control tokens apart."""
    return what_it_reads(base.chat, conversation_of(asked))
