"""What is typed of a conversation and not saved: kept while it is typed, and put together with what one begins with."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from core.conversation import Conversation
from core.store import Project
from core.store.begun import BEGUN, begun_over, digest
from core.store.typed import Typed
from desktop.conversation.editor import MOST_KEPT, fits

#: The project's setting for what is typed, by the prompt's id; 0 is a new one.
DRAFT = "draft/conversation/{}"
#: Part of it: which text the prompt was begun with, where that is not the stored one.
OVER = "over"


class Found(Enum):
    """What was there of before, in words."""

    NOTHING = ""
    DRAFT = "What you typed and did not save is here."
    BOTH = f"{DRAFT} Below it is what you pasted or typed since: remove the turns that you do not want."
    LATER = "What you typed here before does not fit beside this: it is kept, and is here again once this is saved."


class ConversationDraft:
    """Of the prompt with an id, 0 for a new one, which is `stored` as that; what is typed was `begun` over it."""

    def __init__(self, project: Project, prompt_id: int, stored: Conversation, begun: Mapping[str, str]) -> None:
        self.stored, self.begun = stored, dict(begun)
        self._project, self._key = project, DRAFT.format(prompt_id)
        self._typed = Typed(project, self._key)
        self._is_new = prompt_id == 0
        self._over = ""

    def open(self, begin: Conversation | None) -> tuple[Conversation, Found]:
        """What is to be shown: what was typed before, and `begin`, which was pasted, or typed over the prompt. A draft
        that was begun with the same text goes on. One that does not fit beside it stays for later."""
        data = self._typed.read(lambda data: _conversation(data) is not None)
        draft = _conversation(data)
        begin = None if begin == self.stored else begin
        self._over = digest(begin.key) if begin is not None and not self._is_new else ""
        if draft is None:
            return begin or self.stored, Found.NOTHING
        now, self.begun = self.begun, begun_over(data, self.begun)
        if begin in (None, draft) or (self._over and _over(data) == self._over):
            self._over = _over(data)
            return draft, Found.DRAFT
        both = Conversation((*draft.messages, *begin.messages), draft.tools or begin.tools)
        if fits(both):
            return both, Found.BOTH
        self.begun = now
        self._typed = Typed(self._project, self._key)  # which has not read it, so that it writes beside it
        return begin, Found.LATER

    @property
    def beside(self) -> bool:
        """Did another window type here, too?"""
        return self._typed.beside

    def keep(self, found: Conversation) -> bool:
        """Write it down. False for what is longer than what would be put back."""
        if not fits(found, MOST_KEPT):
            return False
        same = found == self.stored or not any(message.content or message.extra for message in found.messages)
        self._typed.keep(None if same else self._data(found))
        return True

    def keep_again(self) -> None:
        """Nobody sees it any more from now on: it is there, whatever another window did with it since."""
        self._typed.keep_again()

    def forget(self) -> None:
        """It is saved, or given up."""
        self._typed.keep(None)

    def _data(self, found: Conversation) -> Any:
        if self._is_new:
            return found.data()
        beside = {OVER: self._over, BEGUN: {"text": self.begun["text"]}}
        return {"messages": [turn.data() for turn in found.messages], "tools": list(found.tools), **beside}


def _conversation(data: object) -> Conversation | None:
    """A project may come from elsewhere: what nobody could have typed is no draft."""
    try:
        found = Conversation.begun(data)
    except (ValueError, RecursionError):
        return None
    return found if found.messages and fits(found, MOST_KEPT) else None


def _over(data: object) -> str:
    return str(data.get(OVER, "")) if isinstance(data, dict) else ""
