"""What every board has on which answers are voted on blind: the prompt above, a line of hints below, and keys that work
while the board has the focus. It says what is wanted; whoever listens keeps it. It writes nothing."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from desktop import user_settings
from desktop.actions import Action
from desktop.compare.arena.answer_view import AnswerView
from desktop.conversation.bubbles import ConversationView
from desktop.theme import theme
from desktop.widgets.basics import label, set_role
from desktop.widgets.bound import bind
from desktop.widgets.strangers import tip

#: Of the board's height the prompt has at most so much, and at least so many pixels.
PROMPT_SHARE, LEAST_PROMPT = 0.34, 104


class BlindBoard(QWidget):
    """`does` holds what each command does that has a key; a board adds its own to those that all have."""

    putting_off = Signal()
    taking_back = Signal()
    helping = Signal()

    def __init__(self, parent: QWidget, name: str, earlier: Action, hint: str) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        self.prompt = ConversationView(self, earlier=earlier, size=theme.HEADING, weight=600)
        self.prompt.link.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.prompt.earlier.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._usual_hint = hint
        self.hint = label(hint, "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.does: dict[str, Callable[[], object]] = {
            "later": self.putting_off.emit,
            "scroll_up": lambda: self._scroll(-1),
            "scroll_down": lambda: self._scroll(1),
            "prompt_up": lambda: self.prompt.scroll_pages(-1),
            "prompt_down": lambda: self.prompt.scroll_pages(1),
            "earlier": self.prompt.toggle,
            "markdown": self._switch_markdown,
            "help": self.helping.emit,
        }

    @property
    def views(self) -> Sequence[AnswerView]:
        """The answers on the board."""
        raise NotImplementedError

    def claims(self, event: QKeyEvent) -> bool:
        """Is the key one of the board's?"""
        raise NotImplementedError

    def read_settings(self) -> None:
        """The person likes to read in another way."""
        for view in self.views:
            view.read_settings()

    def say(self, sentence: str, role: str = "warning") -> None:
        """A word in the hint's line until the next."""
        self.hint.setText(sentence or self._usual_hint)
        self.hint.setToolTip(tip(sentence or self._usual_hint))
        set_role(self.hint, role if sentence else "muted")

    def event(self, event: QEvent) -> bool:
        """Claim our keys before the window's shortcuts do, while the board has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if self.claims(event):
                event.accept()
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_room()

    def share_room(self) -> None:
        self.prompt.set_highest(max(LEAST_PROMPT, round(self.height() * PROMPT_SHARE)))

    def _scroll(self, pages: int) -> None:
        for view in self.views:
            view.scroll_pages(pages)

    def _switch_markdown(self) -> None:
        user_settings.set_card_view("markdown", not user_settings.card_view("markdown"))
        self.read_settings()


def repeats(name: str, event: QKeyEvent) -> bool:
    """Is this a key that is held down, of a command that is done once however long it is held?"""
    return event.isAutoRepeat() and not name.startswith(("scroll", "prompt"))


def key_button(action: Action, parent: QWidget, run: Callable[[], object]) -> QPushButton:
    """Its keys are the board's: they work only while that has the focus."""
    found = bind(action, QPushButton(parent))
    found.setProperty("role", action.role)
    found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    found.setAutoDefault(False)
    found.clicked.connect(lambda: run())
    return found
