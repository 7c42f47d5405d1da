"""A field of a form for a text of several lines: it tells when it was changed and left, as a line does."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QWidget

from desktop.theme.theme import SPACE
from desktop.widgets.strangers import Editing

LINES = 3


class TextBox(Editing):
    """`left` comes when the focus goes and something was typed."""

    left = Signal()

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing() + 2 * SPACE + 4)
        self.show_text(text)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def show_text(self, text: str) -> None:
        """Put this in, which is no typing."""
        self.setPlainText(self.fitted(text))
        self.setModified(False)

    def isModified(self) -> bool:
        return not self.too_long and self.document().isModified()

    def setModified(self, on: bool) -> None:
        self.document().setModified(on)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.isModified():
            self.left.emit()
