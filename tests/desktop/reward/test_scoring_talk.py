"""Answers to a conversation of several turns are scored in Try it, and sent to Rank from there."""

import json
import shutil

import pytest
from PySide6.QtCore import Qt

from core.config.jobs import GenerateJob
from core.config.scoring import ScoreJob, ScoreResult
from core.config.training import TrainRewardConfig, TrainRewardResult
from core.events import Result
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.store import completions, labelers, open_project, prompts
from desktop.places import PageId, TabId
from desktop.reward.playground_page import PlaygroundPage
from desktop.session import Session
from tests.desktop.talks import boxes, press, texts, with_run
from tests.jobs import set_job


@pytest.fixture
def judged(filled):
    """A project with a reward model, run 1."""
    return with_run(filled, TrainRewardConfig(), TrainRewardResult(adapter="runs/1/x"))


@pytest.fixture
def page(judged, qtbot):
    session = Session(judged)
    found = PlaygroundPage(session)
    session.news.connect(found.on_news)
    qtbot.addWidget(found)
    found.resize(1000, 700)
    found.refresh()
    found.show()
    yield found
    found.leave()
    session.rest()


def scored(page, qtbot, prompt, *answers):
    """The answers get 0, 1, 2 ...; returns the job."""
    asks(page, qtbot, prompt, *answers)
    return worked(page)


def asks(page, qtbot, prompt, *answers):
    page.prompt.setPlainText(prompt)
    page.completion.setPlainText("\n---\n".join(answers))
    press(page, qtbot, "Score")


def worked(page):
    """The scores are there, as a worker would write them."""
    job = queue.listed(page.session.project, ScoreJob)[0]
    count = len(job.config.completions)
    worker = open_project(page.session.project.folder)
    result = ScoreResult(scores=tuple(map(float, range(count))), wins=((0.5,) * count,) * count)
    Recorder(worker, job.id).record(Result(result))
    set_job(worker, job.id, status="done")
    worker.close()
    page.session.look_again()
    return job


def said(page):
    return [(turn.role, turn.content) for turn in page.talk.talk.messages]


def two_turns(page, qtbot):
    """It went on from the second answer, and two further ones are scored."""
    scored(page, qtbot, "Hi", "Yes?", "Hello there!")
    press(page, qtbot, "Go on from here")
    return scored(page, qtbot, "Who are you?", "Nobody.", "A friend.")


def test_what_comes_next_is_scored_as_an_answer_to_the_turns_before(page, qtbot):
    assert scored(page, qtbot, "Hi", "Yes?", "Hello there!").config.prompt == "Hi"
    press(page, qtbot, "Go on from here")
    assert "Hello there!" in page.bubbles.text and page.prompt.toPlainText() == page.completion.toPlainText() == ""
    assert page.scores.rowCount() == 0, "those were of another question"
    config = scored(page, qtbot, "Who are you?", "Nobody.", "A friend.").config
    assert [(turn["role"], turn["content"]) for turn in json.loads(config.conversation)] == [
        ("user", "Hi"), ("assistant", "Hello there!"), ("user", "Who are you?")
    ]  # fmt: skip
    assert (config.prompt, config.completions) == ("", ("Nobody.", "A friend."))
    page.scores.setCurrentCell(0, 0)
    press(page, qtbot, "Go on from here")
    assert said(page)[-1] == ("assistant", "Nobody.")


def test_nothing_is_scored_before_it_is_asked_in_a_conversation(page, qtbot):
    scored(page, qtbot, "Hi", "Yes?")
    press(page, qtbot, "Go on from here")
    page.completion.setPlainText("more")
    press(page, qtbot, "Score")
    assert "Write what is said next" in page.said.text()
    assert len(queue.listed(page.session.project, ScoreJob)) == 1


def test_a_system_turn_is_judged_too(page, qtbot):
    press(page, qtbot, "System turn")
    qtbot.keyClicks(page.bar.system, "Be brief.")
    job = scored(page, qtbot, "Hi", "Yes?", "No.")
    assert [turn.role for turn in job.config.asked.messages] == ["system", "user"]
    press(page, qtbot, "Go on from here")
    assert said(page) == [("system", "Be brief."), ("user", "Hi"), ("assistant", "No.")]


def test_a_turn_is_taken_back_with_all_that_was_scored_and_comes_again_after_a_restart(page, qtbot):
    two_turns(page, qtbot)
    other = PlaygroundPage(page.session)
    qtbot.addWidget(other)
    assert said(other) == said(page) == [("user", "Hi"), ("assistant", "Hello there!")]
    page.prompt.clear()
    page.completion.clear()
    press(page, qtbot, "Take back the last turn")
    assert said(page) == []
    assert (page.prompt.toPlainText(), page.completion.toPlainText()) == ("Hi", "Yes?\n---\nHello there!")
    page.session.replay("undo")
    page.refresh()
    assert said(page) == said(other)
    press(page, qtbot, "New conversation")
    assert said(page) == [] and page.prompt.toPlainText() == "Hi", "what is typed stays"


def test_a_conversation_is_begun_where_the_project_was_moved(page, qtbot, tmp_path):
    two_turns(page, qtbot)
    shutil.move(page.session.project.folder, tmp_path / "elsewhere")
    press(page, qtbot, "New conversation")
    assert said(page) == []
    shutil.move(tmp_path / "elsewhere", page.session.project.folder)
    page.leave()
    again = PlaygroundPage(page.session)
    qtbot.addWidget(again)
    assert said(again) == [], "what could not be written at first is written by now"


def test_scores_of_another_conversation_are_not_gone_on_from(page, qtbot):
    two_turns(page, qtbot)
    job = queue.listed(page.session.project, ScoreJob)[0]
    press(page, qtbot, "New conversation")
    assert not page.talk.fits(job) and not page.go_on_button.isVisible()


def test_scores_that_come_when_another_conversation_was_begun_are_not_shown(page, qtbot):
    two_turns(page, qtbot)
    asks(page, qtbot, "And?", "a", "b")
    press(page, qtbot, "New conversation")
    worked(page)
    assert page.scores.rowCount() == 0 and "another conversation" in page.said.text()
    assert not page.bar.rank_button.isVisible() and not page.go_on_button.isVisible()
    asks(page, qtbot, "And?", "a", "b")
    worked(page)
    assert page.scores.rowCount() == 2 and page.bar.rank_button.isVisible()


def test_what_was_typed_since_it_was_scored_stays(page, qtbot):
    scored(page, qtbot, "Hi", "Yes?", "Hello there!")
    more = "Yes?\n---\nHello there!\n---\nA third"
    page.completion.setPlainText(more)
    press(page, qtbot, "Go on from here")
    assert (page.prompt.toPlainText(), page.completion.toPlainText()) == ("", more)
    scored(page, qtbot, "Who are you?", "Nobody.", "A friend.")
    page.prompt.setPlainText("Who, really?")
    press(page, qtbot, "Go on from here")
    assert (page.prompt.toPlainText(), page.completion.toPlainText()) == ("Who, really?", "")


def test_scored_answers_are_ranked_as_their_writers_own(page, qtbot):
    job = two_turns(page, qtbot)
    press(page, qtbot, "Rank these")
    assert "Sent to Rank" in texts(page)
    number = prompts.id_of(page.session.project, job.config.asked)
    (group,) = completions.texts_by_group(page.session.project, number)
    found = completions.group(page.session.project, group).completions
    assert [item.text for item in found] == ["Nobody.", "A friend."] and all(item.written_by for item in found)
    page.session.replay("undo")
    assert prompts.id_of(page.session.project, job.config.asked) is None


def test_one_answer_is_not_ranked_and_two_more_are_written_by_the_base(page, qtbot):
    scored(page, qtbot, "Hi", "Yes?", "Yes?")
    assert not page.bar.rank_button.isEnabled()
    press(page, qtbot, "Two more answers, blind")
    (job,) = queue.listed(page.session.project, GenerateJob)
    assert (job.config.policy_job, job.config.completions, job.config.rank_first) == (0, 2, True)
    assert prompts.get(page.session.project, job.config.prompt_ids[0]).text == "Hi"


def test_an_earlier_turn_is_sent_with_what_was_scored_for_it(page, qtbot):
    two_turns(page, qtbot)
    page.bubbles.turn_chosen.emit(1)
    (box,) = boxes()
    me = page.session.labeler_name
    assert labelers.find(page.session.project, me) is None, "who only looks is no labeler"
    assert f"{me} counts as the writer" in box.informativeText()
    (button,) = [button for button in box.buttons() if button.text() == "Rank these"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    number = next(prompt.id for prompt in prompts.listed(page.session.project) if prompt.text == "Hi")
    assert list(completions.texts_by_group(page.session.project, number).values()) == [("Yes?", "Hello there!")]


def test_what_the_model_reads_is_looked_at_from_here(open_window, judged, qtbot):
    window = open_window()
    window.workspace.open(judged.folder)
    tab = window.open_tab(TabId.REWARD)
    assert tab.conversation() is None
    tab.open_page(PageId.TRY_IT)
    qtbot.keyClicks(tab.playground.prompt, "Hi")
    assert tab.conversation().text == "Hi"
