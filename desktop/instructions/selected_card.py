"""The selected prompts: text, use and tags to change, a conversation to read and to open, and what deletes them."""

from typing import Any, cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from core.conversation import Conversation
from core.errors import KnownError
from core.records import Prompt, Split
from core.store import prompts
from core.store.begun import BEGUN, begun_over
from core.store.prompts import Along, ChangedSince
from core.store.typed import Typed
from core.texts import Limits
from desktop.actions import WHAT_IT_READS
from desktop.conversation.bubbles import ConversationView
from desktop.conversation.reading import show_reading
from desktop.instructions import actions
from desktop.instructions.deleting import NOTHING, together, warning
from desktop.instructions.splits import counted, split_box, tags_of
from desktop.instructions.writing_over import ask_over
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import MOST_LETTERS, Throttle, typing_goes_on
from desktop.widgets.growing import keep_height
from desktop.widgets.strangers import EDITED, KEPT, Editing
from desktop.widgets.unwritten import HELD, Held, NotWritten

KEEP = "(as it is)"
GONE = "This prompt was deleted in another window."
#: The project's setting for what is typed over a prompt, by its number, and not saved.
EDIT_DRAFT = "draft/prompt/{}"
#: The same of what is typed and chosen for several, whichever: it stays in the fields while others are selected.
SEVERAL_DRAFT = "draft/several-prompts"
#: What of a prompt is typed over.
FIELDS = ("text", "tags")
#: Pixels that the turns of a conversation may take.
HIGHEST = 220


class SelectedCard(QFrame):
    """`changed` tells that what was typed is saved; `deleted` carries a sentence; `writing` the prompt whose turns are
    to be changed, what they are now, and what that was begun over; `spoke` the label that says something."""

    changed = Signal()
    deleted = Signal(str)
    writing = Signal(object, object, object)
    spoke = Signal(object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.session = session
        self._edit = Throttle(self, self._write)
        self._edit.beside = lambda: self._kept is not None and self._kept.beside
        self._kept: Typed | None = None
        self._held = Held(self)
        """What could not be written of prompts that were selected before."""
        self._saved, self._use = ("", ""), ""
        """Text and tags, and what it is for, as they were put in or saved last."""
        self._loading = False
        self._ids: tuple[int, ...] = ()
        self._confirmed: tuple[tuple[int, ...], Along] | None = None
        self._prompt: Prompt | None = None
        """The only one that is selected, as it is stored."""
        self._begun: dict[str, str] = {}
        """What is typed was begun over this (`prompts.begun_over`): a draft may be older than what is stored by now."""
        self.title = label("Selected prompt", "heading")
        self.text = Editing(self)
        self.text.setAccessibleName("Text of the prompt")
        self.text.setTabChangesFocus(True)
        keep_height(self.text, 80)
        self.turns = ConversationView(self)
        self.turns.set_highest(HIGHEST)
        self.split = split_box(self)
        self.tags = QLineEdit(self)
        self.tags.setPlaceholderText("comma, separated")
        self.tags.setMaxLength(MOST_LETTERS)
        bind(actions.TAGS, self.tags)
        self.text.textChanged.connect(self._typed)
        self.tags.textChanged.connect(self._typed)
        self.split.activated.connect(self._chosen)
        self.save_button = action_button(actions.SAVE, self.save)
        self.delete_button = bind(actions.DELETE, button(actions.DELETE.title, self.delete))
        self.write_button = bind(actions.CHANGE_TURNS, button("", self.write, role="link"))
        self.reading_button = button(WHAT_IT_READS.label, self.show_reading, role="link", tip=WHAT_IT_READS.hint)
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        inside = column(
            self.title,
            self.text,
            self.turns,
            row(self.write_button, None),
            row(label("Use for"), self.split, None),
            row(label("Tags"), self.tags),
            row(self.save_button, self.delete_button, None),
            row(self.reading_button, None),
            NotWritten(self._edit),
            NotWritten(self._held.throttle, sentence=HELD),
            self.said,
        )
        inside.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(inside)

    def show_ids(self, ids: tuple[int, ...]) -> None:
        """The selected prompt; with several, only what they can share. What is typed there stays as long as the
        selection does."""
        if ids == self._ids and ids:
            self._read_again()
            return
        self._put_aside()
        found = prompts.some(self.session.project, ids) if len(ids) == 1 else []
        if len(ids) == 1 and not found:
            ids = ()
            QTimer.singleShot(0, self, lambda: self.deleted.emit(GONE))  # once the table has selected it
        self._ids = ids
        self._confirmed = None
        self._kept = None
        self._prompt = found[0] if found else None
        self.delete_button.setText("Delete" if len(ids) < 2 else f"Delete {len(ids):,}")
        self.said.hide()
        self.setVisible(bool(ids))
        self._show_parts()
        if self.split.itemData(0) == "":
            self.split.removeItem(0)
        if self._prompt is not None:
            self.split.setCurrentIndex(self.split.findData(self._prompt.split))
            self._put(self._prompt.text, ", ".join(self._prompt.tags))
            self._saved = (self.text.text(), self.tags.text())
            self._use = self._prompt.split
            self._begun = prompts.begun_over(self._prompt)
            self._open_draft(self._prompt.id)
        elif ids:
            self.split.insertItem(0, KEEP, "")
            self.split.setCurrentIndex(0)
            self._put("", "")
            self._saved, self._use = ("", ""), ""
            self._open_draft_for_several()
        self.tags.setPlaceholderText("comma, separated" if len(ids) < 2 else KEEP)
        self._edit.tried.emit()

    def _read_again(self) -> None:
        """The only selected prompt may be another by now, by an undo or another program: what is typed stays."""
        was = self._prompt
        if was is None or self._edit.waiting or not self._unchanged:
            return
        if prompts.some(self.session.project, [was.id]) not in ([was], []):
            self.show_anew(self._ids)

    def show_anew(self, ids: tuple[int, ...]) -> None:
        """They may be others in the project by now; what was typed and chosen over them and not saved stays."""
        use, tags = self.split.currentData(), self.tags.text()
        touched = (use != self._use, len(ids) > 1 and tags != self._saved[1]) if ids == self._ids else (False, False)
        self._ids = ()
        self.show_ids(ids)
        if touched[0]:
            self.split.setCurrentIndex(self.split.findData(use))
        if touched[1]:
            self.tags.setText(tags)

    def _show_parts(self) -> None:
        one, talk = self._prompt is not None, self._talks
        self.title.setText("Selected prompt" if len(self._ids) == 1 else f"{len(self._ids):,} selected prompts")
        self.text.setVisible(one and not talk)
        self.turns.setVisible(talk)
        self.turns.show_conversation(self._prompt.turns if self._prompt is not None else None)
        self.write_button.setText(actions.CHANGE_TURNS.title if talk else actions.MAKE_TALK.title)
        self.write_button.setVisible(one)
        self.reading_button.setVisible(one)

    @property
    def _talks(self) -> bool:
        """Has the only selected prompt several turns?"""
        return self._prompt is not None and self._prompt.turns is not None

    def conversation(self) -> Conversation | None:
        """The only selected prompt, as it is typed over."""
        if self._prompt is None:
            return None
        typed = self.text.text()
        return (
            Conversation.of_text(typed) if self._prompt.turns is None and typed.strip() else self._prompt.conversation
        )

    def write(self) -> None:
        """Ask for its turns to be changed, one by one."""
        if self._prompt is not None:
            self.writing.emit(self._prompt, self.conversation(), self._begun)

    def show_reading(self) -> None:
        """Show what the model reads of it."""
        if (found := self.conversation()) is not None:
            show_reading(self.session, found, self)

    def save(self) -> None:
        """Store the changed text, use and tags of what is selected."""
        self._save(self._begun if self._prompt is not None else None)

    def _save(self, begun: dict[str, str] | None) -> None:
        """Where another window changed what it was `begun` over, somebody is asked before that is written over."""
        use = self.split.currentData()
        split = cast(Split, use) if use and use != self._use else None
        typed = self.tags.text()
        unchanged = not typed.strip() if len(self._ids) > 1 else typed == self._saved[1]  # what is not meant stays
        tags = None if unchanged else tags_of(typed, self._prompt.tags if self._prompt is not None else ())
        changed = self._prompt is not None and not self._talks and self.text.text() != self._saved[0]
        text = self.text.text() if changed else None
        changes = None
        try:
            with self.session.project.write():
                for prompt_id in self._ids:
                    changes = prompts.edit(
                        self.session.project, prompt_id, begun=begun, text=text, split=split, tags=tags
                    )
        except ChangedSince as error:
            now = error.now
            ask_over(self, now, lambda: self._save(prompts.begun_over(now)))
            return
        except KnownError as error:
            self.say(str(error), "error")
            return
        if changes is not None:
            self.session.announce(changes, self)
            self.forget(self._ids)
            self.changed.emit()
            self.say("Saved.", "good")

    def delete(self) -> None:
        """Delete what is selected. Where something goes with it, it is asked twice; with rankings it is refused."""
        ids, project = self._ids, self.session.project
        if not ids:
            return
        self._edit.flush()  # it is there again once this is undone
        along = together(prompts.along(project, ids).values())
        asked = along == NOTHING or (ids, along) == self._confirmed
        if not asked and not any(prompts.is_ranked(project, each) for each in ids):
            self._confirmed = ids, along
            self.delete_button.setText("Delete with completions" if along.answers else "Delete all the same")
            self.say(warning(along), "warning")
            return
        try:
            changes = prompts.delete(project, ids)
        except KnownError as error:
            self.say(str(error), "error")
            return
        self.session.announce(changes, self)
        self.deleted.emit(f"{counted(len(ids), 'prompt')} deleted.")

    def _put(self, text: str, tags: str, limits: Limits = EDITED) -> None:
        """Fill the fields of the selected prompt, which is no typing."""
        self._loading = True
        self.text.setPlainText(self.text.fitted(text, limits))
        self.tags.setText(tags)
        self._loading = False

    def _typed(self) -> None:
        if not self._loading and self._ids:
            self._edit.touch()

    def _chosen(self) -> None:
        if len(self._ids) > 1:
            self._edit.touch()

    def keep(self) -> None:
        """Store what is typed over the selected prompt until it is saved."""
        self._edit.now()

    def _write(self) -> None:
        if self._kept is not None and not self.text.too_long:
            self._kept.keep(None if self._unchanged else self._draft)

    @property
    def _unchanged(self) -> bool:
        chosen = self._prompt is None and self.split.currentData() != self._use
        return (self.text.text(), self.tags.text()) == self._saved and not chosen

    @property
    def _draft(self) -> dict[str, Any]:
        """What somebody typed in, and nothing else: the rest may be saved elsewhere before this is."""
        if self._prompt is None:
            return {"tags": self.tags.text(), "use": self.split.currentData()}
        fields = zip(FIELDS, (self.text.text(), self.tags.text()), self._saved, strict=True)
        typed = {part: text for part, text, saved in fields if text != saved}
        return {**typed, BEGUN: {part: self._begun[part] for part in typed}}

    def _put_aside(self) -> None:
        """Another prompt is selected now: what cannot be written of this one is held until it can."""
        self._edit.flush()
        if self._edit.failed and self._kept is not None:
            kept, draft = self._kept, self._draft
            place = self._prompt.id if self._prompt is not None else SEVERAL_DRAFT
            self._held.hold(place, (kept, draft), lambda: kept.keep(draft))
        self._edit.rest()
        self._keep_again()

    def _keep_again(self) -> None:
        """It is not shown any more from now on: unless another window saved it, it is there."""
        if self._kept is None or self._prompt is None or self._unchanged:
            return
        with typing_goes_on():
            now = prompts.some(self.session.project, [self._prompt.id])
            if now and (now[0].text, ", ".join(now[0].tags)) != (self.text.text(), self.tags.text()):
                self._kept.keep_again()

    def leave(self) -> None:
        """The project is about to close: keep what is typed."""
        self._edit.end()
        self._keep_again()
        self._held.throttle.end()

    def _open_draft(self, prompt_id: int) -> None:
        fresh = Typed(self.session.project, EDIT_DRAFT.format(prompt_id)), None
        self._kept, draft = self._held.take(prompt_id) or fresh
        if draft is not None:
            self._edit.touch()
        elif not self.text.too_long:
            draft = self._kept.read(_is_typed)
        if draft is None:
            return
        text, tags = (draft.get(part, saved) for part, saved in zip(FIELDS, self._saved, strict=True))
        typed = (self._saved[0] if self._talks else text, tags)
        if typed == self._saved:
            return
        self._put(*typed, KEPT)
        begun = begun_over(draft, self._begun)
        older = draft.get("of", self._saved[0]) != self._saved[0]  # which earlier versions kept
        since = " The prompt was changed since." if older or begun != self._begun else ""
        self._begun = begun
        self.say(f"What you typed and did not save is here.{since}", "warning")

    def _open_draft_for_several(self) -> None:
        fresh = Typed(self.session.project, SEVERAL_DRAFT), None
        self._kept, draft = self._held.take(SEVERAL_DRAFT) or fresh
        if draft is not None:
            self._edit.touch()
        else:
            draft = self._kept.read(_is_for_several)
        if draft is None:
            return
        self._put("", draft["tags"])
        self.split.setCurrentIndex(max(self.split.findData(draft["use"]), 0))
        self.say("What you typed or chose for several prompts and did not save is here.", "warning")

    def forget(self, ids: tuple[int, ...]) -> None:
        """What was typed and chosen over these is saved."""
        if set(ids) & set(self._ids):
            self._edit.rest()
            self._saved, self._use = (self._saved[0], self.tags.text()), self.split.currentData()
            if self._kept is not None:
                self._kept.keep(None)
                self._edit.tried.emit()

    def text_saved(self, prompt_id: int) -> None:
        """What was typed over its text is saved, as turns; its tags may not be."""
        if self._ids == (prompt_id,):
            prompt = prompts.get(self.session.project, prompt_id)
            self._put(prompt.text, self.tags.text())
            self._saved = (self.text.text(), self._saved[1])
            self._begun["text"] = prompts.begun_over(prompt)["text"]
            self.keep()

    def say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        set_role(self.said, role)
        self.spoke.emit(self.said)


def _is_for_several(draft: object) -> bool:
    return isinstance(draft, dict) and all(isinstance(draft.get(part), str) for part in ("tags", "use"))


def _is_typed(draft: object) -> bool:
    typed = [draft[part] for part in FIELDS if part in draft] if isinstance(draft, dict) else []
    return bool(typed) and all(isinstance(text, str) for text in typed)
