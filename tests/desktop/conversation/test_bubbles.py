"""A conversation as people read it: every turn by role, the last one always in view, however much was said before."""

import json
import time

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from core.conversation import Conversation, Message
from core.turns import said, speaker
from desktop.actions import Action
from desktop.conversation.bubbles import COPY, ConversationView
from desktop.widgets.basics import column

MB = 1 << 20
#: Seconds in which a person sees no delay.
AT_ONCE = 0.1
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Graz", "hours": 3}'}}
TALK = Conversation((
    Message("system", "Be brief."), Message("user", "Can I eat outside?"),
    Message("assistant", "", {"tool_calls": [CALL]}), Message("tool", "21 degrees", {"name": "weather"}),
    Message("assistant", "Yes."), Message("user", "And tomorrow?"),
))  # fmt: skip


@pytest.fixture
def view(qtbot):
    page = QWidget()
    qtbot.addWidget(page)
    made = ConversationView()
    page.setLayout(column(made, None))
    page.resize(800, 600)
    page.show()
    yield made
    page.close()


def test_older_turns_are_folded_until_somebody_asks_for_them(view):
    view.show_conversation(TALK)
    assert view.text == "And tomorrow?"
    assert view.link.text() == "Show 5 earlier turns" and view.link.isVisible()
    view.link.click()
    assert view.text == "\n\n".join(
        ["Be brief.", "Can I eat outside?", '→ weather(city="Graz", hours=3)', "21 degrees", "Yes.", "And tomorrow?"]
    )
    view.show_conversation(Conversation((Message("user", "A?"), Message("assistant", "B."), Message("user", "C?"))))
    assert view.text == "A?\n\nB.\n\nC?", "whoever unfolds goes on to see all of it"
    view.link.click()
    assert view.text == "C?"


def test_one_user_turn_is_plain_text(view):
    view.show_conversation(Conversation.of_text("Why?"))
    assert view.text == "Why?" and view.plain.isVisible()
    assert not view.last.isVisible() and not view.link.isVisible()
    view.show_conversation(None)
    assert view.text == ""


def test_what_a_tool_answered_is_seen_with_what_was_asked_and_can_be_folded(view):
    view.show_conversation(Conversation(TALK.messages[:4]))
    assert "Can I eat outside?" in view.text
    view.link.click()
    assert view.text == "21 degrees"


def test_a_turn_says_whose_it_is():
    assert [speaker(turn) for turn in TALK.messages[1:4]] == ["User", "Assistant", "Tool · weather"]


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ({"function": {"name": "f", "arguments": {"a": [1, "b"]}}}, '→ f(a=[1, "b"])'),
        ({"function": {"name": "f", "arguments": "no JSON"}}, "→ f(no JSON)"),
        ({"name": "f", "arguments": {}}, "→ f()"),
        ({"what": 1}, '→ {"what": 1}'),
        (3, "→ 3"),
    ],
)
def test_calls_of_tools_can_be_read(call, shown):
    assert said(Message("assistant", "Wait.", {"tool_calls": [call]})) == f"Wait.\n{shown}"


def test_calls_without_end_or_bottom_are_cut():
    deep = json.loads("[" * 900 + "]" * 900)
    wide = {"name": "f", "arguments": {str(at): at for at in range(1_000_000)}}
    for call in (deep, {"name": "f", "arguments": {"a": deep}}, wide, {"name": "f", "arguments": "[" * 15_000}):
        turn = Message("assistant", "", {"tool_calls": [call]})
        started = time.thread_time()
        assert said(turn).startswith("→ ")
        assert time.thread_time() - started < 10 * AT_ONCE


@pytest.mark.parametrize("turns", [41, 1001])
def test_the_last_turn_is_in_view_and_all_of_it_keeps_to_its_room(view, qtbot, turns):
    roles = ["user", "assistant"] * turns
    view.show_conversation(Conversation(tuple(Message(roles[at], f"{at} " + "word " * 90) for at in range(turns))))
    view.toggle()
    for width in (800, 500):
        view.window().resize(width, 600)
        bar = view.earlier.verticalScrollBar()
        qtbot.waitUntil(lambda: bar.value() == bar.maximum() > 0)  # what was said just before is seen
        assert view.height() <= view.highest
        text = view.last.bubble.text
        assert text.isVisible() and not text.visibleRegion().isEmpty()
    assert view.text.startswith("0 ") == (turns == 41), "of very many the newest are laid out"


@pytest.mark.parametrize("long", ["x" * (10 * MB), "word " * (2 * MB)], ids=["no space", "words"])
def test_turns_of_10_mb_are_shown_at_once_and_copied_whole(view, long):
    talk = Conversation((Message("user", long), Message("assistant", long), Message("user", long)))
    started = time.thread_time()
    view.show_conversation(talk)
    view.last.bubble.text.document().size()
    assert time.thread_time() - started < AT_ONCE
    view.toggle()
    assert all("Cut here: " in part for part in view.text.split("\n\n[")[1:])
    offers = dict(view.last.bubble.text.offers)
    offers[COPY]()
    assert QApplication.clipboard().text() == talk.text


def test_what_can_be_done_with_a_turn_is_in_its_menu(qtbot):
    view = ConversationView(on_turn=Action("x", "Send to Rank"))
    qtbot.addWidget(view)
    view.show_conversation(TALK)
    with qtbot.waitSignal(view.turn_chosen) as chosen:
        dict(view.last.bubble.text.offers)["Send to Rank"]()
    assert chosen.args == [5]
