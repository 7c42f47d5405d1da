"""The Review tab and what belongs to it: pairs, agreement, bias, labelers; files in and out; the calibration set."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QPushButton

from core import data
from core.config.judging import JudgingJob
from core.jobs import queue
from core.labeling import pack
from core.preferences import agreement
from core.records import NewRanking, Prompt
from core.store import (
    Project,
    arena_votes,
    arenas,
    assignments,
    calibration,
    completions,
    labelers,
    open_project,
    prompts,
    ranking_history,
    rankings,
)
from desktop import user_settings
from desktop.background import busy
from desktop.instructions.import_dialog import ImportDialog
from desktop.places import TabId
from desktop.projects import actions
from desktop.rank.panels.history import by
from desktop.rank.tab import Tab as RankTab
from desktop.review import actions as review_actions
from desktop.review import labelers_page
from desktop.review.export_dialog import ExportDialog
from desktop.review.tab import Tab
from desktop.session import Session
from tests.core.labeling.test_labelers import person, rank
from tests.desktop.compare.arenas import NAMES, add_arena
from tests.desktop.rank.ranking import Key, press
from tests.pages import Filled
from tests.ranked import counting_rankings


@pytest.fixture
def ranked(filled: Project) -> Project:
    """Ana and Bo ranked two prompts, one alike and one the other way round; Bo flagged a third."""
    user_settings.set_labeler_name("Ana")
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    for group, theirs in ((1, (0, 1, 2, 3)), (2, (3, 2, 1, 0))):
        rank(filled, group, ana, 0, 1, 2, 3, seconds=20.0, shown=completions.ids(filled, group))
        rank(filled, group, bo, *theirs, seconds=5.0, shown=completions.ids(filled, group))
    rank(filled, 3, bo, flag="unsafe")
    return filled


@pytest.fixture
def tab(qtbot, ranked: Project, session: Session) -> Iterator[Tab]:
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1080, 720)
    with qtbot.waitExposed(found):
        found.show()
    settled(qtbot)
    yield found
    found.close()


def settled(qtbot) -> None:
    qtbot.waitUntil(lambda: not busy(), timeout=20_000)


def texts(widget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def click(widget, text: str) -> None:
    next(button for button in widget.findChildren(QPushButton) if button.text() == text and button.isVisible()).click()


def choose(box, value) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_a_pair_says_which_answer_was_written_by_hand(qtbot, ranked: Project, session: Session) -> None:
    ana = person(ranked, "Ana")
    (mine,) = completions.write(ranked, 1, ana, "mine").ids
    ids = completions.ids(ranked, 1)
    rankings.add(ranked, NewRanking(1, ana, {item: 1 if item == mine else 2 for item in ids}))
    tab = Tab(session)
    qtbot.addWidget(tab)
    tab.show()
    page = tab.pairs
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    choose(page.boxes["labeler_id"], ana)
    qtbot.waitUntil(lambda: {pair.labeler_id for pair in page.model.found} == {ana})
    row = next(at for at, pair in enumerate(page.model.found) if pair.chosen == "mine")
    page.view.selectRow(row)
    assert page.model.index(row, 1).data() == "✎ mine"
    assert [mark.text() for mark in page.hands] == ["✎ written by hand by Ana", ""]
    tab.close()


def test_pairs_are_counted_listed_and_filtered(qtbot, tab: Tab, ranked: Project) -> None:
    page = tab.pairs
    qtbot.waitUntil(lambda: page.numbers["pairs"].value.text() == "24")
    assert page.numbers["flagged prompts, which give none"].value.text() == "1"
    assert page.model.rowCount() == 24
    assert page.chosen.toPlainText() == page.model.found[0].chosen
    choose(page.boxes["labeler_id"], person(ranked, "Bo"))
    settled(qtbot)
    assert page.count.text() == "12 pairs"
    page.margin.setValue(3)
    qtbot.waitUntil(lambda: page.count.text() == "2 pairs")
    page.search.setText("question 2?")
    qtbot.waitUntil(lambda: page.count.text() == "1 pair")
    assert {pair.prompt for pair in page.model.found} == {"question 2?"}
    page.search.setText("nothing like it")
    qtbot.waitUntil(lambda: page.count.text() == "No pair passes the filter.")
    assert page.chosen.toPlainText() == ""


def test_where_nothing_is_ranked_each_page_says_what_to_do(qtbot, session: Session, filled: Project) -> None:
    found = Tab(session)
    qtbot.addWidget(found)
    found.show()
    settled(qtbot)
    for page, words in (
        (found.pairs, "No pairs yet"),
        (found.agreement, "Once two labelers rank the same prompts"),
        (found.bias, "Nothing to measure yet"),
        (found.labelers, "Nobody has ranked yet"),
    ):
        found.pages.setCurrentWidget(page)
        settled(qtbot)
        assert words in texts(page)
    found.close()


def test_agreement_is_shown_with_intervals_and_the_worst_prompt(qtbot, tab: Tab, ranked: Project) -> None:
    tab.pages.setCurrentWidget(tab.agreement)
    settled(qtbot)
    page = tab.agreement
    assert not page.empty.isVisible(), "while it computes, nobody knows that there is none"
    assert page.pairwise.value.text() == "50%"
    assert "2 prompts that at least two of 2 labelers ranked" in page.about.text()
    assert [page.by_labeler.item(row, 0).text() for row in range(2)] == ["Ana", "Bo"]
    assert page.by_labeler.item(0, 1).text().startswith("50%")
    qtbot.waitUntil(lambda: "question 2?" in texts(page))
    assert "2 labelers agree on 0% of the pairs" in texts(page)
    assert "question 1?" not in texts(page)


def test_labelers_who_are_not_compared_are_told_of(qtbot, tab: Tab, ranked: Project, monkeypatch) -> None:
    monkeypatch.setattr(agreement, "MOST_LABELERS", 2)
    rank(ranked, 1, person(ranked, "Cy"), 0, 1, 2, 3)
    tab.pages.setCurrentWidget(tab.agreement)
    settled(qtbot)
    assert "2 labelers are compared, those who share the most prompts: 1 is left out." in tab.agreement.about.text()


def test_the_calibration_set_is_made_and_unmade(qtbot, tab: Tab, ranked: Project) -> None:
    tab.pages.setCurrentWidget(tab.agreement)
    settled(qtbot)
    click(tab.agreement, "Add my newest ranking")
    settled(qtbot)
    assert calibration.keys(ranked) == {2: rankings.latest(ranked, person(ranked, "Ana")).id}
    assert "1 prompt in the set" in texts(tab.agreement)
    assert tab.agreement.by_labeler.item(1, 5).text().startswith("0%")
    qtbot.waitUntil(lambda: "Bo and the author agree on 0% of the pairs" in texts(tab.agreement))
    click(tab.agreement, "Take out")
    settled(qtbot)
    assert calibration.keys(ranked) == {}


def test_bias_is_drawn_for_all_and_for_one(qtbot, tab: Tab, ranked: Project) -> None:
    tab.pages.setCurrentWidget(tab.bias)
    page = tab.bias
    assert texts(page).count("Counting …") == 3, "no card is empty while it computes"
    settled(qtbot)
    assert "Counting …" not in texts(page)
    assert "Ana 20 s, Bo 5 s" in page.speed.sentence.text()
    assert "No place wins more often" in page.position.sentence.text()
    assert "The shorter one wins" in page.length.sentence.text() or "The longer one wins" in page.length.sentence.text()
    choose(page.who, person(ranked, "Bo"))
    settled(qtbot)
    assert page.speed.sentence.text() == "Median: Bo 5 s."


def test_labelers_are_added_and_share_the_prompts(qtbot, tab: Tab, ranked: Project) -> None:
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    page.name.setText("Cy")
    page.add()
    assert [who.name for who in labelers.listed(ranked)] == ["Ana", "Bo", "Cy"]
    page.share()
    assert "Tick at least one" in page.said.text()
    for row in range(3):
        page.table.item(row, 0).setCheckState(Qt.CheckState.Checked)
    page.overlap.setValue(2)
    page.share_button.click()
    assert sorted(assignments.assigned(ranked).values()) == [4, 4, 4]
    page.overlap.setValue(4)
    page.share()
    assert "1 up to 3" in page.said.text()
    page.unshare_button.click()
    assert assignments.assigned(ranked) == {}
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(0, 120), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(page.every, wheel)
    assert page.every.value() == 0, "the wheel scrolls the page"
    page.every.setValue(10)
    assert ranked.setting(assignments.REPEAT_EVERY) == 10


def test_of_thousands_of_labelers_those_who_take_part_and_the_newest_are_shown(qtbot, tab: Tab, ranked, monkeypatch):
    monkeypatch.setattr(labelers_page, "SHOWN", 4)
    newest = [person(ranked, f"who {number}") for number in range(9)]
    assignments.assign(ranked, [person(ranked, "Bo"), newest[0]], 1)
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    rows = {page.table.item(row, 1).text(): row for row in range(page.table.rowCount())}
    assert list(rows) == ["Bo", "who 0", "who 7", "who 8"] and "newest of 11 labelers" in page.more.text()
    settled(qtbot)
    for name, row in rows.items():
        waiting = len(assignments.queue(ranked, person(ranked, name)).waiting)
        assert page.table.item(row, 3).text() == str(waiting)
        assert page.table.item(row, 2).text() == str(rankings.count_by_labeler(ranked).get(person(ranked, name), 0))
    page.share()
    assert len(assignments.assigned(ranked)) == 2


def test_of_thousands_of_tags_and_labelers_the_most_used_can_be_chosen(qtbot, tab: Tab, ranked, monkeypatch):
    monkeypatch.setattr(review_actions, "CHOICES", 2)
    person(ranked, "Nobody yet")
    for number, prompt_id in enumerate(prompts.ids(ranked)):
        prompts.edit(ranked, prompt_id, tags=("often", *["some"] * (number < 3), f"once {number}"))
    page = tab.pairs
    page.refresh()
    settled(qtbot)
    offered = {name: [box.itemText(place) for place in range(box.count())] for name, box in page.boxes.items()}
    assert offered["tag"] == ["All tags", "often", "some"]
    assert offered["labeler_id"] == ["All labelers", "Ana", "Bo"]
    choose(page.boxes["tag"], "some")
    settled(qtbot)
    page.refresh()
    settled(qtbot)
    tagged = {prompt.text for prompt in prompts.listed(ranked) if "some" in prompt.tags}
    assert page.boxes["tag"].currentData() == "some" and {pair.prompt for pair in page.model.found} <= tagged


def test_a_pack_goes_out_and_comes_back_with_its_conflict_decided(
    qtbot, tab: Tab, ranked: Project, tmp_path: Path
) -> None:
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    page.packs.choose_pack()
    assert "Select the labeler" in page.said.text()
    file = tmp_path / f"bo{pack.SUFFIX}"
    page.packs.make_pack(file, "Bo")
    qtbot.waitUntil(lambda: "holds 3 prompts for Bo" in page.said.text())
    bo = open_project(pack.unpack(file, tmp_path / "bo"))
    rank(bo, 1, person(bo, "Bo"), 3, 0, 1, 2)
    rank(bo, 4, person(bo, "Bo"), 0, 1, 2, 3)
    pack.pack(bo, tmp_path / "back.plumbpack", "Bo")
    bo.close()
    rank(ranked, 1, person(ranked, "Bo"), 2, 0, 1, 3)
    told = []
    tab.session.changed.connect(lambda changes, _: told.append(changes.tables))
    page.packs.merge(tmp_path / "back.plumbpack")
    qtbot.waitUntil(lambda: "rankings are new" in page.said.text())
    assert {"rankings", "arena_votes"} <= told[0]  # an arena that is looked at is read again
    assert "1 conflict with rankings made here" in page.said.text()
    qtbot.waitUntil(lambda: "1 ranked in two places" in texts(page.conflicts))
    click(page.conflicts, "In the pack:  D > A > B > C")
    assert not page.conflicts.isVisible()
    ids = completions.ids(ranked, 1)
    now = next(item for item in counting_rankings(ranked, labeler_id=person(ranked, "Bo")) if item.group_id == 1)
    assert now.ranks == {ids[3]: 1, ids[0]: 2, ids[1]: 3, ids[2]: 4}
    page.packs.merge(tmp_path / "missing.plumbpack")
    qtbot.waitUntil(lambda: "is not a file" in page.said.text())


def test_an_arena_goes_out_in_a_pack_and_the_votes_come_back(qtbot, open_window, tab, ranked, tmp_path) -> None:
    page = tab.labelers
    tab.pages.setCurrentWidget(page)
    assert not page.packs.voting.isVisible(), "there is no arena"
    tab.pages.setCurrentWidget(tab.pairs)
    arena = add_arena(ranked, NAMES[:2], 2, name="Mine & yours")
    add_arena(ranked, NAMES[:1], name="Of one policy, to be voted on by nobody")
    tab.pages.setCurrentWidget(page)
    box = page.packs.arena
    assert [box.itemText(place) for place in range(box.count())] == ["No arena", "Mine & yours"]
    for chosen, name in (("", "plain"), ("Mine & yours", "voting")):
        choose(box, chosen)
        page.table.selectRow([who.name for who in page.people].index("Bo"))
        page.packs.choose_pack()
        dialog = page.packs.findChildren(QFileDialog)[-1]
        dialog.fileSelected.emit(str(tmp_path / f"{name}{pack.SUFFIX}"))
        dialog.close()
        qtbot.waitUntil(lambda name=name: f"{name}{pack.SUFFIX} holds 3 prompts for Bo" in page.said.text())
    assert "the arena “Mine & yours” to vote in" in page.said.text()
    with closing(open_project(pack.unpack(tmp_path / "plain.plumbpack", tmp_path / "plain"))) as plain:
        assert not arenas.listed(plain)
    window = open_window()
    window.packs.unpack(tmp_path / "voting.plumbpack")
    qtbot.waitUntil(lambda: window.session is not None)
    assert window.page.sidebar.button(TabId.COMPARE).isVisible() and window.shown == TabId.RANK
    vote = window.open_tab(TabId.COMPARE).arena.vote
    assert vote.ballot.isVisible() and "Voting as Bo" in texts(vote)
    said = vote.ballot.first.text.toPlainText()
    qtbot.keyClick(vote.ballot, Key.Key_Left)
    qtbot.keyClick(vote.ballot, Key.Key_T)
    assert "You have voted on every pair" in texts(vote) and "send the pack" in texts(vote)
    window.packs.write(tmp_path / "back.plumbpack")
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    window.findChild(QMessageBox).close()
    page.packs.merge(tmp_path / "back.plumbpack")
    qtbot.waitUntil(lambda: "2 votes in an arena" in page.said.text())
    votes = arena_votes.counting(ranked, arena.id)
    assert [(vote.labeler, vote.won) for vote in votes] == [("Bo", 1), ("Bo", 0.5)]
    assert arenas.some_answers(ranked, [votes[0].first_id])[0].text == said


def test_a_pack_with_nothing_to_rank_opens_where_one_votes(qtbot, open_window, project, tmp_path) -> None:
    prompts.add(project, [Prompt(0, "why?")])
    add_arena(project)
    pack.pack(project, tmp_path / "Cy.plumbpack", "Cy", "Arena 1")
    window = open_window()
    window.packs.unpack(tmp_path / "Cy.plumbpack")
    qtbot.waitUntil(lambda: window.shown == TabId.COMPARE)
    assert window.tabs[TabId.COMPARE].arena.vote.ballot.isVisible()
    assert "Nothing to rank" in texts(window.page.sidebar) and "Vote under Compare" in texts(window.page.sidebar)


def test_a_page_goes_out_and_its_answers_come_back(qtbot, tab: Tab, ranked: Project, tmp_path: Path) -> None:
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    page.table.selectRow([who.name for who in page.people].index("Bo"))
    page.packs.choose_page()
    dialog = page.findChild(QFileDialog)
    assert dialog is not None and dialog.selectedFiles()[0].endswith(" for Bo.html")
    dialog.fileSelected.emit(str(tmp_path / "bo.html"))
    dialog.close()
    qtbot.waitUntil(lambda: "bo.html holds 3 prompts for Bo" in page.said.text())
    filled = Filled(tmp_path / "bo.html")
    filled.rank(filled.held["queue"][0]["group"])
    page.packs.merge(filled.write(tmp_path / "back.json"))
    qtbot.waitUntil(lambda: "1 rankings are new" in page.said.text())
    page.packs.merge(tmp_path / "bo.html")
    qtbot.waitUntil(lambda: "a page to rank in" in page.said.text())


@pytest.mark.thorough
def test_an_opened_pack_leads_to_sending_it_back(qtbot, open_window, ranked: Project, tmp_path: Path) -> None:
    file = tmp_path / f"Cy{pack.SUFFIX}"
    pack.pack(ranked, file, "Cy")
    window = open_window()
    window.workspace.open(ranked.folder)
    assert not window.menus.made[actions.SEND_BACK].isVisible()
    window.packs.unpack(file)
    window.packs.unpack(file)  # pressed twice
    qtbot.waitUntil(lambda: window.menus.made[actions.SEND_BACK].isVisible())
    rank(window.session.project, 1, person(window.session.project, "Cy"), 0, 1, 2, 3)
    window.packs.write(tmp_path / "back.plumbpack")
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
    assert pack.merge(ranked, tmp_path / "back.plumbpack").added == 1
    pack.pack(ranked, file, "Cy")
    window.packs.unpack(file)
    qtbot.waitUntil(lambda: window.session is not None and window.session.project.folder.name == "Cy 2")


def test_who_ranks_in_a_pack_ranks_elsewhere_under_a_name_of_their_own(qtbot, open_window, ranked, tmp_path) -> None:
    file = tmp_path / f"Cy{pack.SUFFIX}"
    pack.pack(ranked, file, "Cy")
    window = open_window()
    window.packs.unpack(file)
    qtbot.waitUntil(lambda: window.session is not None)
    rank_tab = window.open_tab(TabId.RANK)
    assert (window.session.labeler_name, rank_tab.labeling.labeler.name) == ("Cy", "Cy")
    rank_tab.rename("Cy's cat")
    window.workspace.open(ranked.folder)
    assert window.session.labeler_name == user_settings.labeler_name() == "Ana"


def test_while_a_simulated_labelers_function_is_asked_others_can_write(
    qtbot, tab: Tab, ranked: Project, tmp_path: Path
) -> None:
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    code = tmp_path / "writes.py"
    code.write_text(
        "import sqlite3\n\ndef score(prompt, completion):\n"
        f"    database = sqlite3.connect({str(ranked.folder / 'plumbline.db')!r}, timeout=0, isolation_level=None)\n"
        "    database.execute('begin immediate')\n    database.close()\n    return len(completion)\n"
    )
    page.gold.setCurrentText(f"{code}:score")
    page.simulate()
    qtbot.waitUntil(lambda: "It ranked 6 prompts" in page.said.text())


def test_a_simulated_labeler_ranks_and_is_marked(qtbot, tab: Tab, ranked: Project) -> None:
    tab.pages.setCurrentWidget(tab.labelers)
    page = tab.labelers
    page.gold.setCurrentText("length")
    choose(page.personality, "top-two")
    page.simulate_button.click()
    qtbot.waitUntil(lambda: "It ranked 6 prompts" in page.said.text())
    assert page.table.item(2, 1).text() == "simulated: top-two, length  (a script)"
    page.gold.setCurrentText("no such reward")
    page.simulate_button.click()
    qtbot.waitUntil(lambda: "no such reward" in page.said.text())


def test_rankings_are_exported_with_what_is_lost_and_imported_again(
    qtbot, tab: Tab, session: Session, ranked: Project, tmp_path: Path
) -> None:
    out = ExportDialog(session, tab)
    out.choose()
    assert set(data.EXPORTERS) == {out.format.itemData(place) for place in range(out.format.count())}
    out.format.setCurrentIndex(out.format.findData("trl"))
    out.write(tmp_path / "pairs.jsonl")
    qtbot.waitUntil(lambda: "24 pairs are in pairs.jsonl" in out.said.text())
    assert "The format cannot carry:" in out.said.text()
    out.close()
    back = ImportDialog(session, tab, what="rankings")
    changes: list[object] = []
    back.imported.connect(changes.append)
    back.look(tmp_path / "pairs.jsonl")
    qtbot.waitUntil(back.go.isEnabled)
    assert "24 rankings, read as trl" in back.about.text()
    back.labeler.setText("From TRL")
    back.go.click()
    qtbot.waitUntil(lambda: "imported" in back.said.text())
    assert changes
    found = counting_rankings(ranked, labeler_id=labelers.named(ranked, "From TRL").id)
    assert len(found) == len({(item.group_id, tuple(item.ranks.items())) for item in found}) > 0
    back.look(Path(__file__))
    qtbot.waitUntil(lambda: "There are no rankings" in back.said.text())
    assert not back.go.isEnabled()


@pytest.fixture
def table(qtbot, ranked: Project, session: Session) -> Iterator[RankTab]:
    """The Rank tab for a new labeler, before whom Ana put two prompts into the calibration set."""
    session.labeler_name = "New"
    for ranking in counting_rankings(ranked, labeler_id=person(ranked, "Ana")):
        calibration.add(ranked, ranking.id)
    found = RankTab(session)
    qtbot.addWidget(found)
    found.resize(1080, 720)
    with qtbot.waitExposed(found):
        found.show()
    yield found
    found.close()


def test_after_the_calibration_set_a_new_labeler_sees_where_they_differ(table: RankTab, ranked: Project) -> None:
    first, second = ({item: place for place, item in enumerate(completions.ids(ranked, group))} for group in (1, 2))

    def put(order: list[int]) -> None:
        shown = table.board.ordering.shown
        press(table, *(Key(int(Key.Key_A) + shown.index(item)) for item in order), Key.Key_Return)

    assert table.labeling.group.id == 1
    put(list(first))
    assert table.stack.currentWidget() is table.board
    put(list(second)[::-1])
    assert table.stack.currentWidget() is table.stack.calibrated
    shown = texts(table.stack.calibrated)
    assert "order 50%" in shown
    assert "Read the guidelines again" in shown
    assert "question 2?" in shown
    assert "question 1?" not in shown
    table.refresh(None)
    assert table.stack.currentWidget() is table.stack.calibrated, "news do not take it away"
    table.stack.calibrated.go_on.click()
    assert table.stack.currentWidget() is table.board
    assert table.labeling.group.id == 3


def test_an_earlier_ranking_is_put_into_the_calibration_set_from_the_history(table: RankTab, ranked: Project) -> None:
    press(table, Key.Key_A, Key.Key_Return)
    table.show_panel("history")
    history = table.side.history
    history.view.setCurrentIndex(history.model.index(0, 0))
    history.calibrate.click()
    mine = rankings.latest(ranked, person(ranked, "New")).id
    assert mine in calibration.keys(ranked).values()


def test_who_wrote_what_is_hidden_until_it_is_ranked(table: RankTab, ranked: Project) -> None:
    ranked.database.execute('update completions set sampling = \'{"imported": "hh.jsonl"}\' where id = 2')
    assert not any(card.foot.isVisible() for card in table.board.grid.cards)
    press(table, Key.Key_A, Key.Key_Return)
    assert not any(card.foot.isVisible() for card in table.board.grid.cards)
    table.controller.open_ranking(rankings.latest(ranked, person(ranked, "New")).id)
    told = {card.completion.id: card.foot.text() for card in table.board.grid.cards}
    assert told[1] == "Written by the base model"
    assert told[2] == "Imported from hh.jsonl"
    press(table, Key.Key_S)
    assert not any(card.foot.isVisible() for card in table.board.grid.cards)


def test_a_judge_is_let_rank(qtbot, tab: Tab, ranked: Project, session: Session) -> None:
    """The small form queues the job; a server elsewhere is asked about first, and what is lacking is a sentence."""
    tab.pages.setCurrentWidget(tab.labelers)
    form = tab.labelers.judge
    fields = form.fields
    fields.choose("base")
    assert not fields.server.isVisible() and fields.explain.isVisible()
    fields.choose("reward")
    assert not form.let_rank.isEnabled(), "there is no reward model yet"
    fields.choose("gold")
    fields.gold.setCurrentText("length")
    assert not fields.explain.isVisible()
    fields.limit.setValue(2)
    form.let_rank.click()
    (job,) = queue.listed(ranked, JudgingJob)
    assert (job.config.by, job.config.limit, job.config.waiting) == ("gold:length", 2, True)
    fields.choose("server")
    fields.server.address.clear()
    form.let_rank.click()
    assert "Give the address" in form.said.text() and fields.server.isVisible()
    fields.server.address.setText("http://192.0.2.1:8000")
    form.let_rank.click()
    assert len(queue.listed(ranked, JudgingJob)) == 1
    (box,) = (each for each in form.findChildren(QMessageBox) if each.isVisible())
    box.close()


def test_a_judge_is_marked_wherever_it_is_named(qtbot, tab: Tab, ranked: Project) -> None:
    judge = labelers.named(ranked, "judge: gold length", kind="judge", detail="gold:length")
    rank(ranked, 1, judge.id, 0, 1, 2, 3)
    tab.pages.setCurrentWidget(tab.labelers)
    tab.labelers.refresh()
    shown = [tab.labelers.table.item(row, 1).text() for row in range(tab.labelers.table.rowCount())]
    assert shown[-1] == "judge: gold length  (a judge)"
    tab.pages.setCurrentWidget(tab.agreement)
    tab.agreement.people_only.setChecked(False)
    table = tab.agreement.by_labeler
    qtbot.waitUntil(lambda: table.rowCount() == 3)
    assert table.item(2, 0).text() == "judge: gold length (judge)"
    ana = labelers.find(ranked, "Ana")
    newest = ranking_history.newest(ranked, ana.id, "judge", 9) + ranking_history.newest(ranked, ana.id, "all", 9)
    assert [by(entry).partition(" · ")[0] for entry in newest] == ["By a judge (gold:length)"] * 2 + ["By you"] * 2
    assert all(entry.kind == "person" for entry in ranking_history.newest(ranked, ana.id, "person", 9))
