"""Prompts of an earlier version that may hold several turns: each as one text and as turns, for a person to say."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QDialog, QLabel, QListWidget, QListWidgetItem, QWidget

from core.errors import KnownError
from core.records import Prompt
from core.store import Changes, named_turns
from core.store.undo.steps import Step
from core.texts import one_line
from desktop.background import with_project
from desktop.conversation.bubbles import ConversationView
from desktop.instructions import actions
from desktop.instructions.conversation_dialog import ConversationDialog, editable
from desktop.instructions.splits import counted
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, column, label, row, scrolled, set_role
from desktop.widgets.bound import bind
from desktop.widgets.strangers import Reading

#: Prompts in the list.
SHOWN = 2_000
ABOUT = (
    "Each is one text with names before what may be turns. As turns the model reads them in its own template; as one "
    "text it reads the names, too. Select several to settle them at once (Ctrl+A for all). Undo takes it back."
)
NOTHING = "All of them are settled."


class UnsureDialog(QDialog):
    """`settled` tells that some were."""

    settled = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Prompts that may hold several turns")
        self.resize(980, 640)
        self.session = session
        self._found: dict[int, Prompt] = {}
        self._settling: Step | None = None
        """What was settled last here."""
        self.about = label(ABOUT, "muted", wrap=True)
        self.list = QListWidget(self)
        self.list.setAccessibleName("Prompts that may hold several turns")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setFixedWidth(260)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setWordWrap(True)
        self.list.itemSelectionChanged.connect(self._show_selected)
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        layout = column(self.about, self._readings(), self.said, self._foot(), spacing=SPACE + 4)
        layout.setStretch(1, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        session.changed.connect(self._changed)
        self.load()

    def _readings(self) -> QWidget:
        self.text = Reading(self)
        self.text.setAccessibleName("As one text")
        self.turns = ConversationView(self)
        self.turns.set_highest(1 << 14)
        self.why_not = label("", "warning", wrap=True)
        self.write_button = bind(actions.CHANGE_TURNS, button("", self.write, role="link", default=False))
        inner = QWidget()
        inner.setLayout(column(self.turns, None))
        one = card(column(label("As one text", "subheading"), self.text))
        several = card(
            column(label("As turns", "subheading"), scrolled(inner), self.why_not, row(self.write_button, None))
        )
        sides = row(self.list, one, several, spacing=SPACE + 4)
        sides.setStretch(1, 1)
        sides.setStretch(2, 1)
        found = QWidget(self)
        found.setLayout(sides)
        return found

    def _foot(self) -> QWidget:
        self.turns_button = bind(actions.ARE_TURNS, button("", self.take_apart, default=False))
        self.text_button = bind(actions.ARE_TEXT, button("", self.leave_whole, default=False))
        self.undo_button = button("Undo", self.undo, role="link", tip="Take back what was settled last", default=False)
        self.undo_button.hide()
        found = QWidget(self)
        close = button("Close", self.accept, role="primary")
        found.setLayout(row(self.turns_button, self.text_button, self.undo_button, None, close))
        return found

    def _changed(self, changes: Changes, _: object) -> None:
        if "prompts" in changes.tables:
            self.load()
        self._show_undo()

    def load(self) -> None:
        """Read them again, beside the window."""
        with_project(self, self.session.project, named_turns.unsure, self._show)

    def _show(self, found: list[Prompt]) -> None:
        row_before = max(0, self.list.currentRow())
        self.list.blockSignals(True)
        self.list.clear()
        self._found = {prompt.id: prompt for prompt in found[:SHOWN]}
        for prompt in self._found.values():
            item = QListWidgetItem(one_line(prompt.text, 80))
            item.setData(Qt.ItemDataRole.UserRole, prompt.id)
            self.list.addItem(item)
        self.list.blockSignals(False)
        rest = f" The first {SHOWN:,} of {len(found):,} are listed." if len(found) > SHOWN else ""
        self.about.setText(f"{ABOUT}{rest}" if found else NOTHING)
        self.list.setCurrentRow(min(row_before, self.list.count() - 1))
        self._show_selected()
        self.list.setFocus()

    def selected(self) -> list[int]:
        return [int(item.data(Qt.ItemDataRole.UserRole)) for item in self.list.selectedItems()]

    def _current(self) -> Prompt | None:
        item = self.list.currentItem()
        return self._found.get(int(item.data(Qt.ItemDataRole.UserRole))) if item is not None else None

    def _show_selected(self) -> None:
        """Both readings of the one that was selected last."""
        prompt, count = self._current(), len(self.selected())
        found, why_not = named_turns.reading(prompt) if prompt is not None else (None, "")
        self.text.show_text(prompt.text if prompt is not None else "")
        self.turns.show_conversation(found)
        if found is not None and not self.turns.unfolded:
            self.turns.toggle()
        self.why_not.setText(f"As turns it cannot be a prompt: {why_not}. Change them, or leave it one text.")
        self.why_not.setVisible(bool(why_not))
        self.write_button.setVisible(prompt is not None)
        for push, action in ((self.turns_button, actions.ARE_TURNS), (self.text_button, actions.ARE_TEXT)):
            push.setText(action.title if count < 2 else f"{action.title}: {count:,}")
            push.setEnabled(count > 0)
        self.turns_button.setEnabled(count > 1 or (count == 1 and not why_not))

    def take_apart(self) -> None:
        """Those that are selected become turns, where they can."""
        ids = self.selected()
        try:
            changes = named_turns.split(self.session.project, ids)
        except KnownError as error:
            self._say(str(error), "error")
            return
        left = len(ids) - len(changes.ids)
        more = f" {left:,} stay: they would end with an answer, or are there already." if left else ""
        self._settled(changes, f"{counted(len(changes.ids), 'prompt')} taken apart into turns.{more}")

    def leave_whole(self) -> None:
        """Those that are selected stay as they are, and are listed no more."""
        ids = self.selected()
        changes = named_turns.settle(self.session.project, ids)
        self._settled(changes, f"{counted(len(ids), 'prompt')} left as one text.")

    def _settled(self, changes: Changes, sentence: str) -> None:
        self.session.announce(changes, self)
        self.settled.emit()
        self._say(sentence, "good")
        self._settling = self.session.history.next("undo")
        self._show_undo()

    def _show_undo(self) -> None:
        """As long as it would take back what was settled, and nothing that was done since."""
        newest = self.session.history.next("undo")
        self.undo_button.setVisible(newest is not None and newest is self._settling)

    def undo(self) -> None:
        """Take back what was settled last."""
        try:
            self.session.replay("undo")
        except KnownError as error:
            self._say(str(error), "error")
            self._show_undo()
            return
        self.settled.emit()
        self._say("Taken back.", "muted")

    def write(self) -> None:
        """Change the turns of the one that is shown."""
        prompt = self._current()
        if prompt is None:
            return
        found = named_turns.reading(prompt)[0]
        if why_not := editable(found):
            self._say(why_not, "warning")
            return
        dialog = ConversationDialog(self.session, self, prompt=prompt, begin=found)
        dialog.saved.connect(self.settled)
        dialog.open()

    def _say(self, sentence: str, role: str) -> None:
        said: QLabel = self.said
        said.setText(sentence)
        said.show()
        set_role(said, role)
