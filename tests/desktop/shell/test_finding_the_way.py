"""What leads somebody round: the next step, the tour, the command palette, the jobs panel, notices, leaving."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton

from core import demo
from core.config.jobs import JOBS, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainRewardJob
from core.events import NewCompletion, Sample, Samples
from core.guidance import tour
from core.guidance.next_step import ENOUGH, next_step
from core.guidance.steps import Step
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.records import NewRanking, Prompt
from core.store import completions, labelers, open_project, prompts, rankings
from desktop import user_settings
from desktop.background import busy
from desktop.guide import guide
from desktop.guide.window import GuideWindow
from desktop.palette.palette import CommandPalette
from desktop.places import TABS, TabId
from desktop.policy.actions import RANK_OWN
from desktop.review.actions import ADD_NEWEST
from desktop.shell import actions, commands
from desktop.shell.features import FEATURES
from desktop.shell.jobs_panel import JobsPanel
from desktop.widgets.bound import bound_in
from tests.jobs import set_job


def finished(project, kind, **result):
    """A job of a kind as it looks when it is done."""
    job = queue.enqueue(project, kind, config_values(JOBS[kind].config(), options_of(kind)))
    set_job(project, job.id, status="done", result=json.dumps(result))
    return job


def options_of(kind):
    return ALGORITHMS["ppo"].config() if kind == "train-policy" else None


def words(widget):
    return " ".join(shown.text() for shown in widget.findChildren(QLabel) if not shown.isHidden())


def test_the_next_step_follows_the_loop(filled):
    assert next_step(filled).title == "Rank 6 more prompts", "as many as there are"
    gold.rank_all(filled, "length")
    step = next_step(filled)
    assert (step.title, step.step) == (f"Add {ENOUGH - 6} more prompts", Step.PROMPTS), "there is none left to rank"
    prompts.add(filled, [Prompt(0, f"another {number}?") for number in range(ENOUGH)])
    assert next_step(filled).title == "Write completions"
    finished(filled, "train-reward", accuracy=0.75, heldout_pairs=12)
    assert next_step(filled).step == Step.TUNE, "who trains with fewer may go on"
    assert "cannot be told from chance" in next_step(filled).why, "9 of 12 pairs"
    finished(filled, "train-reward", accuracy=0.75, heldout_pairs=120)
    assert "chance" not in next_step(filled).why
    by_prompts = {"model": "reward", "eval_accuracy": 0.75, "eval_accuracy_low": 0.49}
    finished(filled, "train-reward", accuracy=0.75, heldout_pairs=120, models=[by_prompts])
    assert "cannot be told from chance" in next_step(filled).why, "the pairs are of a few prompts"
    finished(filled, "train-reward", accuracy=0.75, heldout_pairs=120)
    finished(filled, "train-policy")
    assert next_step(filled).step == Step.COMPARE
    finished(filled, "compare")
    assert next_step(filled).title == "Begin the next round"
    written = finished(filled, "generate").id
    rows = (NewCompletion("one", 1, True, 0), NewCompletion("two", 1, True, 0))
    completions.add_group(filled, prompts.listed(filled)[-1].id, rows, job_id=written)
    assert next_step(filled).title == "Rank 1 more prompt", "what the tuned policy wrote"
    finished(filled, "train-reward")
    assert next_step(filled).step == Step.TUNE, "a newer reward model wants a newer policy"


def test_prompts_that_wait_for_completions_count_as_prompts_to_rank(filled):
    prompts.add(filled, [Prompt(0, f"another {number}?") for number in range(ENOUGH)])
    step = next_step(filled)
    assert step.title == f"Rank {ENOUGH} more prompts"
    assert f"{ENOUGH - 6} of them wait for completions" in step.why and "add prompts" not in step.why


def test_card_and_pages_agree_once_all_of_too_few_are_ranked(open_window, filled, qtbot):
    user_settings.set_labeler_name("somebody")
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.REWARD)
    empty = window.tabs[TabId.REWARD].training.empty
    qtbot.waitUntil(lambda: "Rank some prompts" in empty.text.text() and empty.action.text() == "Go to Rank")
    rank_by_hand(window, 6)
    assert f"Add {ENOUGH - 6} more prompts" in words(window.page.sidebar.next)
    assert "A reward model can learn from them now, and better from 20 prompts" in words(window.page.sidebar.next)
    assert window.page.sidebar.next.main.text() == "Prompts →"
    qtbot.waitUntil(lambda: "Train it now with the button at the left, or add prompts." in empty.text.text())
    advice = window.tabs[TabId.REWARD].training.advice.text()
    assert advice == f"It can be trained now, and better with {ENOUGH - 6} more ranked prompts."
    empty.action.click()
    assert window.tabs[TabId.INSTRUCTIONS].prompts.adding.new_text.isVisible()
    window.open_tab(TabId.RANK)
    pages = window.tabs[TabId.RANK].stack
    qtbot.waitUntil(lambda: pages.currentWidget() is pages.all_ranked)
    said = f"can learn from it now, and better with {ENOUGH - 6} more ranked prompts."
    assert pages.all_ranked.text.text().endswith(said)


@pytest.mark.parametrize("status", ["queued", "running", "paused"])
def test_a_second_tuning_is_at_work_as_the_first_was(open_window, filled, status):
    gold.rank_all(filled, "length")
    for kind in ("train-reward", "train-policy", "compare"):
        finished(filled, kind)
    held = lock.acquire(filled.folder)
    window = open_window()
    window.workspace.open(filled.folder)
    card = window.page.sidebar.next
    assert "Begin the next round" in words(card)
    job = finished(filled, "train-policy")
    set_job(filled, job.id, status=status)
    window.session.poll()
    assert "At work" in words(card) and "Tune policy" in words(card) and card.main.text() == "Tune →"
    assert ("It is paused." in words(card)) == (status == "paused")
    if status == "paused":
        set_job(filled, job.id, status="running", done=3, total=8)
        window.session.poll()
        assert "It is paused." not in words(card), "it goes on"
    card.main.click()
    assert window.shown == TabId.TUNE
    held.close()


def test_without_held_out_prompts_nothing_can_be_measured(filled):
    for prompt in prompts.listed(filled, split="heldout"):
        prompts.edit(filled, prompt.id, split="train")
    assert next_step(filled).title == "Hold some prompts out"


def test_an_empty_project_is_told_to_write_prompts(project):
    assert next_step(project).step == Step.PROMPTS


def test_the_card_follows_what_is_done_and_leads_there(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    assert "Rank 6 more prompts" in words(window.page.sidebar.next)
    qtbot.mouseClick(window.page.sidebar.next.main, Qt.MouseButton.LeftButton)
    assert window.shown == TabId.RANK
    other = open_project(filled.folder)
    gold.rank_all(other, "length")
    other.close()
    window.session.poll()
    assert f"Add {ENOUGH - 6} more prompts" in words(window.page.sidebar.next)
    qtbot.mouseClick(window.page.sidebar.next.main, Qt.MouseButton.LeftButton)
    instructions = window.tabs[TabId.INSTRUCTIONS]
    assert instructions.prompts.adding.new_text.isVisible(), "and it opens the page where they are added"


def rank_by_hand(window, count):
    project = window.session.project
    person = labelers.named(project, "somebody")
    for group in completions.group_ids(project)[:count]:
        ranks = {completion: place for place, completion in enumerate(completions.ids(project, group), 1)}
        window.session.announce(rankings.add(project, NewRanking(group, person.id, ranks)))


def test_the_tour_goes_round_with_real_jobs_and_goes_on_after_a_restart(open_window, started, qtbot):
    folder = demo.install()
    window = open_window()
    window.workspace.open(folder)
    card = window.page.sidebar.next
    assert "Take the tour" in words(card)
    card.main.click()
    guide = window.page.tour
    assert "stop 1 of 5" in words(guide) and guide.main.text() == "Go on", "what the demo has is left out"
    assert guide.pointer.target is window.tabs[TabId.INSTRUCTIONS].guidelines.editors["criteria"]
    guide.main.click()
    assert "0 of 3 done" in words(guide) and window.shown == TabId.RANK
    rank_by_hand(window, 2)
    assert "2 of 3 done" in words(guide)
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    window.workspace.open(folder)
    guide = window.page.tour
    assert "2 of 3 done" in words(guide), "a tour goes on where it was"
    guide.skip.click()
    assert guide.main.text() == "Start it"
    assert guide.pointer.target is window.tabs[TabId.REWARD].training.train
    held = lock.acquire(folder)
    guide.main.click()
    job = window.session.jobs(TrainRewardJob)[0]
    assert job.status == "queued" and started
    assert "It is at work." in words(guide) and not guide.main.isEnabled()
    assert window.tabs[TabId.REWARD].training.runs.current == job.id, "its curves are shown"
    set_job(window.session.project, job.id, status="done")
    window.session.poll()
    assert "Done." in words(guide) and guide.main.text() == "Go on"
    held.close()
    guide.end.click()
    assert tour.place(window.session.project) is None
    assert not guide.isVisible() and not guide.pointer.ring.isVisible()
    assert "Next" in words(window.page.sidebar.next)


def test_the_tour_stays_beside_what_it_speaks_of_and_is_taken_by_keys(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.take_tour()
    assert window.session.project.folder == filled.folder, "in the project that is open"
    guide = window.page.tour
    assert window.focusWidget() is guide.main

    def points():
        ring, target = guide.pointer.ring, guide.pointer.target
        middle = target.mapTo(window.page, target.rect().center())
        beside = not guide.geometry().contains(middle)
        return ring.isVisible() and ring.geometry().contains(middle) and beside

    qtbot.waitUntil(points)
    window.resize(window.width() + 160, window.height() + 90)
    qtbot.waitUntil(points)
    qtbot.keyClick(guide.main, Qt.Key.Key_Escape)
    assert window.focusWidget() is window.tabs[TabId.INSTRUCTIONS].guidelines.editors["criteria"]
    window.menus.made[actions.TOUR_HERE].trigger()
    assert window.focusWidget() is guide.main
    qtbot.keyClick(guide.main, Qt.Key.Key_Space)
    board = window.tabs[TabId.RANK].board
    assert "Rank 3 prompts" in words(guide) and guide.pointer.target is board.grid
    assert window.focusWidget() is board, "where arrows choose a card, too"
    window.open_tab(TabId.REVIEW)
    qtbot.waitUntil(points)
    assert guide.pointer.target is window.page.sidebar.button(TabId.RANK), "the way back, from another page"
    assert guide.main.text() == "Show Rank"
    guide.main.click()
    rank_by_hand(window, 3)
    guide.main.click()
    assert guide.main.text() == "Start it" and "Train a reward" not in words(guide)
    guide.skip.click()
    assert "There is no reward model yet: train one first." in words(guide) and guide.main.text() == "Leave it out"
    primary = [each for each in guide.findChildren(QPushButton) if each.property("role") == "primary"]
    assert primary == [guide.main]


def test_the_tour_covers_nothing_at_its_stops_however_narrow_the_window(open_window, project, qtbot):
    """Where it lies over the page there is but one colour below it; else it stands at the foot of the tab."""
    window = open_window()
    window.resize(1280, 720)
    window.workspace.open(project.folder)
    window.take_tour()
    page, guide = window.page, window.page.tour
    ways, stops = set(), []
    while (place := tour.place(window.session.project)) is not None:
        qtbot.wait(50)
        qtbot.waitUntil(lambda: not busy())
        ways.add(guide.pointer.docked)
        stops.append((place.stop.step, guide.main.text()))
        if guide.pointer.docked:
            assert not guide.geometry().intersects(page.tab_stack.geometry())
        else:
            below = guide.geometry()
            guide.hide(), guide.pointer.ring.hide()
            picture = page.grab(below).toImage()
            colours = {picture.pixel(x, y) for x in range(0, below.width(), 2) for y in range(0, below.height(), 2)}
            assert len(colours) == 1, place.stop.title
            guide.take_keys()
        if place.stop.step == Step.PROMPTS:
            window.session.announce(prompts.add(window.session.project, [Prompt(0, "How are you?")]))
        (guide.skip if guide.skip.isVisible() else guide.main).click()
    assert ways == {True, False} and not guide.isVisible()
    assert stops == [
        (Step.GUIDELINES, "Go on"), (Step.PROMPTS, "Go on"), (Step.GENERATE, "Go on"), (Step.RANK, "Leave it out"),
        (Step.TRAIN_REWARD, "Leave it out"), (Step.TUNE, "Leave it out"), (Step.COMPARE, "Finish"),
    ]  # fmt: skip


def test_an_empty_project_has_a_tour_that_begins_with_prompts(project):
    tour.begin(project)
    stops = []
    while (place := tour.place(project)) is not None:
        stops.append((place.stop.step, bool(place.lacks)))
        tour.go_on(project)
    assert stops == [
        (Step.GUIDELINES, False), (Step.PROMPTS, False), (Step.GENERATE, True), (Step.RANK, True),
        (Step.TRAIN_REWARD, True), (Step.TUNE, True), (Step.COMPARE, True),
    ]  # fmt: skip
    project.set_setting(tour.SETTING, {"at": 1, "ranking": 0, "job": 0})
    place = tour.place(project)
    assert (place.stop.step, place.count) == (Step.RANK, 5), "as an earlier version began it"


def test_the_palette_finds_menus_buttons_and_fields_and_runs_them(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    window.show_commands()
    palette = window.findChild(CommandPalette)
    names = {command.name for command in palette.commands}
    assert {"Start", "New project", "Dark theme", "Compare", "Set Learning rate"} <= names
    qtbot.keyClicks(palette.typed, "theme dark")
    assert palette.found.count() == 1
    qtbot.keyClick(palette.typed, Qt.Key.Key_Return)
    assert user_settings.theme() == "dark"
    window.set_theme("light")


@pytest.mark.parametrize("tab", TabId)
def test_what_is_offered_of_a_page_from_elsewhere_is_there(open_window, qtbot, tab):
    """On the demo, which has something everywhere."""
    window = open_window()
    window.workspace.open(demo.install())
    shown = window.open_tab(tab)
    for page in shown.info.pages or (None,):
        if page is not None:
            shown.show_page(page)
        qtbot.waitUntil(lambda: not busy(), timeout=60_000)
        there = {each.action for each in bound_in(shown) if each.available}
        offered = {each for each in FEATURES if each.tab == tab and each.page in (None, page) and not each.only_here}
        assert offered <= there


def test_the_palette_leads_to_what_another_page_offers_without_building_it_before(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.show_commands()
    palette = window.findChild(CommandPalette)
    assert TabId.REVIEW not in window.tabs
    qtbot.keyClicks(palette.typed, "set name labeler")
    assert palette.found.count() == 1
    qtbot.keyClick(palette.typed, Qt.Key.Key_Return)
    page = window.tabs[TabId.REVIEW].labelers
    assert window.shown == TabId.REVIEW and page.isVisible()
    assert window.focusWidget() is page.name
    window.do(ADD_NEWEST)
    window.do(RANK_OWN)
    assert window.shown == TabId.TUNE and "cannot be done now" in window.notice.text.text()


def test_recent_projects_are_found_by_name(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.show_commands()
    (found,) = [each for each in window.findChild(CommandPalette).commands if each.where == str(filled.folder)]
    assert found.name == "Test project"


def test_what_begins_with_the_word_comes_first_and_nonsense_finds_nothing():
    found = [commands.Command(name, "", "", print) for name in ("Export model", "Show models", "Model")]
    assert [command.name for command in commands.matching(found, "mod")] == ["Model", "Export model", "Show models"]
    assert not commands.matching(found, "xyz")


def test_the_jobs_panel_lists_logs_and_stops(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    held = lock.acquire(filled.folder)
    window.panels.show_jobs()
    panel = window.findChild(JobsPanel)
    assert "No jobs yet" in words(panel)
    first = window.session.start(JobKind.GENERATE, GenerateConfig())
    window.session.start(JobKind.GENERATE, GenerateConfig())
    worker = open_project(filled.folder)
    set_job(worker, first.id, status="running", done=3, total=6)
    worker.database.execute(
        "insert into job_log (job_id, at, text) values (?, '2026-01-02T03:04:05', 'hello')", (first.id,)
    )
    worker.close()
    window.session.poll()
    assert panel.table.rowCount() == 2
    assert panel.table.item(1, 3).text().startswith("3 of 6")
    panel.table.setCurrentCell(1, 0)
    assert "hello" in panel.log.toPlainText()
    panel.table.setCurrentCell(0, 0)
    panel.stop.click()
    window.session.poll()
    assert panel.table.item(0, 2).text() == "stopped"
    assert panel.current.id == 2, "the choice stays where it was"
    held.close()


def test_the_title_says_how_far_a_job_is_and_its_end_is_told_to_who_looks_elsewhere(open_window, filled, monkeypatch):
    window = open_window()
    window.workspace.open(filled.folder)
    monkeypatch.setattr(window, "isActiveWindow", lambda: False)
    held = lock.acquire(filled.folder)
    job = window.session.start(JobKind.GENERATE, GenerateConfig())

    def told(**values):
        set_job(window.session.project, job.id, **values)
        window.session.poll()

    told(status="running", done=3, total=6, seconds=40)
    assert window.windowTitle().startswith("50%")
    told(status="done", done=6)
    assert window.windowTitle() == "Test project – Plumbline"
    assert window.notices.told == [f"Job {job.id}, Generate completions, is done after 40 s."]
    held.close()


@pytest.mark.parametrize(
    ("button", "wanted", "closed"), [("Go on", "run", True), ("Stop", "stop", True), ("Keep", "run", False)]
)
def test_closing_on_a_job_asks_and_does_as_told(open_window, filled, qtbot, button, wanted, closed):
    window = open_window()
    window.workspace.open(filled.folder)
    held = lock.acquire(filled.folder)
    job = window.session.start(JobKind.GENERATE, GenerateConfig())
    set_job(window.session.project, job.id, status="running")
    window.session.poll()
    window.close()
    assert window.isVisible()
    box = window.findChild(QMessageBox)
    assert f"Job {job.id}" in box.text()
    next(push for push in box.buttons() if push.text().startswith(button)).click()
    qtbot.waitUntil(lambda: window.isVisible() != closed)
    project = open_project(filled.folder)
    assert queue.get(project, job.id).wanted == wanted
    project.close()
    held.close()


@pytest.mark.parametrize("kind", TABS, ids=lambda kind: kind.title)
def test_help_on_a_tab_opens_its_page_of_the_guide(open_window, filled, qtbot, kind):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(kind.id)
    aids = [push for push in window.tabs[kind.id].findChildren(QPushButton) if push.text() == "?"]
    assert len(aids) == 1 and aids[0].isVisible()
    window.show_guide()
    assert window.findChild(GuideWindow).pages.page == kind.guide


def test_the_guide_begins_for_those_who_never_saw_it_and_its_figures_move(open_window, qtbot):
    from desktop.guide.figures import Clip, Figure, OverOptimisation, PairLoss

    dialog = guide.show("rlhf", open_window())
    loss, clip, over = dialog.findChildren(Figure)
    assert (type(loss), type(clip), type(over)) == (PairLoss, Clip, OverOptimisation)
    loss.slider.setValue(50)
    assert loss.at.getData()[1][0] == pytest.approx(0.6931, abs=1e-4), "ln 2 where it cannot tell"
    over.slider.setValue(0)
    far = over.at.getData()
    over.slider.setValue(100)
    near = over.at.getData()
    assert far[0][0] > near[0][0], "a cheaper KL goes further"
    assert far[1][0] > near[1][0] and far[1][1] < near[1][1], "learned rises, gold falls"


def test_undo_says_what_it_took_back_and_leaves_the_labeler_alone(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    window.open_tab(TabId.INSTRUCTIONS)
    window.session.announce(prompts.edit(window.session.project, 1, tags=("new",)))
    window.take_back("undo")
    assert prompts.get(window.session.project, 1).tags == ("test",)
    assert window.notice.text.text() == "Undone: Edit prompt."
    window.open_tab(TabId.RANK)
    rank = window.tabs[TabId.RANK]
    for key in (Qt.Key.Key_B, Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_D, Qt.Key.Key_Return):
        qtbot.keyClick(rank.board, key)
    assert window.session.project.database.value("select count(*) from rankings") == 1
    window.take_back("undo")
    assert window.session.project.database.value("select count(*) from current_rankings") == 0


def test_the_jobs_panel_goes_with_its_project(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.panels.show_jobs()
    window.panels.show_jobs()
    assert len(window.findChildren(JobsPanel)) == 1
    window.workspace.close()
    qtbot.waitUntil(lambda: window.panels.jobs is None)


def test_compare_shows_what_belongs_to_the_chosen_policy(open_window, filled):
    runs = [finished(filled, "train-policy", adapter=f"runs/{number}/x") for number in (1, 2)]
    finished(filled, "compare", policy_job=runs[0].id, reward_before=0.0, reward_after=1.0, kl=2.0, prompts=7)
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.COMPARE)
    compare = window.tabs[TabId.COMPARE]
    assert compare.policy.currentData() == runs[1].id
    assert "Not compared yet" in words(compare), "another policy's figures are not its own"
    compare.policy.setCurrentIndex(compare.policy.findData(runs[0].id))
    compare.policy.activated.emit(compare.policy.currentIndex())
    assert compare.what.text() == f"Run {runs[0].id} beside the reference, on 7 held-out prompts"
    assert compare.results.figures.after.value.text() == "+1.00"


def test_a_share_of_two_answers_is_not_sure(open_window, filled):
    run = finished(filled, "train-policy", adapter="runs/1/x")
    job = finished(filled, "compare", policy_job=run.id, reward_before=0.0, reward_after=1.0, kl=2.0, prompts=2)
    sides = (("reference", 0.0), ("tuned", 1.0))
    answers = tuple(Sample(f"p{n}", "a", side, score=score) for n in range(2) for side, score in sides)
    Recorder(filled, job.id).record(Samples(0, answers))
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.COMPARE)
    wins = window.tabs[TabId.COMPARE].results.figures.wins
    assert (wins.value.text(), wins.between.text()) == ("100%", "2 of 2, 34–100%"), "Wilson 1927: 0.342 to 1"


def test_a_window_that_was_closed_on_a_job_comes_back_where_it_was(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.REWARD)
    held = lock.acquire(filled.folder)
    job = window.session.start(JobKind.GENERATE, GenerateConfig())
    window.leave()
    qtbot.waitUntil(window.isHidden)
    again = open_window()
    qtbot.waitUntil(lambda: again.session is not None)
    assert again.session.project.folder == filled.folder and again.shown == TabId.REWARD
    again.session.stop(job.id)
    again.session.poll()
    again.leave()
    assert user_settings.left_running() is None, "nothing runs any more: the next window begins at the beginning"
    held.close()
