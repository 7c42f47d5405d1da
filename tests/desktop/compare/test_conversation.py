"""A conversation of several turns with both policies on the Compare tab, and its turns sent to Rank."""

import json

import pytest
from PySide6.QtCore import Qt

from core.config.jobs import CompareConfig, CompareJob, CompareResult, GenerateJob
from core.config.training import LENGTH, TrainPolicyConfig, TrainPolicyResult
from core.conversation import Conversation
from core.events import Completions, NewCompletion, Result, Sample, Samples
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.store import completions, open_project, prompts
from desktop.compare.tab import Tab
from desktop.places import TabId
from desktop.session import Session
from desktop.shell import features
from tests.desktop.talks import boxes, press, texts, with_run
from tests.jobs import add_job, set_job


@pytest.fixture
def tuned(filled):
    """A project with a tuned policy, run 1."""
    return with_run(filled, TrainPolicyConfig(max_new_tokens=6), TrainPolicyResult(adapter="runs/1/x"))


@pytest.fixture
def tab(tuned, qtbot):
    session = Session(tuned)
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1000, 800)
    found.show()
    yield found
    found.close()
    session.rest()


def answered(tab, qtbot, reference, policy):
    """Both answer what was asked last, as a worker would write it; returns the job."""
    job = queue.listed(tab.session.project, CompareJob)[0]
    (asked,) = job.config.asked
    worker = open_project(tab.session.project.folder)
    rows = [Sample(asked.text, text, side, score=float(len(text)), tokens=3) for side, text in
            (("reference", reference), ("tuned", policy))]  # fmt: skip
    Recorder(worker, job.id).record(Samples(0, tuple(rows)))
    Recorder(worker, job.id).record(Result(CompareResult(policy_job=1)))
    set_job(worker, job.id, status="done")
    worker.close()
    tab.session.look_again()
    qtbot.waitUntil(lambda: policy in texts(tab))
    return job


def asks(tab, qtbot, text):
    qtbot.keyClicks(tab.prompt, text)
    qtbot.keyClick(tab.prompt, Qt.Key.Key_Return)


def said(tab):
    """The turns that are seen, and which job holds what is asked."""
    return [(turn.role, turn.content) for turn in tab.conversing.talk.messages]


def last_config(tab):
    return queue.listed(tab.session.project, CompareJob)[0].config


def two_turns(tab, qtbot):
    """Both answered, it went on from the tuned one, and both answered again."""
    asks(tab, qtbot, "Hi")
    answered(tab, qtbot, "Yes?", "Hello there!")
    press(tab, qtbot, "Go on from here", 1)
    asks(tab, qtbot, "Who are you?")
    return answered(tab, qtbot, "Nobody.", "A friend of yours.")


def test_it_goes_on_from_the_answer_that_is_chosen_and_both_answer_what_was_said(tab, qtbot):
    asks(tab, qtbot, "Hi")
    assert last_config(tab).prompts == ("Hi",) and tab.prompt.text() == ""
    assert tab.busy.isVisible() and "Hi" in tab.bubbles.text
    answered(tab, qtbot, "Yes?", "Hello there!")
    press(tab, qtbot, "Go on from here", 1)
    assert "Hello there!" in tab.bubbles.text and tab.prompt.hasFocus()
    asks(tab, qtbot, "Who are you?")
    config = last_config(tab)
    (asked,) = map(json.loads, config.conversations)
    assert (config.prompts, [(turn["role"], turn["content"]) for turn in asked]) == (
        (), [("user", "Hi"), ("assistant", "Hello there!"), ("user", "Who are you?")]
    )  # fmt: skip
    answered(tab, qtbot, "Nobody.", "A friend of yours.")
    assert "Nobody." in texts(tab) and "higher reward" in texts(tab)
    press(tab, qtbot, "Go on from here", 0)
    assert said(tab)[-1] == ("assistant", "Nobody.")


def test_a_system_turn_stands_first_and_is_kept_as_it_is_typed(tab, qtbot):
    press(tab, qtbot, "System turn")
    qtbot.keyClicks(tab.bar.system, "Be brief.")
    qtbot.waitUntil(lambda: "Be brief." in str(tab.session.project.setting("draft/compare")))
    asks(tab, qtbot, "Hi")
    (asked,) = last_config(tab).asked
    assert [(turn.role, turn.content) for turn in asked.messages] == [("system", "Be brief."), ("user", "Hi")]
    answered(tab, qtbot, "One.", "Another.")
    press(tab, qtbot, "Go on from here")
    assert not tab.bar.system.isVisible(), "a conversation has its system turn from its beginning"


def test_shift_and_enter_begin_a_line_and_nothing_is_sent_that_would_lose_the_conversation(tab, qtbot):
    two_turns(tab, qtbot)
    jobs = len(queue.listed(tab.session.project))
    asks(tab, qtbot, "More")
    assert (len(queue.listed(tab.session.project)), tab.prompt.text()) == (jobs, "More")
    assert "Choose the answer" in tab.composer.hint.text() and tab.composer.hint.isVisible()
    press(tab, qtbot, "Go on from here")
    qtbot.keyClick(tab.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert tab.prompt.text() == "More\n" and not tab.composer.hint.isVisible()


def test_a_closed_window_finds_the_conversation_again(tab, qtbot):
    two_turns(tab, qtbot)
    for again in range(2):
        other = Tab(tab.session)
        qtbot.addWidget(other)
        other.show()
        assert said(other) == said(tab) and said(other)
        if again:
            assert "A friend of yours." in other.bubbles.text, "it went on from there"
        else:
            qtbot.waitUntil(lambda other=other: "Nobody." in texts(other))
            press(other, qtbot, "Go on from here", 1)
            tab.conversing.look_again()
        other.close()


def test_turns_are_taken_back_one_by_one_and_undo_brings_them_back(tab, qtbot):
    two_turns(tab, qtbot)
    press(tab, qtbot, "Go on from here", 1)
    whole = said(tab)
    press(tab, qtbot, "Take back the last turn")
    assert said(tab) == whole[:-1]
    qtbot.waitUntil(lambda: "A friend of yours." in texts(tab))
    press(tab, qtbot, "Take back the last turn")
    assert (said(tab), tab.prompt.text()) == (whole[:2], "Who are you?"), "what was asked can be mended"
    tab.session.replay("undo")
    tab.refresh(None)
    assert said(tab) == whole[:-1]


def test_a_new_conversation_is_empty_and_the_one_before_comes_back(tab, qtbot):
    two_turns(tab, qtbot)
    before = said(tab)
    qtbot.keyClicks(tab.prompt, "typed")
    press(tab, qtbot, "New conversation")
    assert (said(tab), tab.prompt.text()) == ([], "typed") and not tab.bubbles.isVisible()
    tab.session.replay("undo")
    tab.refresh(None)
    assert said(tab) == before and tab.bubbles.isVisible()


def test_a_question_that_is_taken_back_is_not_answered_any_more(tab, qtbot):
    asks(tab, qtbot, "Hi")
    press(tab, qtbot, "Take back the last turn")
    assert queue.listed(tab.session.project, CompareJob)[0].status == "stopped"
    assert (said(tab), tab.prompt.text()) == ([], "Hi")


def test_the_held_out_prompts_are_compared_beside_it(tab, qtbot):
    two_turns(tab, qtbot)
    held = add_job(tab.session.project, CompareConfig(policy_job=1), status="done")
    Recorder(tab.session.project, held.id).record(Result(CompareResult(policy_job=1, prompts=2, reward_after=1.0)))
    tab.session.look_again()
    assert "Who are you?" in tab.bubbles.text, "a conversation is not taken from who has it"
    press(tab, qtbot, "Show the held-out prompts")
    assert tab.what.text().endswith("2 held-out prompts") and not tab.bubbles.isVisible()
    press(tab, qtbot, "Back to the conversation")
    assert tab.bubbles.isVisible()


@pytest.mark.parametrize(
    "kept", [7, {"messages": 7, "jobs": []}, {"messages": [{"role": "user", "content": "x"}], "jobs": []},
             {"messages": [{"role": "judge", "content": "x"}], "jobs": [1]}, {"messages": [[]], "jobs": "ab"},
             {"messages": [{"role": "assistant", "content": "x"}], "jobs": []},
             {"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "x"}], "jobs": [1, 1]}]
)  # fmt: skip
def test_what_no_window_kept_is_no_conversation(tab, qtbot, kept):
    tab.session.project.set_setting("talk/compare", kept)
    other = Tab(tab.session)
    qtbot.addWidget(other)
    assert not other.in_talk and said(other) == []
    other.close()


def test_answers_whose_job_is_gone_can_be_asked_for_again(tab, qtbot):
    messages = [{"role": "user", "content": "x"}]
    tab.session.project.set_setting("talk/compare", {"messages": messages, "jobs": [99]})
    other = Tab(tab.session)
    qtbot.addWidget(other)
    other.show()
    qtbot.waitUntil(lambda: "no longer here" in texts(other))
    press(other, qtbot, "Take back the last turn")
    assert other.prompt.text() == "x"
    other.close()


def test_a_strangers_turn_is_only_text(tab, qtbot):
    asks(tab, qtbot, "<b>Hi</b>")
    answered(tab, qtbot, "<img src=x>", "<h1>b</h1>")
    press(tab, qtbot, "Go on from here")
    assert "<b>Hi</b>" in tab.bubbles.text and "<img src=x>" in tab.bubbles.text


def test_both_answers_are_sent_to_rank_where_one_click_leads_and_undo_takes_them_back(open_window, tuned, qtbot):
    window = open_window()
    window.workspace.open(tuned.folder)
    tab = window.open_tab(TabId.COMPARE)
    job = two_turns(tab, qtbot)
    before = completions.count(window.session.project)
    press(tab, qtbot, "Rank these")
    assert "Sent to Rank" in texts(tab)
    press(tab, qtbot, "Go to Rank")
    rank = window.tabs[TabId.RANK]
    group = rank.labeling.group
    assert window.page.shown == TabId.RANK and group.prompt.conversation == job.config.asked[0]
    assert {(item.text, item.policy_job) for item in group.completions} == {
        ("Nobody.", None), ("A friend of yours.", 1)
    }  # fmt: skip
    assert "Run 1" not in texts(rank) and "base model" not in texts(rank)
    window.take_back("undo")
    assert completions.count(window.session.project) == before
    assert prompts.id_of(window.session.project, group.prompt.conversation) is None
    assert rank.labeling.group != group


def test_two_more_are_written_by_the_policy_of_the_conversation(tab, qtbot):
    job = two_turns(tab, qtbot)
    press(tab, qtbot, "Two more answers, blind")
    (more,) = queue.listed(tab.session.project, GenerateJob)
    config = more.config
    assert (config.policy_job, config.completions, config.rank_first, config.missing_only) == (1, 2, True, False)
    assert config.max_new_tokens == job.config.max_new_tokens == LENGTH
    (prompt,) = prompts.some(tab.session.project, config.prompt_ids)
    assert prompt.conversation == job.config.asked[0]
    tab.session.replay("undo")
    assert queue.get(tab.session.project, more.id).status == "stopped"
    assert prompts.some(tab.session.project, config.prompt_ids) == []


def choose(tab, qtbot, place, title):
    """Send the turn at a place to Rank, answering the question with a button."""
    tab.bubbles.turn_chosen.emit(place)
    (box,) = boxes()
    offered = {button.text(): button for button in box.buttons()}
    qtbot.mouseClick(offered[title], Qt.MouseButton.LeftButton)
    return sorted(offered)


@pytest.mark.parametrize("place", [0, 1])
def test_an_earlier_turn_is_sent_with_the_answers_that_were_seen(tab, qtbot, place):
    two_turns(tab, qtbot)
    choose(tab, qtbot, place, "Rank these")
    number = prompts.id_of(tab.session.project, Conversation.of_text("Hi"))
    assert list(completions.texts_by_group(tab.session.project, number).values()) == [("Yes?", "Hello there!")]


def test_a_turn_of_one_answer_can_only_have_more(tab, qtbot):
    asks(tab, qtbot, "Hi")
    answered(tab, qtbot, "same", "same")
    assert not tab.bar.rank_button.isEnabled()
    assert "Rank these" not in choose(tab, qtbot, 0, "Two more answers, blind")
    assert len(queue.listed(tab.session.project, GenerateJob)) == 1


def test_what_is_written_meanwhile_is_first_in_rank(open_window, tuned, qtbot):
    window = open_window()
    window.workspace.open(tuned.folder)
    rank = window.open_tab(TabId.RANK)
    tab = window.open_tab(TabId.COMPARE)
    asks(tab, qtbot, "Hi")
    answered(tab, qtbot, "One.", "Another.")
    press(tab, qtbot, "Two more answers, blind")
    (job,) = queue.listed(window.session.project, GenerateJob)
    worker = open_project(tuned.folder)
    rows = tuple(NewCompletion(text, 1, True, 0, 1) for text in ("c", "d"))
    Recorder(worker, job.id).record(Completions(job.config.prompt_ids[0], rows, {}))
    set_job(worker, job.id, status="done")
    worker.close()
    window.session.look_again()
    press(tab, qtbot, "Go to Rank")
    assert rank.labeling.queue.first == completions.groups_of_job(window.session.project, job.id)[0]


def test_keys_do_all_of_it_and_the_palette_knows_it(open_window, tuned, qtbot):
    window = open_window()
    window.workspace.open(tuned.folder)
    tab = window.open_tab(TabId.COMPARE)
    two_turns(tab, qtbot)
    names = {command.name for command in features.here(tab)}
    assert {"Go on from here", "Rank these", "Two more answers, blind", "New conversation"} <= names
    control = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for key, held, done in (
        (
            Qt.Key.Key_Right,
            Qt.KeyboardModifier.AltModifier,
            lambda: said(tab)[-1] == ("assistant", "A friend of yours."),
        ),
        (Qt.Key.Key_Backspace, control, lambda: said(tab)[-1] == ("user", "Who are you?") and "Nobody." in texts(tab)),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier, lambda: said(tab)[-1] == ("assistant", "Nobody.")),
        (Qt.Key.Key_Backspace, control, lambda: said(tab)[-1] == ("user", "Who are you?") and "Nobody." in texts(tab)),
        (Qt.Key.Key_T, control, lambda: "being written" in texts(tab)),
        (Qt.Key.Key_R, control, lambda: "Sent to Rank" in texts(tab)),
        (Qt.Key.Key_N, control, lambda: said(tab) == []),
    ):
        qtbot.keyClick(tab.prompt, key, held)
        qtbot.waitUntil(done)


def test_what_the_model_reads_is_the_conversation_with_what_is_typed(tab, qtbot):
    assert tab.conversation() is None
    qtbot.keyClicks(tab.prompt, "Hi")
    assert tab.conversation() == Conversation.of_text("Hi")
    tab.prompt.setText("")
    two_turns(tab, qtbot)
    assert tab.conversation().text.endswith("User: Who are you?")
    press(tab, qtbot, "Go on from here")
    qtbot.keyClicks(tab.prompt, "And?")
    assert tab.conversation().text.endswith("Assistant: Nobody.\n\nUser: And?")
