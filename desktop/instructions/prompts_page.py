"""The prompts of a project: a table that stays quick with 100,000 of them, and panels to add and to edit."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QScrollArea, QSpinBox, QStackedWidget, QWidget

from core.conversation import Conversation
from core.records import Prompt
from core.store import Changes, Project, named_turns, prompts
from core.store.typed import Typed
from desktop.background import with_project
from desktop.conversation.editor import PASTED_TOO_MUCH, fits
from desktop.instructions import actions
from desktop.instructions.adding_card import AddingCard
from desktop.instructions.conversation_dialog import ConversationDialog, editable
from desktop.instructions.conversation_draft import DRAFT
from desktop.instructions.duplicates_dialog import DuplicatesDialog
from desktop.instructions.import_dialog import ImportDialog
from desktop.instructions.prompt_table import SPLIT_TITLES, PromptModel, PromptTable
from desktop.instructions.selected_card import SelectedCard
from desktop.instructions.splits import counted
from desktop.instructions.taken_back import TakenBack
from desktop.instructions.unsure_dialog import UnsureDialog
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, set_role, side_panel
from desktop.widgets.bound import action_button, add_shortcuts, bind
from desktop.widgets.drafts import typing_goes_on

SEARCH_MILLISECONDS = 150
SIDE_WIDTH = 340


class PromptsPage(QWidget):
    """`counted` carries how many prompts there are."""

    counted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._loading = False
        self.taken_back = TakenBack(session, _is_there, self)
        self.taken_back.gone.connect(self._type_again)
        self.taken_back.back.connect(self._added_again)
        self._undone: list[tuple[Conversation, Typed]] = []
        """Conversations of which adding them was undone."""
        self.model = PromptModel(session.project, self)
        self.table = PromptTable(self.model, self)
        self.table.selectionModel().selectionChanged.connect(lambda: self._show_selected())
        self._search_timer = QTimer(self, singleShot=True, interval=SEARCH_MILLISECONDS)
        self._search_timer.timeout.connect(self.search_now)
        layout = row(self._list(), self._side(), spacing=3 * SPACE)
        layout.setStretch(0, 1)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self.load()

    def _list(self) -> QWidget:
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(f"{actions.SEARCH.title} ({actions.SEARCH.keys[0]})")
        bind(actions.SEARCH, self.search)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda: self._search_timer.start())
        self.filter = QComboBox(self)
        bind(actions.FILTER, self.filter)
        for name, title in {"all": "All prompts", **SPLIT_TITLES}.items():
            self.filter.addItem(title, name)
        self.filter.currentIndexChanged.connect(lambda: self.search_now())
        self.counts = label("", "muted")
        self.empty = label("", "muted", wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        top = row(self.search, self.filter, self.counts, spacing=12)
        top.setStretch(0, 1)
        add_shortcuts(actions.SEARCH, self, self.search.setFocus)
        add_shortcuts(actions.DELETE, self.table, lambda: self.selected.delete())
        left = QWidget(self)
        self.middle = QStackedWidget(self)
        self.middle.addWidget(self.table)
        self.middle.addWidget(self.empty)
        left.setLayout(column(self._notice(), top, self.middle, spacing=12))
        return left

    def _notice(self) -> QWidget:
        """Where prompts of an earlier version may hold several turns."""
        self.unsure = label("", "warning")
        self.unsure_button = action_button(actions.LOOK_AT_UNSURE, self.look_at_unsure)
        self.notice = QWidget(self)
        line = row(self.unsure, self.unsure_button, None, spacing=12)
        self.notice.setLayout(line)
        self.notice.hide()
        return self.notice

    def _side(self) -> QScrollArea:
        self.adding = AddingCard(self.session, self)
        self.adding.added.connect(self._saved)
        self.adding.importing.connect(self.choose_file)
        self.adding.asking_hub.connect(self.choose_from_hub)
        self.adding.writing.connect(self.write)
        self.selected = SelectedCard(self.session, self)
        self.selected.changed.connect(self._saved)
        self.selected.deleted.connect(self._deleted)
        self.selected.writing.connect(self.change)
        self.side = side_panel(column(self.adding, self.selected, self._tending(), None, spacing=2 * SPACE), SIDE_WIDTH)
        for part in (self.adding, self.selected):
            part.spoke.connect(self._see)
        return self.side

    def _tending(self) -> QWidget:
        """What is done with all prompts at once."""
        self.share = QSpinBox(self)
        self.share.setRange(0, 90)
        self.share.setSingleStep(5)
        self.share.setValue(20)
        self.share.setSuffix(" %")
        self.share.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        bind(actions.SHARE, self.share)
        self.split_button = action_button(actions.HOLD_OUT, self.split_all)
        self.duplicates_button = action_button(actions.FIND_DUPLICATES, self.find_duplicates)
        self.tended = label("", "muted", wrap=True)
        self.tended.hide()
        self.all_prompts = card(
            column(
                label("All prompts", "heading"),
                row(self.split_button, self.share, None),
                row(self.duplicates_button, None),
                self.tended,
            )
        )
        return self.all_prompts

    def load(self) -> None:
        """Read the prompts again, and what is searched for among them."""
        project = self.session.project
        total, heldout = prompts.count(project), prompts.count(project, "heldout")
        self.total = total
        self.counts.setText(f"{total - heldout:,} training, {heldout:,} held-out")
        self.all_prompts.setVisible(total > 0)
        self.counted.emit(total)
        self.search_now()
        self._count_unsure()

    def search_now(self) -> None:
        """Show what is searched for; the selection stays where it can."""
        self._search_timer.stop()
        kept = set(self.table.selected_ids())
        self._loading = True  # the selection comes and goes meanwhile
        try:
            self.model.load(self.search.text().strip(), self.filter.currentData())
            if kept and len(kept) < 1000:
                self._select(kept)
        finally:
            self._loading = False
        searching = bool(self.search.text().strip()) or self.filter.currentData() != "all"
        nothing = "No prompts yet: add some on the right, or import a file."
        self.empty.setText("No prompt matches." if searching else nothing)
        self.middle.setCurrentWidget(self.table if self.model.ids else self.empty)
        self._show_selected()

    def _count_unsure(self) -> None:
        """Read beside the window, where there may be some."""
        if named_turns.any_unsure(self.session.project):
            with_project(self, self.session.project, _unsure, self._show_unsure)
        else:
            self._show_unsure(0)

    def _show_unsure(self, count: int) -> None:
        self.unsure.setText(f"{counted(count, 'prompt')} may hold several turns.")
        self.notice.setVisible(count > 0)

    def look_at_unsure(self) -> None:
        """Each with both readings, to be settled."""
        dialog = UnsureDialog(self.session, self)
        dialog.settled.connect(self._saved)
        dialog.open()

    def choose_file(self) -> None:
        self._import_dialog().choose()

    def choose_from_hub(self) -> None:
        self._import_dialog().choose_from_hub()

    def _import_dialog(self) -> ImportDialog:
        dialog = ImportDialog(self.session, self, what="prompts")
        dialog.imported.connect(self._done)
        return dialog

    def write(self, begin: Conversation | None = None) -> None:
        """A new prompt, turn by turn; it begins with what was pasted."""
        if begin is not None and not fits(begin):
            self.adding.say(PASTED_TOO_MUCH, "warning")
            return
        self._open(ConversationDialog(self.session, self, begin=begin, split=self.adding.chosen_split))

    def change(self, prompt: Prompt, begin: Conversation, begun: Mapping[str, str] | None = None) -> None:
        """Change the turns of a prompt; it begins with what is typed over them, which was `begun` over those."""
        if why_not := editable(begin):
            self.selected.say(why_not, "warning")
            return
        dialog = ConversationDialog(self.session, self, prompt=prompt, begin=begin, begun=begun)
        dialog.saved.connect(lambda: self.selected.text_saved(prompt.id))
        self._open(dialog)

    def _open(self, dialog: ConversationDialog) -> None:
        dialog.saved.connect(self._saved)
        dialog.added.connect(self.taken_back.note)
        dialog.open()

    def _type_again(self, conversation: Conversation) -> None:
        """Adding it was undone: it is typed and not added."""
        self._undone.append((conversation, Typed(self.session.project, DRAFT.format(0))))
        with typing_goes_on():
            self._undone[-1][1].keep(conversation.data())
        self.adding.say(
            f"The conversation that you added is undone: “{actions.WRITE_TALK.title}” opens it again.", "muted"
        )

    def _added_again(self, conversation: Conversation) -> None:
        with typing_goes_on():
            for undone, kept in self._undone:
                if undone == conversation:
                    kept.keep(None)
        self._undone = [each for each in self._undone if each[0] != conversation]
        self.adding.say("", "muted")

    def split_all(self) -> None:
        """Choose anew which prompts are held out."""
        share = self.share.value() / 100
        changes = prompts.split_heldout(self.session.project, share)
        self._done(changes)
        self.tended.setText(f"{prompts.count(self.session.project, 'heldout'):,} prompts are held out now.")
        self.tended.show()
        set_role(self.tended, "good")
        self._see(self.tended)

    def find_duplicates(self) -> None:
        dialog = DuplicatesDialog(self.session, self)
        dialog.deleted.connect(self._done)
        dialog.open()

    def conversation(self) -> Conversation | None:
        """What is typed, where somebody types new prompts, else the selected one as it is typed over; None if there is
        neither."""
        new = self.adding.conversation()
        writing = new is not None and self.focusWidget() is self.adding.new_text
        return new if writing else self.selected.conversation() or new

    def leave(self) -> None:
        """The project is about to close: keep what is typed."""
        self._search_timer.stop()
        self.adding.draft.leave()
        self.selected.leave()
        for dialog in self.findChildren(ConversationDialog):
            dialog.leave()

    def recount(self) -> None:
        """Completions or rankings came: only the numbers in the rows differ."""
        self.model.forget()

    def _done(self, changes: Changes) -> None:
        self.session.announce(changes, self)
        self._saved()

    def _saved(self) -> None:
        """What is stored is another now, as was told already."""
        self.load()
        self.selected.show_anew(self.table.selected_ids())

    def _deleted(self, sentence: str) -> None:
        self.table.clearSelection()
        self._saved()
        self.adding.say(sentence, "muted")

    def _show_selected(self) -> None:
        if not self._loading:
            self.selected.show_ids(self.table.selected_ids())

    def _select(self, ids: set[int]) -> None:
        selection = self.table.selectionModel()
        flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        for index, prompt_id in enumerate(self.model.ids):
            if prompt_id in ids:
                selection.select(self.model.index(index, 0), flags)

    def _see(self, where: QLabel) -> None:
        QTimer.singleShot(0, self, lambda: self.side.ensureWidgetVisible(where, 0, 2 * SPACE))


def _unsure(project: Project) -> int:
    return len(named_turns.unsure(project))


def _is_there(project: Project, number: int, _: object) -> bool:
    return prompts.exists(project, number)
