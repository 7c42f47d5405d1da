"""Where a labeler writes an answer, below the cards that it will join."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from core.labeling.answer_drafts import NEW
from desktop import user_settings
from desktop.actions import Action
from desktop.rank import actions
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.bound import bind
from desktop.widgets.drafts import Throttle, typing_goes_on
from desktop.widgets.strangers import EDITED, KEPT, Editing
from desktop.widgets.unwritten import NotWritten

ABOUT = "It joins the answers, as the best one until you place it elsewhere."
BEGUN = "What you began before is here."
BEGUN_TOO_LONG = "What you began before is here. It is too long to be edited or added: it stays, and can be copied."
TOO_LONG = "This answer is too long to be mended here: copy it, and write one of your own."
#: Share of the board's height, and the least.
SHARE, LEAST = 0.27, 150
CONTROL = Qt.KeyboardModifier.ControlModifier


class AnswerEditor(QFrame):
    """`finished` carries the text, and the completion that it mends (`NEW` for none). What is typed is given to `keep`
    while it is typed; closing keeps it."""

    finished = Signal(str, int)
    closed = Signal()
    seen = Signal()
    """It came or went."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.of = NEW
        self._keep: Callable[[str], object] = lambda text: None
        self._keep_again: Callable[[], object] = lambda: None
        self._before = ""
        self._throttle = Throttle(self, self._write)
        self.beside: Callable[[], bool] = lambda: False
        """Was another answer begun in the same place in another window?"""
        self._throttle.beside = lambda: self.beside()
        self.heading = label("", "subheading")
        self.about = label(ABOUT, "muted")
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.field = bind(actions.ANSWER, Editing(self))
        self.field.setTabChangesFocus(True)
        self.field.textChanged.connect(self._throttle.touch)
        self.field.installEventFilter(self)
        self.add = self._button(actions.ADD_ANSWER, self.finish)
        self.leave_button = self._button(actions.LEAVE_ANSWER, self.close_editor)
        head = row(self.heading, self.about, self.leave_button, self.add, spacing=2 * SPACE)
        head.setStretch(1, 1)
        layout = column(head, NotWritten(self._throttle, self), self.field)
        layout.setContentsMargins(12, 8, 12, 12)
        self.setLayout(layout)
        self.hide()

    def _button(self, action: Action, then: Callable[[], object]) -> QPushButton:
        """Its keys are the field's."""
        return bind(action, button(action.title, then, role=action.role))

    def open_editor(
        self, heading: str, text: str, of: int, begun: str, keep: Callable[[str], object],
        keep_again: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        """Begin with `text`, or go on with what is `begun`. `keep_again` is called before that goes from view."""
        self.leave()
        self.of, self._keep, self._keep_again, self._before = of, keep, keep_again, text
        self.heading.setText(heading)
        self.field.setStyleSheet(f"QPlainTextEdit {{ font-size: {theme.enlarged(user_settings.font_size())}px; }}")
        self.field.setPlainText(self.field.fitted(begun, KEPT) if begun else self.field.fitted(text, EDITED))
        self._throttle.rest()
        self._throttle.tried.emit()
        self.add.setEnabled(not self.field.too_long)
        said = (BEGUN_TOO_LONG, BEGUN) if begun else (TOO_LONG, ABOUT)
        self.say(said[0] if self.field.too_long else said[1])
        self.show()
        self.field.setFocus()

    def say(self, sentence: str, role: str = "muted") -> None:
        self.about.setText(sentence)
        self.about.setToolTip(sentence)
        set_role(self.about, role)

    def finish(self) -> None:
        """Ask for the answer to be added."""
        if self.add.isEnabled():
            self.leave()
            self.finished.emit(self.field.text(), self.of)

    def mend_none(self, heading: str) -> None:
        """What it was to mend is gone: it becomes an answer of its own."""
        self.of = NEW
        self.heading.setText(heading)

    def keep(self) -> None:
        """Hand over what is in the field now."""
        self._throttle.now()

    def _write(self) -> None:
        """A text that nobody changed is nothing begun."""
        if not self.field.too_long:
            text = self.field.text()
            self._keep("" if text == self._before else text)

    def leave(self) -> None:
        """Something else is done now: what is not written yet is written."""
        self._throttle.flush()
        self._stay()

    def end(self) -> None:
        """The project is about to close."""
        self._throttle.end()
        self._stay()

    def _stay(self) -> None:
        if not self.isHidden():
            with typing_goes_on():
                self._keep_again()

    def close_editor(self) -> None:
        """Put it away, with what is typed kept."""
        self.leave()
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def put_away(self) -> None:
        """What was typed is an answer now, or belongs to another item."""
        self._throttle.rest()
        self.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.seen.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ctrl+Enter adds it, Esc puts it away: a field has Enter for itself."""
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self.close_editor()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & CONTROL:
                self.finish()
                return True
        return super().eventFilter(watched, event)
