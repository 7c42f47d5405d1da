"""What the model reads: one look with one key, from wherever a conversation is shown or written."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from core.conversation import Conversation, Message
from core.machine.reading import Reader, Reading
from core.store import Project
from core.trust import gate
from desktop.actions import WHAT_IT_READS
from desktop.conversation.exact_text import HEAD, TAIL, ExactText, bounded
from desktop.conversation.reading import ReadingDialog, show_reading
from desktop.places import PageId, TabId
from desktop.session import Session
from desktop.shell import commands

TALK = Conversation((Message("user", "ab"), Message("assistant", "c"), Message("user", "d  </s>\ne")))
#: The template of `tests.tiny` by hand: a token for the role, the content, an end; then the token of the answer.
PIECES = [
    ("<u>", True), ("ab", False), ("</s>", True), ("<a>", True), ("c", False), ("</s>", True),
    ("<u>", True), ("d  </s>\ne", False), ("</s>", True), ("<a>", True),
]  # fmt: skip


class StandIn(Reader):
    """Answers at once, as the template of `tests.tiny` has it; the real one takes seconds to begin."""

    def ask(self, project: Project, conversation: Conversation) -> Reading:
        pieces: list[tuple[str, bool]] = []
        for message in conversation.messages:
            pieces += [(f"<{message.role[0]}>", True), (message.content, False), ("</s>", True)]
        return Reading("tiny", (*pieces, ("<a>", True)), 1, 256, ("it was cut",))


def looked(dialog: ReadingDialog, qtbot) -> str:
    qtbot.waitUntil(dialog.view.text.isVisible, timeout=60_000)
    return dialog.view.text.whole


def test_the_key_shows_what_is_read_of_what_the_tab_shows(open_window, qtbot, filled: Project) -> None:
    window = open_window()
    window.workspace.open(filled.folder)
    window.session.reader = StandIn()
    page = window.open_tab(TabId.INSTRUCTIONS).prompts
    key = window.menus.made[WHAT_IT_READS]

    def pressed() -> str:
        before = window.findChildren(ReadingDialog)
        key.trigger()
        (dialog,) = (each for each in window.findChildren(ReadingDialog) if each not in before)
        text = looked(dialog, qtbot)
        assert dialog.view.count.text() == "1 tokens of 256 that tiny reads"
        assert dialog.view.notes.text() == "It was cut."
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()
        return text

    assert key.shortcut().toString() == "Ctrl+R"
    key.trigger()
    assert not window.findChildren(ReadingDialog), "the guidelines ask nothing"

    window.tabs[TabId.INSTRUCTIONS].show_page(PageId.PROMPTS)
    page.table.selectRow(1)
    page.selected.text.moveCursor(QTextCursor.MoveOperation.End)
    page.selected.text.insertPlainText(" Now!")
    assert pressed() == "<u>question 2? Now!</s><a>"
    page.adding.new_text.setPlainText("first\nsecond")
    assert pressed() == "<u>question 2? Now!</s><a>", "nobody writes a new one just now"
    page.adding.new_text.setFocus()
    page.adding.new_text.moveCursor(QTextCursor.MoveOperation.End)
    assert pressed() == "<u>second</s><a>"
    page.adding.one_prompt.setChecked(True)
    page.adding.new_text.setFocus()
    assert pressed() == "<u>first\nsecond</s><a>"

    window.open_tab(TabId.RANK)
    found = commands.matching(window.menus.commands(), "tokens")
    assert [command.name for command in found] == ["What the model reads"]
    assert pressed() == "<u>question 1?</s><a>"


def test_control_tokens_are_marked_and_what_only_looks_like_one_is_not(qtbot, session: Session) -> None:
    session.reader = StandIn()
    parent = _shown(qtbot)
    view = show_reading(session, TALK, parent).view
    qtbot.waitUntil(view.text.isVisible)
    seen = view.text.toPlainText()
    assert seen == "".join(f"⟦{text}⟧" if control else text for text, control in PIECES)
    cursor = QTextCursor(view.text.document())

    def ground(place: int):
        cursor.setPosition(place + 1)
        return cursor.charFormat().background().color()

    assert ground(seen.index("⟦<u>")) != ground(seen.index("d  "))
    assert ground(seen.index("d  </s>") + 4) == ground(seen.index("d  "))
    view.copy_button.click()
    assert QGuiApplication.clipboard().text() == "".join(text for text, _ in PIECES)


def test_signs_that_hide_are_named_and_a_long_text_is_cut_in_its_middle(qtbot) -> None:
    shown = ExactText()
    qtbot.addWidget(shown)
    shown.show_pieces([("a\u202eb\r", False), ("\u200b", True)])
    assert shown.toPlainText() == "a‹U+202E›b‹U+000D›⟦‹U+200B›⟧"

    pieces = [("<u>", True), ("x" * 10_000_000, False), ("</s>", True), ("<a>", True)]
    found = bounded(pieces)
    assert found[0] == ("<u>", True) and found[-2:] == [("</s>", True), ("<a>", True)]
    assert sum(len(text) for text, _ in found) < HEAD.letters + TAIL.letters + 200
    assert f"{10_000_010 - HEAD.letters - TAIL.letters:,} of 10,000,010 characters" in found[2][0]
    lines = bounded([("\n" * 100_000, False)])
    assert "".join(text for text, _ in lines).count("\n") < HEAD.lines + TAIL.lines + 10
    assert bounded(PIECES) == PIECES


def test_a_model_that_is_not_here_can_be_fetched_from_the_look(qtbot, session: Session, started) -> None:
    parent = _shown(qtbot)
    dialog = show_reading(session, TALK, parent)
    qtbot.waitUntil(dialog.view.fetch_button.isVisible, timeout=10_000)
    assert "not on this machine" in dialog.view.count.text() and not dialog.view.text.isVisible()
    dialog.view.fetch_button.click()
    assert [job.kind for job in session.jobs()] == ["fetch-model"] and started == [session.project.folder]


def test_what_is_no_question_is_said_in_a_sentence(qtbot, session: Session, tmp_path: Path) -> None:
    session.project.set_setting("model", str(tmp_path / "gone"))
    gate.made_here(session.project)
    parent = _shown(qtbot)
    dialog = show_reading(session, TALK, parent)
    qtbot.waitUntil(lambda: "is not there" in dialog.view.count.text(), timeout=10_000)
    assert not dialog.view.fetch_button.isVisible()


def _shown(qtbot):
    found = QWidget()
    qtbot.addWidget(found)
    found.show()
    return found
