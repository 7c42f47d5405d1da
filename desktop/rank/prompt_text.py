"""A prompt, as tall as its text up to a limit, then it scrolls. The text can be selected and copied."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from desktop.theme import theme
from desktop.widgets.strangers import Reading

HIGHEST = 132


class PromptText(Reading):
    """Read-only and in larger type than the completions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._from_end = False
        self.verticalScrollBar().rangeChanged.connect(self._keep_end, Qt.ConnectionType.QueuedConnection)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._dress()
        theme.notifier.changed.connect(self._dress)
        self.viewport().setAutoFillBackground(False)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setAccessibleName("Prompt")
        self.document().setDocumentMargin(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _dress(self) -> None:
        """In the size of text that the person wants now."""
        self.setStyleSheet(
            "QTextEdit { background: transparent; border: none; padding: 0; font-weight: 600;"
            f" font-size: {theme.sized(theme.HEADING + 2)}px; }}"
        )

    def show_text(self, text: str, *, from_end: bool = False) -> None:
        """With its end in view, or with its beginning: the last turn of a conversation is what is answered."""
        self._from_end = from_end
        super().show_text(text)
        self._fit()
        bar = self.verticalScrollBar()
        self._keep_end(bar.minimum(), bar.maximum())

    def _keep_end(self, _: int, last: int) -> None:
        """The text was laid out anew in another width. Queued: the bar is set once more after its range was told."""
        if self._from_end:
            self.verticalScrollBar().setValue(last)

    def sizeHint(self) -> QSize:
        return QSize(400, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _height(self) -> int:
        return min(HIGHEST, int(self.document().size().height()) + 4)

    def _fit(self) -> None:
        if self.height() != self._height():
            self.setFixedHeight(self._height())
