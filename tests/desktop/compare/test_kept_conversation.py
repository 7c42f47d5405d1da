"""A conversation on the Compare tab stays until somebody puts it away, and comes back from there."""

import pytest
from PySide6.QtCore import Qt

from core.config.jobs import CompareJob, GenerateJob
from core.config.training import LENGTH
from core.jobs import queue
from core.records import NewRanking
from core.store import completions, labelers, open_project, rankings
from desktop.compare.tab import Tab
from desktop.session import Session
from tests.desktop.compare.test_conversation import answered, asks, choose, said, tab, tuned, two_turns
from tests.desktop.talks import boxes, press, texts

__all__ = ["tab", "tuned"]


@pytest.fixture
def second(tab, qtbot):
    """Another window on the same project, opened by now."""
    found = Tab(Session(open_project(tab.session.project.folder)))
    qtbot.addWidget(found)
    found.show()
    yield found
    found.close()
    found.session.rest()
    found.session.project.close()


def gone_on(tab, qtbot):
    two_turns(tab, qtbot)
    press(tab, qtbot, "Go on from here", 1)
    return said(tab)


def test_a_policy_chosen_in_a_conversation_only_answers_next(tab, qtbot):
    before = gone_on(tab, qtbot)
    tab.policy.activated.emit(0)
    asks(tab, qtbot, "And now?")
    assert said(tab) == [*before, ("user", "And now?")]


def test_a_question_typed_beside_another_comparison_waits_for_the_conversation(tab, qtbot):
    before = gone_on(tab, qtbot)
    jobs = len(queue.listed(tab.session.project))
    tab.compare_heldout()
    asks(tab, qtbot, "And now?")
    assert (said(tab), len(queue.listed(tab.session.project))) == (before, jobs + 1)
    assert tab.prompt.text() == "And now?" and tab.bubbles.isVisible() and "go on with it" in texts(tab)
    qtbot.keyClick(tab.prompt, Qt.Key.Key_Return)
    assert said(tab) == [*before, ("user", "And now?")]


def test_the_conversation_before_comes_back_after_another_one_was_begun_and_that_one_is_kept(tab, qtbot):
    before = gone_on(tab, qtbot)
    press(tab, qtbot, "New conversation")
    asks(tab, qtbot, "Fresh")
    answered(tab, qtbot, "Mint.", "Bread.")
    press(tab, qtbot, "Go on from here")
    fresh = said(tab)
    tab.session.replay("undo")
    assert said(tab) == before and "A friend of yours." in tab.bubbles.text
    reopened = Tab(tab.session)
    qtbot.addWidget(reopened)
    assert said(reopened) == before
    tab.session.replay("redo")
    assert said(tab) == fresh
    tab.session.replay("undo")
    press(tab, qtbot, "New conversation")
    tab.session.history.close()
    last = Tab(tab.session)
    qtbot.addWidget(last)
    assert said(last) == fresh, "what was asked since is found again"
    for each in (reopened, last):
        each.close()


def test_another_first_question_is_a_step_too(tab, qtbot):
    asks(tab, qtbot, "Hi")
    answered(tab, qtbot, "Yes?", "Hello there!")
    asks(tab, qtbot, "Who?")
    assert said(tab) == [("user", "Who?")]
    tab.session.replay("undo")
    assert said(tab) == [("user", "Hi")]


def test_what_is_typed_while_the_first_question_is_answered_waits(tab, qtbot):
    asks(tab, qtbot, "Hi")
    asks(tab, qtbot, "Second")
    assert (said(tab), tab.prompt.text()) == ([("user", "Hi")], "Second")
    assert len(queue.listed(tab.session.project, CompareJob)) == 1
    assert "still answering" in texts(tab)


def test_two_windows_have_a_conversation_each(tab, second, qtbot):
    before = gone_on(tab, qtbot)
    asks(second, qtbot, "From the second window")
    tab.refresh(None)
    second.refresh(None)
    assert (said(tab), said(second)) == (before, [("user", "From the second window")])
    press(second, qtbot, "New conversation")
    tab.refresh(None)
    assert said(tab) == before and said(second) == []
    second.refresh(None)
    assert said(second) == []


def test_answers_that_were_ranked_already_are_not_said_to_come_again(tab, qtbot):
    two_turns(tab, qtbot)
    press(tab, qtbot, "Rank these")
    assert "first in the queue" in texts(tab) and tab.conversing.to_rank.go.isVisible()
    project = tab.session.project
    group = max(completions.group_ids(project))
    me = labelers.named(project, tab.session.labeler_name)
    rankings.add(project, NewRanking(group, me.id, dict.fromkeys(completions.ids(project, group), 1)))
    press(tab, qtbot, "Rank these")
    assert "ranked these answers already" in texts(tab) and not tab.conversing.to_rank.go.isVisible()


def test_two_more_are_written_by_the_chosen_policy_where_the_comparison_is_gone(tab, qtbot):
    messages = [{"role": "user", "content": "x"}]
    tab.session.project.set_setting("talk/compare", {"messages": messages, "jobs": [99]})
    other = Tab(tab.session)
    qtbot.addWidget(other)
    other.show()
    choose(other, qtbot, 0, "Two more answers, blind")
    (job,) = queue.listed(tab.session.project, GenerateJob)
    assert (job.config.policy_job, job.config.max_new_tokens) == (1, LENGTH)
    other.close()


def test_where_no_policy_is_left_it_is_said_that_nothing_can_be_sent(filled, qtbot):
    messages = [{"role": "user", "content": "x"}]
    filled.set_setting("talk/compare", {"messages": messages, "jobs": [99]})
    session = Session(filled)
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    tab.bubbles.turn_chosen.emit(0)
    (box,) = boxes()
    assert len(box.buttons()) == 1 and "no tuned policy" in box.informativeText()
    box.reject()
    tab.close()
    session.rest()
