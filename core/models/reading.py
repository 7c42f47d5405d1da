"""What a model reads of a conversation: the exact text, with its control tokens apart from what is only text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.conversation import Conversation
from core.models.chat_text import Rendered
from core.models.chat_tokens import ChatTokens


@dataclass(frozen=True)
class Piece:
    """A part of the text."""

    text: str
    control: bool = False
    """Is it a control token, which the template wrote?"""


@dataclass(frozen=True)
class WhatItReads:
    """`notes` tell what was done to the conversation, and what the template adds by itself."""

    pieces: tuple[Piece, ...]
    tokens: int
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def what_it_reads(chat: ChatTokens, conversation: Conversation) -> WhatItReads:
    """Of a conversation up to where the answer begins, before anything is cut."""
    rendered = chat.rendered(conversation)
    found = chat.prompt(conversation)
    return WhatItReads(tuple(_joined(_pieces(chat, rendered))), len(found.ids), tuple(_notes(chat, rendered)))


def _notes(chat: ChatTokens, rendered: Rendered) -> Iterator[str]:
    if chat.text.choice.plain:
        yield f"{chat.title} has no chat template of its own in use: the plain one names the turns"
    yield from rendered.notes


def _pieces(chat: ChatTokens, rendered: Rendered) -> Iterator[Piece]:
    """The control tokens outside marks, and what lies between."""
    for number, part in enumerate(rendered.marks.pattern.split(rendered.text)):
        if number % 2:
            yield Piece(part or "")
            continue
        place = 0
        for found in re.finditer(chat.control.pattern, part):
            yield Piece(part[place : found.start()])
            yield Piece(found.group(), control=True)
            place = found.end()
        yield Piece(part[place:])


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Texts that follow each other as one, and none that is empty."""
    text = ""
    for piece in pieces:
        if not piece.control:
            text += piece.text
            continue
        if text:
            yield Piece(text)
        text = ""
        yield piece
    if text:
        yield Piece(text)
