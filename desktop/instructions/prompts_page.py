"""The prompts of a project: a table that stays quick with 100,000 of them, and panels to add and to edit."""

from typing import cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from core.errors import BadInput, KnownError
from core.records import Prompt, Split
from core.store import Changes, prompts
from core.store.typed import Typed
from desktop.instructions import actions
from desktop.instructions.duplicates_dialog import DuplicatesDialog
from desktop.instructions.import_dialog import ImportDialog
from desktop.instructions.prompt_table import SPLIT_TITLES, PromptModel, PromptTable
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, column, label, row, set_role, side_panel
from desktop.widgets.bound import action_button, add_shortcuts, bind
from desktop.widgets.drafts import Draft, Throttle
from desktop.widgets.strangers import Editing

SEARCH_MILLISECONDS = 150
SIDE_WIDTH = 340
KEEP = "(as it is)"
#: Settings of the project: prompts that are not added yet, and what is typed over each and not saved.
NEW_DRAFT, EDIT_DRAFT = "draft/new-prompts", "draft/prompt/{}"


class PromptsPage(QWidget):
    """`counted` carries how many prompts there are."""

    counted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.model = PromptModel(session.project, self)
        self.table = PromptTable(self.model, self)
        self.table.selectionModel().selectionChanged.connect(lambda: self._show_selected())
        self._search_timer = QTimer(self, singleShot=True, interval=SEARCH_MILLISECONDS)
        self._search_timer.timeout.connect(self.search_now)
        self._edit = Throttle(self, self._keep_edit)
        self._kept: Typed | None = None
        self._saved = ("", "")
        self._tags: tuple[str, ...] = ()
        self._loading = False
        self._confirmed: tuple[int, ...] = ()
        self._shown: tuple[int, ...] = ()
        layout = row(self._list(), self._side(), spacing=3 * SPACE)
        layout.setStretch(0, 1)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self._new = Draft(session.project, NEW_DRAFT, {"text": self.new_text}, self)
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
        add_shortcuts(actions.DELETE, self.table, self.delete)
        left = QWidget(self)
        self.middle = QStackedWidget(self)
        self.middle.addWidget(self.table)
        self.middle.addWidget(self.empty)
        left.setLayout(column(top, self.middle, spacing=12))
        return left

    def _side(self) -> QScrollArea:
        cards = column(self._adding(), self._editing(), self._tending(), None, spacing=2 * SPACE)
        self.side = side_panel(cards, SIDE_WIDTH)
        return self.side

    def _adding(self) -> QWidget:
        self.new_text = QPlainTextEdit(self)
        self.new_text.setPlaceholderText("Type or paste prompts, one a line")
        self.new_text.setAccessibleName("New prompts")
        self.new_text.setTabChangesFocus(True)
        self.new_text.setFixedHeight(104)
        self.one_prompt = bind(actions.ONE_PROMPT, QCheckBox(self))
        self.new_split = bind(actions.USE_FOR, split_box(self))
        self.add_button = action_button(actions.ADD, self.add)
        self.import_button = action_button(actions.IMPORT, self.choose_file)
        self.added = label("", "muted", wrap=True)
        self.added.hide()
        return card(
            column(
                label("Add prompts", "heading"),
                self.new_text,
                row(label("Use for"), self.new_split, None, self.one_prompt),
                row(self.add_button, self.import_button, None),
                self.added,
            )
        )

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

    def _editing(self) -> QWidget:
        self.edit_title = label("Selected prompt", "heading")
        self.text = Editing(self)
        self.text.setAccessibleName("Text of the prompt")
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(80)
        self.split = split_box(self)
        self.tags = QLineEdit(self)
        self.tags.setPlaceholderText("comma, separated")
        self.tags.setMaxLength(1_000_000)
        bind(actions.TAGS, self.tags)
        self.text.textChanged.connect(self._typed)
        self.tags.textChanged.connect(self._typed)
        self.save_button = action_button(actions.SAVE, self.save)
        self.delete_button = bind(actions.DELETE, button(actions.DELETE.title, self.delete))
        self.edited = label("", "muted", wrap=True)
        self.edited.hide()
        self.editing = card(
            column(
                self.edit_title,
                self.text,
                row(label("Use for"), self.split, None),
                row(label("Tags"), self.tags),
                row(self.save_button, self.delete_button, None),
                self.edited,
            )
        )
        return self.editing

    def load(self) -> None:
        """Read the prompts again, and what is searched for among them."""
        project = self.session.project
        total, heldout = prompts.count(project), prompts.count(project, "heldout")
        self.total = total
        self.counts.setText(f"{total - heldout:,} training, {heldout:,} held-out")
        self.all_prompts.setVisible(total > 0)
        self.counted.emit(total)
        self.search_now()

    def search_now(self) -> None:
        """Show what is searched for; the selection stays where it can."""
        self._search_timer.stop()
        kept = set(self.table.selected_ids())
        self.model.load(self.search.text().strip(), self.filter.currentData())
        if kept and len(kept) < 1000:
            self._select(kept)
        searching = bool(self.search.text().strip()) or self.filter.currentData() != "all"
        nothing = "No prompts yet: add some on the right, or import a file."
        self.empty.setText("No prompt matches." if searching else nothing)
        self.middle.setCurrentWidget(self.table if self.model.ids else self.empty)
        self._show_selected()

    def add(self) -> None:
        """Add what was typed or pasted; duplicates are skipped and counted."""
        typed = self.new_text.toPlainText()
        texts = [typed] if self.one_prompt.isChecked() else typed.splitlines()
        texts = [text.strip() for text in texts if text.strip()]
        split = cast(Split, self.new_split.currentData())
        try:
            if not texts:
                raise BadInput("Type or paste at least one prompt first.")
            changes = prompts.add(self.session.project, [Prompt(0, text, (), split, "typed") for text in texts])
        except KnownError as error:
            self._say(self.added, str(error), "error")
            return
        self.new_text.clear()
        self._new.keep()
        known = len(texts) - len(changes.ids)
        self._say(self.added, outcome(len(changes.ids), known), "good" if changes.ids else "muted")
        self._done(changes)

    def choose_file(self) -> None:
        dialog = ImportDialog(self.session, self, what="prompts")
        dialog.imported.connect(self._done)
        dialog.choose()

    def split_all(self) -> None:
        """Choose anew which prompts are held out."""
        share = self.share.value() / 100
        changes = prompts.split_heldout(self.session.project, share)
        self._done(changes)
        self._say(self.tended, f"{prompts.count(self.session.project, 'heldout'):,} prompts are held out now.", "good")

    def find_duplicates(self) -> None:
        dialog = DuplicatesDialog(self.session, self)
        dialog.deleted.connect(self._done)
        dialog.open()

    def save(self) -> None:
        """Store the changed text, use and tags of what is selected."""
        ids = self.table.selected_ids()
        split = cast(Split, self.split.currentData()) or None
        typed = self.tags.text()
        unchanged = not typed.strip() if len(ids) > 1 else typed == self._saved[1]  # what is not meant stays as it is
        tags = None if unchanged else tags_of(typed, self._tags)
        text = None if len(ids) > 1 or self.text.text() == self._saved[0] else self.text.text()
        try:
            with self.session.project.write():
                for prompt_id in ids:
                    changes = prompts.edit(self.session.project, prompt_id, text=text, split=split, tags=tags)
        except KnownError as error:
            self._say(self.edited, str(error), "error")
            return
        if ids:
            self._forget_edit()
            self._done(changes)
            self._say(self.edited, "Saved.", "good")

    def delete(self) -> None:
        """Delete what is selected. With completions it is asked twice; with rankings it is refused."""
        ids = self.table.selected_ids()
        if not ids:
            return
        if ids != self._confirmed and self._answered(ids) and not self._ranked(ids):
            self._confirmed = ids
            self.delete_button.setText("Delete with completions")
            self._say(self.edited, "The completions go too. Press again to delete.", "warning")
            return
        try:
            changes = prompts.delete(self.session.project, ids)
        except KnownError as error:
            self._say(self.edited, str(error), "error")
            return
        self._edit.rest()  # what was typed stays, for when it is undone
        self.table.clearSelection()
        self._done(changes)
        self._say(self.added, f"{counted(len(ids), 'prompt')} deleted.", "muted")

    def _answered(self, ids: tuple[int, ...]) -> bool:
        return any(prompts.is_answered(self.session.project, prompt_id) for prompt_id in ids)

    def _ranked(self, ids: tuple[int, ...]) -> bool:
        return any(prompts.is_ranked(self.session.project, prompt_id) for prompt_id in ids)

    def leave(self) -> None:
        """The project is about to close: keep what is typed."""
        self._search_timer.stop()
        self._new.leave()
        if self._edit.waiting:
            self._keep_edit()

    def recount(self) -> None:
        """Completions or rankings came: only the numbers in the rows differ."""
        self.model.forget()

    def _done(self, changes: Changes) -> None:
        self._shown = ()
        self.load()
        self.session.announce(changes, self)

    def _show_selected(self) -> None:
        """The selected prompt in the panel; with several, only what they can share. What is typed there stays
        as long as the selection does."""
        ids = self.table.selected_ids()
        if ids == self._shown and ids:
            return
        if self._edit.waiting:
            self._keep_edit()
        self._shown = ids
        self._kept, self._tags = None, ()
        self._confirmed = ()
        self.delete_button.setText("Delete" if len(ids) < 2 else f"Delete {len(ids):,}")
        self.edited.hide()
        self.editing.setVisible(bool(ids))
        self.edit_title.setText("Selected prompt" if len(ids) == 1 else f"{len(ids):,} selected prompts")
        self.text.setVisible(len(ids) == 1)
        if self.split.itemData(0) == "":
            self.split.removeItem(0)
        if len(ids) == 1:
            prompt = prompts.get(self.session.project, ids[0])
            self.split.setCurrentIndex(self.split.findData(prompt.split))
            self._put(prompt.text, ", ".join(prompt.tags))
            self._saved, self._tags = (self.text.text(), self.tags.text()), prompt.tags
            self._open_draft(ids[0])
        elif ids:
            self.split.insertItem(0, KEEP, "")
            self.split.setCurrentIndex(0)
            self.tags.clear()
        self.tags.setPlaceholderText("comma, separated" if len(ids) < 2 else KEEP)

    def _put(self, text: str, tags: str) -> None:
        """Fill the fields of the selected prompt, which is no typing."""
        self._loading = True
        self.text.setPlainText(self.text.fitted(text))
        self.tags.setText(tags)
        self._loading = False

    def _typed(self) -> None:
        if not self._loading and len(self._shown) == 1:
            self._edit.touch()

    def _keep_edit(self) -> None:
        """Store what is typed over the selected prompt until it is saved."""
        self._edit.rest()
        typed = (self.text.text(), self.tags.text())
        if self._kept is not None and not self.text.too_long:
            self._kept.keep(
                None if typed == self._saved else {"text": typed[0], "tags": typed[1], "of": self._saved[0]}
            )

    def _open_draft(self, prompt_id: int) -> None:
        self._kept = Typed(self.session.project, EDIT_DRAFT.format(prompt_id))
        draft = None if self.text.too_long else self._kept.read(_is_typed)
        if draft is not None and (draft["text"], draft["tags"]) != self._saved:
            self._put(draft["text"], draft["tags"])
            since = "" if draft.get("of", self._saved[0]) == self._saved[0] else " The prompt was changed since."
            self._say(self.edited, f"What you typed and did not save is here.{since}", "warning")

    def _forget_edit(self) -> None:
        self._edit.rest()
        if self._kept is not None:
            self._kept.keep(None)

    def _select(self, ids: set[int]) -> None:
        selection = self.table.selectionModel()
        flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        for index, prompt_id in enumerate(self.model.ids):
            if prompt_id in ids:
                selection.select(self.model.index(index, 0), flags)

    def _say(self, where: QLabel, sentence: str, role: str) -> None:
        where.setText(sentence)
        where.setVisible(bool(sentence))
        set_role(where, role)
        QTimer.singleShot(0, self, lambda: self.side.ensureWidgetVisible(where, 0, 2 * SPACE))


def _is_typed(draft: object) -> bool:
    return isinstance(draft, dict) and all(isinstance(draft.get(part), str) for part in ("text", "tags"))


def split_box(parent: QWidget) -> QComboBox:
    box = QComboBox(parent)
    box.setToolTip(actions.USE_FOR.tip)
    box.setAccessibleName(actions.USE_FOR.title)
    for name, title in SPLIT_TITLES.items():
        box.addItem(title, name)
    return box


def tags_of(text: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """`a, b,, a` -> (a, b). Those that are `known` may hold commas."""
    whole = [tag for tag in known if "," in tag and tag in text]
    for tag in whole:
        text = text.replace(tag, "", 1)
    return tuple(dict.fromkeys([*whole, *(tag.strip() for tag in text.split(",") if tag.strip())]))


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def outcome(added: int, known: int) -> str:
    """`12 prompts added, 3 were there already.`"""
    if not added:
        return "Nothing added: all were there already." if known != 1 else "Nothing added: it was there already."
    rest = f", {known:,} {'was' if known == 1 else 'were'} there already" if known else ""
    return f"{counted(added, 'prompt')} added{rest}."
