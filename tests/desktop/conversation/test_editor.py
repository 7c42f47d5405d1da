"""A conversation is written turn by turn, by mouse and keys; what is pasted is taken apart only if somebody says so."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from core.conversation import Conversation, Message
from desktop.conversation.editor import MOST_TURNS, ConversationEditor, fits
from desktop.conversation.fitted import FittedText

CALL = {"tool_calls": [{"type": "function", "function": {"name": "rain", "arguments": {"city": "Graz"}}}]}
TALK = Conversation(
    (Message("user", "Rain?"), Message("assistant", "", CALL), Message("tool", "yes", {"tool_call_id": "1"}))
)
SAID = "User: a\nAssistant: b\nUser: c"
TURNS = [("user", "a"), ("assistant", "b"), ("user", "c")]
KEYS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def editor(qtbot) -> ConversationEditor:
    found = ConversationEditor()
    qtbot.addWidget(found)
    found.resize(600, 500)
    found.show()
    found.show_conversation(Conversation(()))
    return found


def turns(editor: ConversationEditor) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in editor.conversation().messages]


def answer(qtbot, editor: ConversationEditor, word: str) -> str:
    """Press a button of the question that is open; Esc for no word. Returns what it asked."""
    (asked,) = (box for box in editor.findChildren(QMessageBox) if box.isVisible())
    text = f"{asked.text()}\n{asked.informativeText()}"
    if word:
        next(button for button in asked.buttons() if word in button.text()).click()
    else:
        QTest.keyClick(asked, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not asked.isVisible())
    return text


def test_a_conversation_is_written_by_keys_alone(editor: ConversationEditor) -> None:
    def press(key: Qt.Key) -> None:
        QTest.keyClick(editor.focusWidget(), key, KEYS)

    editor.turns[0].text.setFocus()
    QTest.keyClicks(editor.focusWidget(), "Hi")
    press(Qt.Key.Key_Return)
    QTest.keyClicks(editor.focusWidget(), "Hello!")
    press(Qt.Key.Key_Return)
    QTest.keyClicks(editor.focusWidget(), "Who?")
    assert turns(editor) == [("user", "Hi"), ("assistant", "Hello!"), ("user", "Who?")], "who speaks goes by turns"
    press(Qt.Key.Key_Up)
    assert turns(editor) == [("user", "Hi"), ("user", "Who?"), ("assistant", "Hello!")]
    press(Qt.Key.Key_Up)
    press(Qt.Key.Key_Up)
    press(Qt.Key.Key_Down)
    assert turns(editor)[1] == ("user", "Who?"), "the first one goes no higher, and the focus stays in its turn"
    press(Qt.Key.Key_Backspace)
    assert turns(editor) == [("user", "Hi"), ("assistant", "Hello!")]
    editor.put_back_button.click()
    assert turns(editor)[1] == ("user", "Who?") and editor.put_back_button.isHidden()
    editor.turns[1].role.setCurrentIndex(editor.turns[1].role.findData("system"))
    assert turns(editor)[1] == ("system", "Who?")


def test_each_removed_turn_can_be_put_back_and_there_is_always_one(editor: ConversationEditor) -> None:
    editor.show_conversation(TALK)
    for _ in range(3):
        editor.turns[0].remove.click()
    assert turns(editor) == [("user", "")]
    for _ in range(3):
        editor.put_back_button.click()
    assert [turn.data() for turn in editor.conversation().messages if turn.content or turn.extra] == [
        turn.data() for turn in TALK.messages
    ]


def test_calls_of_tools_stay_data_and_are_shown_as_json(editor: ConversationEditor) -> None:
    tools = ({"name": "rain", "parameters": {}},)
    editor.show_conversation(Conversation(TALK.messages, tools))
    editor.turns[0].text.setPlainText("Snow?")
    editor.turns[1].down.click()
    editor.turns[2].up.click()
    assert editor.conversation() == Conversation((Message("user", "Snow?"), *TALK.messages[1:]), tools)
    texts = [each.toPlainText() for each in editor.findChildren(FittedText)]
    assert [json.loads(text) for text in texts if text] == [list(tools), CALL["tool_calls"], {"tool_call_id": "1"}]


@pytest.mark.parametrize(
    "text", [SAID, json.dumps([{"role": role, "content": text} for role, text in TURNS])], ids=["names", "json"]
)
def test_a_pasted_conversation_is_asked_about_before_it_is_taken_apart(
    qtbot, editor: ConversationEditor, text: str
) -> None:
    QGuiApplication.clipboard().setText(text)
    editor.turns[0].text.paste()
    assert turns(editor) == [("user", "")], "nothing is split unasked"
    asked = answer(qtbot, editor, "Put it in as 3 turns")
    assert "conversation of 3 turns" in asked and "Assistant: b" in asked
    assert turns(editor) == TURNS
    editor.turns[1].text.paste()
    answer(qtbot, editor, "Put it in")
    assert turns(editor) == [*TURNS[:2], *TURNS, TURNS[2]], "what was there stays"


@pytest.mark.parametrize("word", ["Keep it as one text", ""], ids=["no", "Esc"])
def test_it_stays_one_turn_as_it_is_unless_somebody_says_yes(qtbot, editor: ConversationEditor, word: str) -> None:
    QGuiApplication.clipboard().setText(SAID)
    editor.turns[0].text.paste()
    answer(qtbot, editor, word)
    assert turns(editor) == [("user", SAID)]


def test_a_plain_text_is_pasted_without_a_question(editor: ConversationEditor) -> None:
    QGuiApplication.clipboard().setText("User: only one name")
    editor.turns[0].text.paste()
    assert turns(editor) == [("user", "User: only one name")]
    assert not [box for box in editor.findChildren(QMessageBox) if box.isVisible()]


def test_data_of_any_depth_are_shown_and_of_any_length_left_alone(editor: ConversationEditor) -> None:
    deep: list[object] = []
    for _ in range(900):
        deep = [deep]
    editor.show_conversation(Conversation((Message("user", "Hi", {"tool_calls": deep}),)))
    assert editor.conversation().messages[0].extra == {"tool_calls": deep}
    assert not fits(Conversation((Message("user", "Hi", {"tool_calls": ["x" * 1_000_000]}),)))
    assert not fits(Conversation((Message("user", "x" * 1_000_000),)))


def test_more_turns_than_can_be_edited_are_refused_and_nothing_is_lost(qtbot, editor: ConversationEditor) -> None:
    noted: list[str] = []
    editor.noted.connect(noted.append)
    editor.turns[0].text.setPlainText("mine")
    QGuiApplication.clipboard().setText("User: a\nAssistant: b\n" * MOST_TURNS)
    editor.turns[0].text.paste()
    answer(qtbot, editor, "Put it in")
    assert turns(editor) == [("user", "mine")] and "import" in noted[0]


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([("user", "Hi"), ("assistant", "Hello")], "does not end with a user's turn: add what is asked next"),
        ([("system", "Be kind."), ("user", " ")], "Nothing is asked"),
    ],
)
def test_what_is_wrong_is_said_at_the_turn_that_it_is_about(editor: ConversationEditor, messages, sentence) -> None:
    editor.show_conversation(Conversation(tuple(Message(*each) for each in messages)))
    assert editor.checked() is None
    assert sentence in editor.turns[-1].problem.text() and editor.turns[-1].problem.isVisible()
    editor.turns[-1].role.setCurrentIndex(editor.turns[-1].role.findData("user"))
    editor.turns[-1].text.setPlainText("So?")
    assert editor.checked() is not None and not editor.turns[-1].problem.isVisible()
