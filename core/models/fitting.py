"""A conversation that is longer than the room there is loses whole turns from the oldest.

The system prompt stays, and so does the last turn; only where that alone is too long its beginning is cut.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.conversation import Conversation

#: How often a turn's beginning is cut a little more before all of it is.
TRIES = 6


@dataclass(frozen=True)
class Fitted:
    """Token ids in the room there is, and what was left out for it."""

    ids: list[int]
    turns: int = 0
    cut: bool = False
    """Is the beginning of the turn that stayed left out?"""

    @property
    def note(self) -> str:
        """What is to be told, after the prompts that it befell; empty where nothing was left out."""
        if self.cut:
            return "cut at the beginning"
        return "cut by the oldest turns" if self.turns else ""


def fitted(
    conversation: Conversation,
    room: int,
    ids_of: Callable[[Conversation], list[int]],
    shortened: Callable[[str, int], str],
) -> Fitted:
    """The conversation's ids, `room` of them at most. `shortened` is a text without as many tokens of its beginning."""
    ids = ids_of(conversation)
    if len(ids) <= room:
        return Fitted(ids)
    messages = conversation.messages
    first = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    starts = [at for at in range(first + 1, len(messages)) if messages[at].role == "user"]

    def since(start: int) -> Conversation:
        return replace(conversation, messages=(*messages[:first], *messages[start:]))

    place = bisect_left(starts, True, key=lambda start: len(ids_of(since(start))) <= room)
    if place < len(starts):
        return Fitted(ids_of(since(starts[place])), starts[place] - first)
    start = starts[-1] if starts else first
    return replace(_cut(since(start), room, ids_of, shortened), turns=start - first)


def _cut(
    conversation: Conversation,
    room: int,
    ids_of: Callable[[Conversation], list[int]],
    shortened: Callable[[str, int], str],
) -> Fitted:
    """Without the beginning of the longest turn; where that does not suffice, without that of the whole."""
    messages = list(conversation.messages)
    place = max(
        range(len(messages)), key=lambda at: (messages[at].role != "system", len(messages[at].content)), default=0
    )
    content, ids, over = messages[place].content, ids_of(conversation), 0
    for tried in range(TRIES):
        over += len(ids) - room
        messages[place] = replace(messages[place], content=shortened(content, over) if tried < TRIES - 1 else "")
        ids = ids_of(replace(conversation, messages=tuple(messages)))
        if len(ids) <= room:
            return Fitted(ids, cut=True)
    return Fitted(ids[len(ids) - room :], cut=True)
