"""The box in which the next turn is typed: as tall as its text, Enter sends it, Shift+Enter begins a new line."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.widgets.strangers import Editing, wrapping

#: Lines that are seen at once.
MOST_LINES = 6
#: Around the text: the theme's padding and frame.
AROUND = 18


class MessageBox(Editing):
    sent = Signal()
    """Somebody pressed Enter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self._fit)
        self._fit()

    def setText(self, text: str) -> None:
        """Put a text in, with the cursor at its end."""
        self.setWordWrapMode(wrapping(text))
        self.setPlainText(text)
        self.moveCursor(self.textCursor().MoveOperation.End)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.sent.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """A plain editor's document counts its height in lines."""
        needed = max(1, int(self.document().size().height()))
        lines = min(MOST_LINES, needed)
        policies = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(policies.ScrollBarAsNeeded if needed > lines else policies.ScrollBarAlwaysOff)
        height = lines * QFontMetrics(self.font()).lineSpacing() + AROUND
        if height != self.height():
            self.setFixedHeight(height)
