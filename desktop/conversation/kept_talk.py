"""A conversation as the project keeps it while somebody has it: a closed window finds it again, undo brings back what
was taken away, and no window writes over another's (`Typed`)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.store.typed import Typed
from core.store.undo.steps import Step
from desktop.conversation.talk import Talk
from desktop.conversation.talk_actions import TalkActions
from desktop.conversation.to_rank import ToRank
from desktop.session import Session
from desktop.widgets.drafts import Throttle, typing_goes_on


class KeptTalk(QObject):
    """In the project's setting `key`. `to_rank` says what was sent to Rank."""

    ENDS_ANSWERED: ClassVar[bool] = False
    """Is there none whose last question is not answered?"""
    changed = Signal()
    """The conversation is another."""

    def __init__(self, session: Session, key: str, actions: TalkActions, page: QWidget) -> None:
        super().__init__(page)
        self.session, self.actions = session, actions
        self._key, self._typed = key, Typed(session.project, key)
        self._throttle = Throttle(page, self._write)
        self.talk = Talk.read(self._typed.read(self._is_one))
        self.to_rank = ToRank(session, actions, page)

    def look_again(self) -> None:
        """Another window may have gone on with this conversation; whatever else it did there is its own."""
        found = Talk.read(self._typed.look_again(self._goes_on))
        if found.messages and found != self.talk:
            self.talk = found
            self.changed.emit()

    def go_to(self, talk: Talk, label: str = "") -> None:
        """The conversation is this one now. Undo brings the one before back where there is a `label`, and wherever that
        one does not just go on."""
        before = self.talk
        self.to_rank.hide()
        self.talk = talk
        self._throttle.now()
        if label or not talk.begins_with(before):
            step = TalkStep(label=label or self.actions.new.label, tables=SETTINGS, kept=self, talk=before)
            self.session.history.add(step)
        self.session.announce(self.session.project.changed("Change setting", *SETTINGS), self, undoable=False)
        self.changed.emit()

    def _write(self) -> None:
        self._typed.keep(self.talk.data())

    def leave(self) -> None:
        """The project is about to close."""
        self._throttle.end()
        with typing_goes_on():
            self._typed.keep_again()

    def begin_anew(self) -> None:
        self.go_to(Talk(), self.actions.new.label)

    def exchange(self, step: "TalkStep") -> "TalkStep":
        """Take the talk of a step instead of what there is, which is kept beside it where nothing else holds it."""
        now, beside = self.talk, Typed(self.session.project, self._key)
        with self.session.project.write():
            if now != step.put_away and not step.talk.begins_with(now):
                beside.keep(now.data())
            self._typed.keep(step.talk.data())
            if step.beside is not None:
                step.beside.keep(None)
        self._throttle.rest()
        self.to_rank.hide()
        self.talk = step.talk
        self.changed.emit()
        put_away = None if step.put_away is not None else step.talk
        return TalkStep(label=step.label, tables=SETTINGS, kept=self, talk=now, put_away=put_away, beside=beside)

    def _is_one(self, data: object) -> bool:
        found = Talk.read(data)
        return bool(found.messages) and (found.goes_on or not self.ENDS_ANSWERED)

    def _goes_on(self, data: Any) -> bool:
        return self._is_one(data) and bool(self.talk.messages) and Talk.read(data).begins_with(self.talk)


SETTINGS = frozenset({"settings"})


@dataclass(frozen=True, kw_only=True, eq=False)
class TalkStep(Step):
    """`talk` comes back in place of the one that there is, however far that has gone on. One that is done again knows
    which talk is to be `put_away` by it. `beside` is where a copy of `talk` may wait meanwhile."""

    kept: KeptTalk
    talk: Talk
    put_away: Talk | None = None
    beside: Typed | None = None

    def replay(self) -> Step:
        return self.kept.exchange(self)
