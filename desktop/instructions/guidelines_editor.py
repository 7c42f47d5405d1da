"""The guidelines as four Markdown editors, with a preview and the older versions beside them.

Saving makes a new version. What is typed and not yet saved is kept as a draft in the project, so that neither
closing the window nor a crash loses more than the last second.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QTextCursor
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QScrollArea, QSizePolicy, QWidget

from core.errors import KnownError
from core.records import Guidelines
from core.store import Project, assignments, guidelines
from core.store.begun import BEGUN, Change
from core.store.typed import Typed
from desktop.instructions import actions, rank_again
from desktop.instructions.checklist import Checklist
from desktop.instructions.taken_back import TakenBack
from desktop.instructions.writing_over import ask_over_guidelines
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.bound import action_button, add_shortcuts, bind
from desktop.widgets.dates import local_time
from desktop.widgets.drafts import Throttle, typing_goes_on
from desktop.widgets.markdown_view import MarkdownView
from desktop.widgets.strangers import Editing, clipped
from desktop.widgets.unwritten import BESIDE

DRAFT = "guidelines_draft"
PREVIEW_MILLISECONDS = 200
HINTS = {
    "criteria": "What makes one completion better than another, the most important first.",
    "ties": "When two completions may share a rank.",
    "flags": "Labels that stand instead of an order, one a line: - name: meaning",
    "examples": "A prompt with two or three completions, the order you would give them, and why.",
}
TITLES = {"criteria": "Criteria", "ties": "What to do on a tie", "flags": "Flags", "examples": "Worked examples"}
HEIGHTS = {"criteria": 200, "ties": 96, "flags": 124, "examples": 200}

#: Letters of a labeler's name.
LONGEST = 40


class GuidelinesEditor(QWidget):
    """`note` under the buttons says how the text stands: saved, changed, restored."""

    saved = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.current = guidelines.EMPTY
        self._begun = guidelines.begun_over(self.current)
        """What is in each editor was begun over this."""
        self._came = False
        """Were sections taken over that another window saved while others were typed in here?"""
        self._before: list[tuple[Typed | None, Change]] = []
        """What other texts took the place of, the last of them last; what was typed has a place of its own on disk."""
        self._loading = False
        self._from_last_time = False
        self._draft = Throttle(self, self._write_draft)
        self._draft.tried.connect(lambda: self._show_state())
        self._kept = Typed(session.project, DRAFT)
        self._typed_in = False
        self.taken_back = TakenBack(session, _is_there, self)
        self.taken_back.gone.connect(self._unsave)
        self.taken_back.back.connect(self._saved_again)
        self._preview_timer = QTimer(self, singleShot=True, interval=PREVIEW_MILLISECONDS)
        self._preview_timer.timeout.connect(self._show_preview)
        self.editors = {part: self._editor(part) for part in guidelines.SECTIONS}
        left = column(self._bar(), self._sections(), spacing=SPACE + 4)
        layout = row(left, self._reading(), spacing=3 * SPACE)
        layout.setStretch(0, 3)
        layout.setStretch(1, 2)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self.load()
        self._open_draft()

    def _editor(self, part: str) -> Editing:
        editor = Editing(self)
        editor.setMinimumHeight(HEIGHTS[part])
        editor.setTabChangesFocus(True)
        editor.setPlaceholderText(HINTS[part])
        editor.setAccessibleName(TITLES[part])
        editor.textChanged.connect(self._typed)
        return editor

    def _bar(self) -> QWidget:
        self.templates = bind(actions.USE_TEMPLATE, QPushButton(self))
        menu = QMenu(self.templates)
        for name in guidelines.templates():
            menu.addAction(template_title(name)).triggered.connect(lambda _=False, name=name: self.use_template(name))
        self.templates.setMenu(menu)
        self.note = label("", "muted", wrap=True)
        self.discard = action_button(actions.DISCARD, self.discard_changes)
        self.put_back = action_button(actions.PUT_BACK, self._put_back)
        self.put_back.hide()
        save = actions.SAVE_VERSION
        self.save_button = bind(save, button(save.title, self.save, role="primary"))
        add_shortcuts(save, self, self.save)
        self.older = action_button(actions.RANK_AGAIN, self.ask_again)
        bar = QWidget(self)
        line = row(self.templates, None, self.put_back, self.discard, self.save_button, spacing=12)
        below = row(self.note, self.older)
        below.setStretch(0, 1)
        bar.setLayout(column(line, below))
        bar.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        return bar

    def _sections(self) -> QScrollArea:
        page = QWidget()
        layout = column(spacing=SPACE)
        for part, editor in self.editors.items():
            heading = label(TITLES[part], "heading")
            heading.setBuddy(editor)
            layout.addWidget(heading)
            layout.addWidget(label(HINTS[part], "muted", wrap=True))
            layout.addWidget(editor, HEIGHTS[part])
            if part == "flags":
                self.flag_names = label("", "small", wrap=True)
                layout.addWidget(self.flag_names)
            layout.addSpacing(SPACE)
        layout.setContentsMargins(0, 0, SPACE, 0)
        page.setLayout(layout)
        self.sections = scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        return scroll

    def _reading(self) -> QWidget:
        self.versions = QComboBox(self)
        bind(actions.VERSION, self.versions)
        self.versions.currentIndexChanged.connect(lambda: self._show_preview())
        self.restore = action_button(actions.RESTORE, self.restore_version)
        self.preview = MarkdownView(self)
        self.preview.setAccessibleName("Preview")
        top = row(self.versions, self.restore)
        top.setStretch(0, 1)
        self.checklist = Checklist(self)
        self.checklist.chosen.connect(self._go_to)
        side = QWidget(self)
        reading = column(top, self.preview, self.checklist, spacing=SPACE + 4)
        reading.setStretch(1, 1)
        side.setLayout(reading)
        return side

    @property
    def parts(self) -> dict[str, str]:
        """What the editors hold."""
        return {part: editor.text() for part, editor in self.editors.items()}

    @property
    def change(self) -> Change:
        """The same, with what it was begun over."""
        return Change(self.parts, self._begun)

    @property
    def _saved(self) -> dict[str, str]:
        return guidelines.parts(self.current)

    @property
    def unsaved(self) -> bool:
        return bool(self.change.own(self._saved))

    def load(self) -> None:
        """Read the versions again. Unsaved changes stay in the editors; where nobody typed, they are as was saved."""
        newest = guidelines.current(self.session.project)
        if newest != self.current:
            self._came = self.unsaved and newest.id > self.current.id
            self.current = newest
            self._show(self.change.over(self._saved))
        self._list_versions()
        self._show_state()
        self.show_older()

    def save(self) -> None:
        """Make a new version of what the editors hold."""
        self._save(self._begun)

    def _save(self, begun: Mapping[str, str]) -> None:
        """Where another window changed what it was `begun` over, somebody is asked before that is written over."""
        if not any(text.strip() for text in self.parts.values()):
            self._say("There is nothing to save yet: write at least the criteria.", "error")
            return
        try:
            changes = guidelines.save_change(self.session.project, Change(self.parts, begun))
        except guidelines.ChangedSince as error:
            now = guidelines.begun_over(error.now)
            self.load()
            ask_over_guidelines(self, error, lambda: self._save(now))
            return
        except KnownError as error:
            self._say(str(error), "error")
            return
        self.session.announce(changes, self)
        self._draft.rest()
        self._kept.keep(None)
        for kept, _ in self._before:
            if kept is not None:
                kept.keep(None)
        self._before = []
        self._typed_in = False
        self.put_back.hide()
        self.current = guidelines.current(self.session.project)
        self.taken_back.note(changes, Change(self._saved, begun))
        self._came = False
        self._show(self.change.over(self._saved))
        self._list_versions()
        self._show_state()
        self.show_older()
        self.saved.emit()

    def _unsave(self, undone: Change) -> None:
        """Saving it was undone: it is in the editors and not saved, or can be put back where others are typed there."""
        self._begun = dict(self.change.without(undone, self._saved).begun)
        self.load()
        if self.unsaved:
            kept = Typed(self.session.project, DRAFT)
            with typing_goes_on():
                kept.keep(undone.kept(self._saved))
            self._before.append((kept, undone))
            self.put_back.show()
            self._say("What you saved before this is undone, and can be put back.", "muted")
            return
        self._show(undone.over(self._saved))
        self._from_last_time, self._typed_in = False, True
        self.keep_draft()

    def _saved_again(self, redone: Change) -> None:
        self._begun = dict(self.change.with_again(redone, self._saved).begun)
        self.load()
        self._came = False
        with typing_goes_on():
            for kept, before in self._before:
                if kept is not None and before.typed == redone.typed:
                    kept.keep(None)
        self._before = [each for each in self._before if each[1].typed != redone.typed]
        self.put_back.setVisible(bool(self._before))
        self.keep_draft()

    def discard_changes(self) -> None:
        """Back to the newest version; what was there can be put back."""
        self._replace(self._saved, "The changes are discarded.", meant_to_go=True)

    def use_template(self, name: str) -> None:
        text = guidelines.templates()[name].read_text(encoding="utf-8")
        self._replace(guidelines.from_markdown(text), f"“{template_title(name)}” is in the editors: save it to use it.")
        if not self.unsaved:
            self._show_state()  # it is what was saved last

    def restore_version(self) -> None:
        """Put the chosen version into the editors; saving makes it the newest one."""
        chosen = self._chosen()
        if chosen is not None:
            self._replace(
                guidelines.parts(chosen), f"Version {chosen.id} is in the editors: save it to make it the newest."
            )

    def keep_draft(self) -> None:
        """Store unsaved changes in the project; called soon after something was typed and before closing."""
        self._draft.now()

    def _write_draft(self) -> None:
        self._kept.keep(self.change.kept(self._saved))

    def leave(self) -> None:
        """The project is about to close: keep what is typed, and let no timer ask for it later."""
        if not self._from_last_time:  # else nobody typed in here
            self.keep_draft()
        with typing_goes_on():
            for kept, _ in self._before:
                if kept is not None:
                    kept.keep_again()
        self._draft.end()
        self._preview_timer.stop()

    def hideEvent(self, event: QHideEvent) -> None:
        self._draft.flush()
        super().hideEvent(event)

    def _open_draft(self) -> None:
        draft = self._kept.read(_is_draft)
        if draft is not None:
            self._show(Change.read(draft, self._saved))
            self._from_last_time = self._typed_in = self.unsaved
            self._show_state()

    def _typed(self) -> None:
        if not self._loading:
            self._from_last_time, self._typed_in = False, True
            self._draft.touch()
            self._show_state()
        self._preview_timer.start()

    def _replace(self, parts: dict[str, str], sentence: str, *, meant_to_go: bool = False) -> None:
        """Put other texts into the editors; what somebody typed there is a click (or Ctrl+Z in the editor) away. Where
        it was not meant to go, it is kept until something is saved: the window may close first."""
        before, typed = self.change, self._typed_in
        self._from_last_time = self._came = False
        kept = None if meant_to_go else self._put_aside()
        self._show(Change(parts, guidelines.begun_over(self.current)))
        self.versions.setCurrentIndex(0)
        self.keep_draft()
        if before.typed != self.parts:
            if any(text.strip() for text in before.typed.values()) and (typed or meant_to_go or not self._before):
                self._before.append((kept, before))
            self._typed_in = False
            self.put_back.setVisible(bool(self._before))
        self._say(sentence, "muted")

    def _put_aside(self) -> Typed | None:
        """Keep what is typed in a place of its own. What cannot be kept is not replaced: it raises why."""
        if not (self._typed_in and self.unsaved):
            return None
        kept = Typed(self.session.project, DRAFT)
        kept.keep(self.change.kept(self._saved))
        return kept

    def _put_back(self) -> None:
        """What was replaced last, in the place of what is there, which is put back after all the others."""
        now, aside = self.change, self._put_aside()
        kept, change = self._before.pop()
        if aside is not None:
            self._before.insert(0, (aside, now))
        self._show(change.over(self._saved))
        self.put_back.setVisible(bool(self._before))
        self._typed_in = True
        self.keep_draft()
        if kept is not None and not self._draft.failed:
            with typing_goes_on():
                kept.keep(None)

    def _show(self, change: Change) -> None:
        """As an edit and not with setPlainText, so that each editor's own undo still reaches back."""
        self._begun = dict(change.begun)
        self._loading = True
        for part, editor in self.editors.items():
            if editor.text() != change.typed[part]:
                cursor = QTextCursor(editor.document())
                cursor.select(QTextCursor.SelectionType.Document)
                cursor.insertText(editor.fitted(change.typed[part]))
                editor.moveCursor(QTextCursor.MoveOperation.Start)
        self._loading = False
        self._show_preview()

    def _chosen(self) -> Guidelines | None:
        version = self.versions.currentData()
        return guidelines.version(self.session.project, version) if version else None

    def _list_versions(self) -> None:
        chosen = self.versions.currentData()
        self.versions.blockSignals(True)
        self.versions.clear()
        self.versions.addItem("Preview of the editors", 0)
        for found in guidelines.versions(self.session.project):
            newest = ", newest" if found.id == self.current.id else ""
            self.versions.addItem(f"Version {found.id}, {local_time(found.created_at)}{newest}", found.id)
        self.versions.setCurrentIndex(max(0, self.versions.findData(chosen)))
        self.versions.blockSignals(False)
        self._show_preview()

    def _show_preview(self) -> None:
        chosen = self._chosen()
        shown = chosen or Guidelines(0, **self.parts)
        self.restore.setVisible(chosen is not None)
        written = any(text.strip() for text in (shown.criteria, shown.ties, shown.flags, shown.examples))
        text = guidelines.to_markdown(shown).removeprefix("# Guidelines")
        self.preview.show_markdown(text if written else "*What labelers read appears here while you write.*")
        draft = clipped(Guidelines(0, **self.parts))
        names = guidelines.flags(draft)
        self.checklist.show_draft(draft)
        self.flag_names.setText(f"Labelers can set: {', '.join(names)}" if names else "No flag is defined yet.")

    def _go_to(self, part: str) -> None:
        self.editors[part].setFocus()
        self.sections.ensureWidgetVisible(self.editors[part], 0, 6 * SPACE)

    def show_older(self) -> None:
        """Rankings made under an older version can be asked for again."""
        count = len(assignments.older(self.session.project))
        noun = "ranking was" if count == 1 else "rankings were"
        self.older.setText(f"{count:,} {noun} made under an older version: rank again …")
        self.older.setVisible(count > 0)

    def ask_again(self) -> None:
        """Say whose rankings those are and what was changed since; then queue them."""
        rank_again.ask(self, self.session.project, self.queue_older_again)

    def queue_older_again(self) -> None:
        """Put what was ranked under older versions back into the labelers' queues."""
        project = self.session.project
        changes = assignments.queue_again(project, assignments.older(project))
        self.show_older()
        self._say("They are back in their labelers' queues; the earlier rankings count until then.", "good")
        self.session.announce(changes, self)

    def _show_state(self) -> None:
        changed = self.unsaved
        self.save_button.setEnabled(changed)
        self.discard.setVisible(changed and bool(self.current.id))
        if changed and self._from_last_time:
            self._say(f"Your unsaved changes from last time are here.{self._elsewhere}", "warning")
        elif changed:
            self._say_unsaved()
        elif self.current.id:
            self._say(f"Saved as version {self.current.id}, {local_time(self.current.created_at)}", "muted")
        else:
            self._say("Nothing is written yet. A template is a good beginning.", "muted")

    def _say_unsaved(self) -> None:
        if self._draft.failed:
            self._say("Unsaved, and no draft of it can be written: keep a copy of what you typed.", "error")
        elif self._elsewhere:
            self._say(f"Unsaved.{self._elsewhere}", "warning")
        elif self._draft.waiting:
            self._say("Unsaved …", "muted")
        elif self._kept.beside:
            self._say(f"Unsaved, kept as a draft. {BESIDE}", "warning")
        else:
            self._say("Unsaved, kept as a draft", "muted")

    @property
    def _elsewhere(self) -> str:
        """What was saved in another window since, as a sentence."""
        if foreign := self.change.foreign(self._saved):
            names = " and ".join(guidelines.SECTIONS[part] for part in foreign)
            return f" Version {self.current.id}, saved elsewhere, changed {names}, too: you are asked before it goes."
        return f" What you did not type in is as version {self.current.id} has it, saved elsewhere." * self._came

    def _say(self, sentence: str, role: str) -> None:
        self.note.setText(sentence)
        set_role(self.note, role)


def _is_there(project: Project, number: int, saved: Change) -> bool:
    """The number of the newest version is given again once that is undone."""
    return any(each.id == number and not saved.own(guidelines.parts(each)) for each in guidelines.versions(project))


def _is_draft(found: object) -> bool:
    """Sections that were typed in; drafts of earlier versions have all of them, and not what they were begun over."""
    return isinstance(found, dict) and {BEGUN} < {BEGUN, *found} <= {BEGUN, *guidelines.SECTIONS}


def template_title(name: str) -> str:
    """`helpful-honest-harmless` -> `Helpful honest harmless`."""
    return name.replace("-", " ").capitalize()
