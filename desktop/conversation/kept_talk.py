"""A conversation as the project keeps it while somebody has it: a closed window finds it again, undo brings back what
was taken away."""

from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.store import Changes
from desktop.conversation.talk import Talk
from desktop.conversation.talk_actions import TalkActions
from desktop.conversation.to_rank import ToRank
from desktop.session import Session


class KeptTalk(QObject):
    """In the project's setting `key`. `line` says what was sent to Rank."""

    ENDS_ANSWERED: ClassVar[bool] = False
    """Is there none whose last question is not answered?"""
    changed = Signal()
    """The conversation is another."""

    def __init__(self, session: Session, key: str, actions: TalkActions, page: QWidget) -> None:
        super().__init__(page)
        self.session, self.actions = session, actions
        self._key = key
        self.talk = self._read()
        self.line = ToRank(session, actions, page)

    def look_again(self) -> None:
        """Somebody wrote settings, undo too."""
        found = self._read()
        if found != self.talk:
            self.talk = found
            self.changed.emit()

    def go_to(self, talk: Talk, label: str = "") -> None:
        """The conversation is this one now; with a `label`, undo brings the one before back."""
        self.line.hide()
        self.talk = talk
        changes: Changes = self.session.project.set_setting(self._key, talk.data())
        self.session.announce(replace(changes, label=label or changes.label), self, undoable=bool(label))
        self.changed.emit()

    def begin_anew(self) -> None:
        self.go_to(Talk(), self.actions.new.label)

    def _read(self) -> Talk:
        found = Talk.read(self.session.project.setting(self._key))
        return Talk() if self.ENDS_ANSWERED and not found.goes_on else found
