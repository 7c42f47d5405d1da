"""The slider: an answer step by step, by hand and by itself, in the window and before a room."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.config.jobs import JobKind, config_values
from core.config.slider import SlideConfig, SlideJob, SlideResult
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult
from core.events import Checkpoint, Result, Sample, Samples
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.store import prompts
from desktop.places import PageId
from desktop.policy import slide_player
from desktop.policy.tab import Tab
from tests.jobs import set_job

Key = Qt.Key
PROMPT = "What could I bring?"
TEXTS = ("A plant.", "A nice plant.", "A nice plant, <b>friend</b>!")


def run_of_policy(project):
    config = config_values(TrainPolicyConfig(), ALGORITHMS["ppo"].config())
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config)
    record = Recorder(project, job.id).record
    record(Checkpoint(5, lambda folder: (folder / "a.json").write_text("{}")))
    record(Result(TrainPolicyResult(steps=5)))
    set_job(project, job.id, status="done")
    return job


def answered(project, run, prompt=PROMPT, texts=TEXTS, job=None):
    """As the job `slide` leaves it behind."""
    job = job or queue.enqueue(project, JobKind.SLIDE, config_values(SlideConfig(policy_job=run.id, prompts=(prompt,))))
    record, traces = Recorder(project, job.id).record, []
    for step, text in enumerate(texts):
        record(Samples(step, (Sample(prompt, text, score=step - 0.5, kl=0.25 * step, tokens=len(text.split())),)))
        pieces = text.split(" ")
        numbers = [1.0 - place for place in range(len(pieces))]
        value = numbers if step else None
        traces.append({"step": step, "prompt": prompt, "pieces": pieces, "kl": numbers, "value": value})
    record(Checkpoint(len(texts), lambda folder: (folder / "tokens.json").write_text(json.dumps(traces))))
    record(Result(SlideResult(policy_job=run.id, lacks="It knows no advantage.")))
    set_job(project, job.id, status="done")
    return job


@pytest.fixture
def tab(qtbot, session):
    held = lock.acquire(session.project.folder)
    run = run_of_policy(session.project)
    session.look_again()
    found = Tab(session)
    found.resize(1100, 900)
    qtbot.addWidget(found)
    found.show()
    qtbot.waitExposed(found)
    found.show_page(PageId.SLIDER)
    found.run = run
    yield found
    held.close()


def test_one_goes_through_the_answers_by_hand(tab):
    page = tab.slider
    assert page.empty.isVisible() and not page.present.isVisible()
    answered(tab.session.project, tab.run)
    tab.session.look_again()
    page.show_run(tab.run.id)
    view, slider = page.player.view, page.player.slider
    assert page.choice.currentText().startswith(PROMPT) and slider.maximum() == 2
    assert view.when.whole == "Before step 1"
    slider.setFocus()
    QTest.keyClick(slider, Key.Key_Right)
    assert view.when.whole == "Step 1" and view.text.toPlainText() == TEXTS[1]
    assert view.figures.whole.split() == ["Reward", "+0.50", "KL", "0.25", "nats", "3", "tokens"]
    assert "background-color" in view.text.toHtml()
    QTest.keyClick(view.text, Key.Key_End)
    assert view.text.toPlainText() == TEXTS[2], "a stranger's tags are text"
    QTest.keyClick(view.text, Key.Key_Left)
    QTest.keyClick(view.text, Key.Key_Left)
    QTest.keyClick(view.text, Key.Key_Left)
    assert slider.value() == 0


def test_a_click_on_its_tab_leads_the_keys_to_the_slider(tab, qtbot):
    """Space starts the show, and presses nothing that had the focus before."""
    answered(tab.session.project, tab.run)
    tab.show_page(PageId.SAMPLES)
    tab.activateWindow()
    page, bar = tab.slider, tab.pages.tabBar()
    page.show_run(tab.run.id)
    tab.start_button.setFocus()
    place = tab.pages.indexOf(page)
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(place).center())
    assert tab.window().focusWidget() is page.player.slider
    qtbot.keyClick(tab.window().focusWidget(), Key.Key_Space)
    assert page.player.plays and len(queue.listed(tab.session.project)) == 2
    assert page.held_out.text() == "Answer held-out prompts"


def test_it_is_said_where_an_answer_is_another_one_as_a_whole(tab):
    texts = ("A plant.", "Nobody knew why they had left")
    answered(tab.session.project, tab.run, texts=texts)
    tab.session.look_again()
    tab.slider.show_run(tab.run.id)
    view = tab.slider.player.view
    assert view.legend.text().startswith("Marked is")
    tab.slider.player.slider.setValue(1)
    assert view.text.toPlainText() == texts[1] and "background-color" not in view.text.toHtml()
    assert "another one as a whole" in view.legend.text()


def test_the_words_take_the_colour_of_their_numbers(tab):
    answered(tab.session.project, tab.run)
    tab.session.look_again()
    page = tab.slider
    page.show_run(tab.run.id)
    view = page.player.view
    page.player.slider.setValue(1)
    for name in ("kl", "value"):
        view.colour.setCurrentIndex(view.colour.findData(name))
        assert "background-color" in view.text.toHtml() and "∎" not in view.text.toPlainText()
    view.colour.setCurrentIndex(view.colour.findData("advantage"))
    assert view.legend.whole == "It knows no advantage."
    view.colour.setCurrentIndex(view.colour.findData("value"))
    page.player.slider.setValue(0)
    assert "Before the first step" in view.legend.whole


def test_it_plays_by_itself_and_loops_or_ends(tab, qtbot):
    answered(tab.session.project, tab.run)
    tab.session.look_again()
    page = tab.slider
    page.show_run(tab.run.id)
    player = page.player
    player.clock.setInterval(20)
    QTest.keyClick(player.slider, Key.Key_Space)
    assert player.plays and player.play.text() == "Pause"
    qtbot.waitUntil(lambda: not player.plays, timeout=5000)
    assert player.slider.value() == 2 and player.play.text() == "Play"
    player.loop.setChecked(True)
    QTest.keyClick(player.view.text, Key.Key_Space)
    seen = []
    player.slider.valueChanged.connect(seen.append)
    qtbot.waitUntil(lambda: seen.count(0) >= 2, timeout=5000)
    QTest.keyClick(player.slider, Key.Key_Space)
    assert not player.plays
    player.toggle()
    tab.show_page(PageId.SAMPLES)
    assert not player.plays, "nobody looks"
    player.speed.setCurrentIndex(0)
    assert player.clock.interval() == min(slide_player.SPEEDS.values())


def test_the_show_before_a_room_goes_on_where_the_page_stood_and_back(tab, qtbot):
    answered(tab.session.project, tab.run)
    tab.session.look_again()
    page = tab.slider
    page.show_run(tab.run.id)
    page.player.slider.setValue(1)
    page.present.click()
    show = page.show_dialog
    qtbot.waitExposed(show)
    assert show.player.view.text.toPlainText() == TEXTS[1] and show.prompt.whole == PROMPT
    QTest.keyClick(show.player.slider, Key.Key_Right)
    QTest.keyClick(show, Key.Key_Escape)
    assert page.player.slider.value() == 2


def test_a_prompt_that_the_run_wrote_at_few_steps_is_answered_at_each_checkpoint(tab):
    page, project = tab.slider, tab.session.project
    number, text = 1, prompts.some(project, [1])[0].text
    record = Recorder(project, tab.run.id).record
    for step in (1, 4):
        record(Samples(step, (Sample(text, f"answer {step}", prompt_id=number),)))
    tab.session.look_again()
    assert page.choice.currentText().startswith(text) and "few answers" in page.said.whole
    page.write.click()
    assert queue.listed(project, SlideJob)[0].config.prompt_ids == (number,)


def test_a_prompt_is_typed_and_its_answers_are_shown_when_they_are_there(tab, qtbot):
    page, project = tab.slider, tab.session.project
    page.typed.setText("Another prompt")
    QTest.keyClick(page.typed, Key.Key_Return)
    job = queue.listed(project, SlideJob)[0]
    assert job.config.prompts == ("Another prompt",) and job.config.policy_job == tab.run.id
    assert "Answering" in page.said.whole
    answered(project, tab.run, "Another prompt", job=job)
    tab.session.look_again()
    assert page.choice.currentText().startswith("Another prompt") and "Answering" not in page.said.whole
    page.held_out.click()
    assert queue.listed(project, SlideJob)[0].config.asked == ()
