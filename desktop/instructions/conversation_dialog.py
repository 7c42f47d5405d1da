"""A conversation as a prompt: written turn by turn, or changed. What is typed is kept until it is saved."""

from collections.abc import Mapping
from functools import partial
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from core.conversation import Conversation
from core.errors import BadInput, KnownError
from core.records import Prompt, Split
from core.store import Changes, prompts
from core.store.prompts import ChangedSince
from desktop.actions import WHAT_IT_READS
from desktop.conversation.editor import TOO_MUCH, ConversationEditor, fits
from desktop.conversation.reading import show_reading
from desktop.instructions import actions
from desktop.instructions.conversation_draft import ConversationDraft, Found
from desktop.instructions.splits import split_box
from desktop.instructions.writing_over import ask_over
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.bound import action_button, add_shortcuts, bind
from desktop.widgets.drafts import Throttle, typing_goes_on
from desktop.widgets.unwritten import NotWritten, ask_to_lose

NOT_KEPT = "It is longer than what is kept while it is typed: save it, or put it into a file, before you close this."
EMPTY = Conversation(())


class ConversationDialog(QDialog):
    """`saved` tells that it is a prompt now, `added` how a new one was made, and the conversation. It begins with a
    draft where there is one, then what was pasted, or typed over the prompt, which was `begun` over that."""

    saved = Signal()
    added = Signal(object, object)

    def __init__(
        self,
        session: Session,
        parent: QWidget,
        *,
        prompt: Prompt | None = None,
        begin: Conversation | None = None,
        begun: Mapping[str, str] | None = None,
        split: Split = "train",
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Change a conversation" if prompt is not None else "A conversation as a prompt")
        self.resize(760, 640)
        self.session, self.prompt = session, prompt
        self._new: Conversation | None = None
        """What was added as a prompt of its own."""
        stored = prompt.conversation if prompt is not None else EMPTY
        self._over = prompts.begun_over(prompt) if prompt is not None else {}
        number = prompt.id if prompt is not None else 0
        self._draft = ConversationDraft(session.project, number, stored, begun or self._over)
        self.editor = ConversationEditor(self)
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        self.split = split_box(self)
        self.split.setCurrentIndex(self.split.findData(split))
        self._throttle = Throttle(self, self._write)
        self._throttle.beside = lambda: self._draft.beside
        self._build()
        self._begin(begin)
        self.editor.changed.connect(self._typed)
        self.editor.noted.connect(partial(self._say, role="warning"))
        self.editor.turns[0].text.setFocus()

    def _build(self) -> None:
        about = label(
            "Turns by who speaks, the user's last: what comes after it is the answer that is generated and ranked.",
            "muted",
            wrap=True,
        )
        new = self.prompt is None
        self.save_button = action_button(actions.ADD_TALK if new else actions.SAVE_TALK, self.save, default=False)
        self.as_new_button = bind(actions.AS_NEW, button("", self.add_as_new, default=False))
        self.as_new_button.hide()
        self.discard_button = bind(actions.DISCARD_TALK, button("", self.ask_discard, role="link", default=False))
        reads = button(WHAT_IT_READS.label, self.show_reading, role="link", tip=WHAT_IT_READS.hint, default=False)
        add_shortcuts(WHAT_IT_READS, self, self.show_reading)
        close = button("Close", self.reject, tip="What you typed is kept", default=False)
        foot = row(reads, self.discard_button, None, self.as_new_button, close, self.save_button, spacing=SPACE + 4)
        use = QWidget(self)
        use.setLayout(row(label("Use for"), self.split, None))
        use.setVisible(new)
        layout = column(about, self.editor, use, self.said, NotWritten(self._throttle), foot, spacing=SPACE + 4)
        layout.setStretch(1, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def _begin(self, begin: Conversation | None) -> None:
        shown, found = self._draft.open(begin)
        self.editor.show_conversation(shown)
        moved = self._draft.begun.get("text") != self._over.get("text")
        since = " The prompt was changed since." if moved else ""
        self._say(f"{found.value}{since}".strip(), "warning")
        pasted = begin is not None and self.prompt is None
        if pasted:
            self._throttle.touch()  # it is as good as typed
        self.discard_button.setVisible(pasted or found is not Found.NOTHING)

    def _typed(self) -> None:
        self._throttle.touch()
        self.discard_button.show()

    def keep(self) -> None:
        """Write what is typed."""
        self._throttle.now()

    def _write(self) -> None:
        if not self._draft.keep(self.editor.conversation()):
            self._say(NOT_KEPT, "warning")

    def leave(self) -> None:
        """The project is about to close, or the dialog."""
        self._throttle.end()
        with typing_goes_on():
            self._draft.keep_again()

    def done(self, result: int) -> None:
        if ask_to_lose(self, partial(super().done, result)):
            return
        self.leave()
        super().done(result)

    def save(self) -> None:
        """Make it the prompt, or a new one."""
        self._save(self._draft.begun)

    def _save(self, begun: Mapping[str, str]) -> None:
        """Where another window changed what it was `begun` over, somebody is asked before that is written over."""
        conversation = self.editor.checked()
        if conversation is None:
            self._say("", "muted")
            return
        try:
            if self.prompt is None:
                changes = self._added(conversation, (), cast(Split, self.split.currentData()))
            else:
                changes = prompts.edit(self.session.project, self.prompt.id, begun=begun, conversation=conversation)
        except ChangedSince as error:
            now = error.now
            ask_over(self, now, lambda: self._save(prompts.begun_over(now)))
            return
        except KnownError as error:
            self._say(str(error), "error")
            answered = self.prompt is not None and prompts.is_answered(self.session.project, self.prompt.id)
            self.as_new_button.setVisible(answered)
            return
        self._end(changes)

    def add_as_new(self) -> None:
        """The changed conversation beside the prompt, which has completions and stays as it is."""
        conversation = self.editor.checked()
        if conversation is None or self.prompt is None:
            return
        try:
            changes = self._added(conversation, self.prompt.tags, self.prompt.split)
        except KnownError as error:
            self._say(str(error), "error")
            return
        self._end(changes)

    def _added(self, conversation: Conversation, tags: tuple[str, ...], split: Split) -> Changes:
        new = Prompt.of(conversation, tags=tags, split=split, source="typed")
        changes = prompts.add(self.session.project, [new])
        if not changes.ids:
            raise BadInput("This conversation is among the prompts already.")
        self._new = conversation
        return changes

    def _end(self, changes: Changes) -> None:
        """Before the draft goes: what is undone is what was written last."""
        self._throttle.rest()
        self.session.announce(changes, self)
        if self._new is not None:
            self.added.emit(changes, self._new)
        self._draft.forget()
        self.saved.emit()
        self.accept()

    def ask_discard(self) -> None:
        message_boxes.ask(
            self, "Discard what you typed here?", "The prompt stays as it is saved.", "Discard", self.discard
        )

    def discard(self) -> None:
        """What is saved, again."""
        self._throttle.rest()
        self._draft.forget()
        self._draft.begun = self._over
        self.editor.show_conversation(self._draft.stored)
        self.discard_button.hide()
        self._say("", "muted")

    def show_reading(self) -> None:
        """What the model reads of it as it stands."""
        if (found := self.editor.checked()) is not None:
            show_reading(self.session, found, self)

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        set_role(self.said, role)


def editable(conversation: Conversation) -> str:
    """Why it cannot be changed turn by turn; empty if it can."""
    return "" if fits(conversation) else TOO_MUCH
