"""A box to type a prompt or a turn in. A whole conversation that is pasted into it is never taken apart unasked."""

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from core.conversation import Conversation
from core.data import pasted
from core.data.rows import Unusable
from core.texts import one_line
from core.turns import said
from desktop.widgets import message_boxes
from desktop.widgets.strangers import Editing

#: Turns that the question shows the beginnings of, and letters of each.
SHOWN, LETTERS = 6, 70


class PastingBox(Editing):
    """`conversation_pasted` carries what the person said is a conversation; any other text goes in as it is."""

    conversation_pasted = Signal(object)
    kept_whole = Signal()
    """What was pasted into the empty box looks like a conversation, and is one text all the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = source.text()
        try:
            found = pasted.conversation(text)
        except Unusable:
            found = None
        if found is None or self.isReadOnly():
            super().insertFromMimeData(source)
        else:
            self._ask(text, found)

    def _ask(self, text: str, found: Conversation) -> None:
        """What is no yes puts the text in as it is: nothing that was pasted is lost."""
        count = len(found.messages)
        turns = f"{count:,} turns" if count != 1 else "one turn"
        beginnings = [f"{turn.role.capitalize()}: {one_line(said(turn), LETTERS)}" for turn in found.messages[:SHOWN]]
        more = [f"… and {count - SHOWN:,} more"] if count > SHOWN else []
        asked = message_boxes.ask(
            self, f"Is this a conversation of {turns}?", "\n".join(beginnings + more), f"Put it in as {turns}",
            lambda: None, no="Keep it as one text",
        )  # fmt: skip

        def answered() -> None:
            pressed = asked.clickedButton()
            if pressed is not None and asked.buttonRole(pressed) == QMessageBox.ButtonRole.DestructiveRole:
                self.conversation_pasted.emit(found)
            else:
                was_empty = self.document().isEmpty()
                self.insert(text)
                if was_empty:
                    self.kept_whole.emit()

        asked.finished.connect(lambda _: answered())
