"""A small notice at the foot of the window: what was done or is being done, and one thing to do about it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QHideEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QToolButton, QWidget

from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.growing import keep_size
from desktop.widgets.strangers import on_button
from desktop.workspace import Said

SECONDS = 12
NARROWEST, WIDEST = 320, 720
ABOVE_FOOT = 56


class Notice(QFrame):
    """Lies over the window's lower edge and takes no focus; the next notice takes the place of this one."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setProperty("role", "notice")
        self.setAccessibleName("Notice")
        self.text = label("", wrap=True)
        self.action = button("", self._act, role="link")
        self._run: Callable[[], object] = lambda: None
        self._everywhere = False
        self.closing = QToolButton()
        self.closing.setText("✕")
        self.closing.setProperty("role", "close")
        keep_size(self.closing, 28)
        self.closing.setAccessibleName("Close the notice")
        self.closing.setToolTip("Close the notice (Esc)")
        self.closing.clicked.connect(self.hide)
        self.closing.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Esc does it
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How far it is")
        line = row(self.text, self.action, self.closing, spacing=2 * SPACE)
        line.setStretch(0, 1)
        self._lines = column(line, self.bar, spacing=SPACE)
        self._lines.setContentsMargins(2 * SPACE, SPACE + 2, SPACE + 4, SPACE + 2)
        self.setLayout(self._lines)
        self._timer = QTimer(self, singleShot=True, interval=SECONDS * 1000)
        self._timer.timeout.connect(self.hide)
        window.installEventFilter(self)
        self.hide()

    def show_said(self, said: Said | None) -> None:
        """Say something, or nothing any more; what stays until the next notice cannot be closed while it tells of
        progress."""
        if said is None:
            self.hide()
            return
        self._everywhere = said.everywhere
        self.text.setText(said.text)
        self.setAccessibleDescription(said.text)
        self.action.setText(on_button(said.action_text))
        self.action.setVisible(said.action is not None)
        self._run = said.action or self._run
        self.bar.setValue(0)
        self.bar.setVisible(said.progress)
        self.closing.setVisible(not said.progress)
        self.show()
        self.raise_()
        self._place()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))  # it is read out
        if said.stays:
            self._timer.stop()
        else:
            self._timer.start()

    def leave(self) -> None:
        """Another project is shown now, or none."""
        if not self._everywhere:
            self.hide()

    def show_share(self, share: float) -> None:
        """How much of it is done, from 0 to 1."""
        self.bar.setValue(int(share * 1000))

    def _act(self) -> None:
        self.hide()
        self._run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self.isVisible():
            if event.type() == QEvent.Type.Resize:
                self._place()
            elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._closed_by(event):
                return True
        return super().eventFilter(watched, event)

    def _closed_by(self, event: QKeyEvent) -> bool:
        """Esc, if nothing that has the focus wanted it, puts away what can be closed."""
        closes = event.key() == Qt.Key.Key_Escape and self.closing.isVisible()
        if closes:
            self.hide()
        return closes

    def _place(self) -> None:
        words = self.text.fontMetrics().horizontalAdvance(self.text.text())
        beside = self.action.sizeHint().width() * self.action.isVisibleTo(self) + 13 * SPACE
        width = min(WIDEST, self._window.width() - 4 * SPACE, max(NARROWEST, words + beside))
        height = self._lines.heightForWidth(width) if self._lines.hasHeightForWidth() else self.sizeHint().height()
        left, top = (self._window.width() - width) // 2, self._window.height() - height - ABOVE_FOOT
        self.setGeometry(left, top, width, height)

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)
