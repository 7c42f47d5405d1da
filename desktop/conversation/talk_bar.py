"""Over the box for the next turn: what can be done with the answers, the system turn with which a conversation begins,
and the ways back and to a new one."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.conversation.talk import Talk
from desktop.conversation.talk_actions import TalkActions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, row
from desktop.widgets.bound import action_button
from desktop.widgets.strangers import Editing

#: Lines of a system turn that are seen at once.
LINES = 2


class TalkBar(QWidget):
    """`system` is the field of the system turn, folded away while it is empty."""

    rank_asked = Signal()
    more_asked = Signal()
    new_asked = Signal()
    take_back_asked = Signal()

    def __init__(self, actions: TalkActions, parent: QWidget | None = None, *, answers: bool = True) -> None:
        """Without `answers`, what can be done with them stands elsewhere on the page."""
        super().__init__(parent)
        self._open = False
        self.system = Editing()
        self.system.setPlaceholderText("System turn: what the model is told before the conversation")
        self.system.setAccessibleName("System turn")
        self.system.setTabChangesFocus(True)
        self.system.setFixedHeight(LINES * self.system.fontMetrics().lineSpacing() + 3 * SPACE)
        self.system_button = action_button(actions.system, self.open_system, default=False)
        self.new_button = action_button(actions.new, self.new_asked.emit, default=False)
        self.back_button = action_button(actions.take_back, self.take_back_asked.emit, default=False)
        self.rank_button = action_button(actions.rank_these, self.rank_asked.emit, default=False)
        self.more_button = action_button(actions.two_more, self.more_asked.emit, default=False)
        first = (self.rank_button, self.more_button) if answers else ()
        line = row(*first, None, self.system_button, self.back_button, self.new_button)
        self.setLayout(column(line, self.system, spacing=SPACE // 2))
        self.show_talk(Talk())
        self.show_answers(0)

    @property
    def system_text(self) -> str:
        return self.system.text().strip()

    def open_system(self) -> None:
        """Show the field, and go to it."""
        self._open = True
        self._show_system(True)
        self.system.setFocus()

    def show_talk(self, talk: Talk) -> None:
        """What can be done with it now: it has its system turn from its beginning."""
        self.back_button.setVisible(bool(talk.messages))
        self.new_button.setVisible(bool(talk.messages))
        self._show_system(talk.begins_anew)

    def show_answers(self, different: int) -> None:
        """How many different answers are seen: two can be ranked."""
        self.rank_button.setVisible(different > 0)
        self.rank_button.setEnabled(different > 1)
        self.more_button.setVisible(different > 0)

    def _show_system(self, possible: bool) -> None:
        shown = possible and (self._open or bool(self.system_text))
        self.system.setVisible(shown)
        self.system_button.setVisible(possible and not shown)
