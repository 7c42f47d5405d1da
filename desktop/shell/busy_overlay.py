"""Lies over the window while something must be finished first: nothing under it can be pressed or typed into."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row

#: What is over sooner is not mentioned.
SEEN_AFTER_MILLISECONDS = 250
VEIL = 190


class BusyOverlay(QWidget):
    """Takes the keys as well, but for those that close the window, and gives the focus back when it goes."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._focused: QWidget | None = None
        self.text = label("", "heading")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.more = label("The window can be closed all the same.", "muted")
        self.more.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner = column(self.text, self.more, spacing=SPACE)
        self.card = card(inner)
        inner.setContentsMargins(4 * SPACE, 3 * SPACE, 4 * SPACE, 3 * SPACE)
        self.setLayout(column(None, row(None, self.card, None), None))
        self._timer = QTimer(self, singleShot=True, interval=SEEN_AFTER_MILLISECONDS)
        self._timer.timeout.connect(self._be_seen)
        window.installEventFilter(self)
        self.hide()

    def lie(self, text: str) -> None:
        """Cover the window, at first unseen."""
        self._focused = self.window().focusWidget()
        self.text.setText(text)
        self.setAccessibleName(text)
        self.card.hide()
        self.setGeometry(self.window().rect())
        self.show()
        self.raise_()
        self.setFocus()
        self._timer.start()

    def go(self) -> None:
        self._timer.stop()
        self.hide()
        if self._focused is not None and isValid(self._focused):
            self._focused.setFocus()
        self._focused = None

    def _be_seen(self) -> None:
        self.card.show()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Keys are not shortcuts here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            event.setAccepted(not _closes(event))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.setAccepted(not _closes(event))

    def focusNextPrevChild(self, next: bool) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.card.isVisible():
            ground = QColor(theme.current().ground)
            ground.setAlpha(VEIL)
            painter = QPainter(self)
            painter.fillRect(self.rect(), ground)
            painter.end()  # before the picture is put on the screen, whenever Python lets go of it

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self.window().rect())
        return super().eventFilter(watched, event)


def _closes(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Q and event.modifiers() == Qt.KeyboardModifier.ControlModifier
