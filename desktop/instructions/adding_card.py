"""Where prompts are typed and pasted, one a line or one of many lines, and where a file or a conversation is begun."""

from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QWidget

from core.conversation import Conversation
from core.errors import BadInput, KnownError
from core.records import Prompt, Split
from core.store import Project, prompts
from core.store.typed import Typed
from desktop.conversation.left_behind import LeftBehind
from desktop.conversation.pasting import PastingBox
from desktop.instructions import actions
from desktop.instructions.splits import counted, split_box
from desktop.instructions.taken_back import TakenBack
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.drafts import Draft, typing_goes_on
from desktop.widgets.growing import keep_height
from desktop.widgets.line_ends import lines
from desktop.widgets.unwritten import NotWritten

#: The project's setting for prompts that are not added yet.
NEW_DRAFT = "draft/new-prompts"


class AddingCard(QFrame):
    """`added` tells that prompts were added; `importing` asks for a file, `asking_hub` for a hub, `writing` for a
    conversation, with what was pasted of one or None; `spoke` carries the label that says something."""

    added = Signal()
    importing = Signal()
    asking_hub = Signal()
    writing = Signal(object)
    spoke = Signal(object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.session = session
        self.new_text = PastingBox(self)
        self.new_text.setPlaceholderText("Type or paste prompts, one a line")
        self.new_text.setAccessibleName("New prompts")
        keep_height(self.new_text, 104)
        self.new_text.conversation_pasted.connect(self.writing)
        self.one_prompt = bind(actions.ONE_PROMPT, QCheckBox(self))
        self.new_text.kept_whole.connect(lambda: self.one_prompt.setChecked(True))
        self.split = bind(actions.USE_FOR, split_box(self))
        self.add_button = action_button(actions.ADD, self.add)
        self.import_button = action_button(actions.IMPORT, self.importing.emit)
        self.hub_button = action_button(actions.IMPORT_FROM_HUB, self.asking_hub.emit)
        self.write_button = action_button(actions.WRITE_TALK, lambda: self.writing.emit(None))
        self.said = label("", "muted", wrap=True)
        self.said.hide()
        self.draft = Draft(session.project, NEW_DRAFT, {"text": self.new_text}, self)
        self.left_behind = LeftBehind(self.draft, "prompts")
        self.taken_back = TakenBack(session, _is_there, self)
        self.taken_back.gone.connect(self._type_again)
        self.taken_back.back.connect(self._added_again)
        self._beside: list[tuple[str, Typed]] = []
        """What was added and undone while something else was typed."""
        inside = column(
            label("Add prompts", "heading"),
            self.new_text,
            NotWritten(self.draft.throttle),
            self.left_behind,
            row(label("Use for"), self.split, None, self.one_prompt),
            row(self.add_button, self.import_button, None),
            row(self.write_button, None),
            row(self.hub_button, None),
            self.said,
        )
        inside.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(inside)

    def add(self) -> None:
        """Add what was typed or pasted; duplicates are skipped and counted."""
        typed = self.new_text.text()
        texts = [typed] if self.one_prompt.isChecked() else lines(typed)
        texts = [text.strip() for text in texts if text.strip()]
        split = self.chosen_split
        try:
            if not texts:
                raise BadInput("Type or paste at least one prompt first.")
            changes = prompts.add(self.session.project, [Prompt(0, text, (), split, "typed") for text in texts])
        except KnownError as error:
            self.say(str(error), "error")
            return
        self.session.announce(changes, self)
        self.taken_back.note(changes, (typed, self.one_prompt.isChecked()))
        self.new_text.clear()
        self.draft.keep()
        self.added.emit()
        known = len(texts) - len(changes.ids)
        self.say(outcome(len(changes.ids), known), "good" if changes.ids else "muted")

    def _type_again(self, undone: tuple[str, bool]) -> None:
        """Adding it was undone: it is typed and not added, or kept for later where something else is typed."""
        typed, one = undone
        if self.new_text.text():
            kept = Typed(self.session.project, NEW_DRAFT)
            with typing_goes_on():
                kept.keep({"text": typed})
            self._beside.append((typed, kept))
            self.say("What you added before is undone. It is here again when you open the project next.", "muted")
            return
        self.new_text.insert(typed)
        self.one_prompt.setChecked(one)
        self.draft.keep()
        self.say("What you added is undone, and here again.", "muted")

    def _added_again(self, undone: tuple[str, bool]) -> None:
        if self.new_text.text() == undone[0]:
            self.new_text.clear()
            self.draft.keep()
        with typing_goes_on():
            for typed, kept in self._beside:
                if typed == undone[0]:
                    kept.keep(None)
        self._beside = [each for each in self._beside if each[0] != undone[0]]
        self.say("", "muted")

    @property
    def chosen_split(self) -> Split:
        return cast(Split, self.split.currentData())

    def conversation(self) -> Conversation | None:
        """What would be added; of several, one a line, that of the cursor's line."""
        typed = self.new_text.text().strip()
        if not self.one_prompt.isChecked():
            typed = self.new_text.textCursor().block().text().strip() or typed.split("\n")[0]
        return Conversation.of_text(typed) if typed else None

    def say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        set_role(self.said, role)
        self.spoke.emit(self.said)


def outcome(added: int, known: int) -> str:
    """`12 prompts added, 3 were there already.`"""
    if not added:
        return "Nothing added: all were there already." if known != 1 else "Nothing added: it was there already."
    rest = f", {known:,} {'was' if known == 1 else 'were'} there already" if known else ""
    return f"{counted(added, 'prompt')} added{rest}."


def _is_there(project: Project, number: int, _: object) -> bool:
    return prompts.exists(project, number)
