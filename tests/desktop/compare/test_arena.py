"""An arena in the window: set up, voted in blind by keys, each vote on disk at once, and results for who asks."""

import sqlite3
from contextlib import closing

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QLabel, QTextEdit, QWidget

from core.arena.voting import VotingSession
from core.config.arena import AnswerJob
from core.config.judging import JudgingJob
from core.config.training import TrainPolicyConfig, TrainPolicyResult, TrainRewardConfig, TrainRewardResult
from core.errors import BadInput
from core.jobs import queue
from core.labeling import pack as packs
from core.store import DATABASE, arena_votes, arenas, labelers, open_project, packed_rankings, vote_remarks
from core.store.arena_votes import NewVote
from core.store.arenas import ArenaAnswer
from core.store.packed_rankings import PACK
from desktop import user_settings
from desktop.compare.arena import keys, whole_keys
from desktop.compare.arena.answer_view import AnswerView
from desktop.compare.arena.whole_pane import WholePane
from desktop.compare.tab import Tab
from desktop.conversation.fitted import FittedText
from desktop.places import PageId
from desktop.session import Session
from desktop.theme import theme
from desktop.widgets.key_rows import press_of
from tests.desktop.compare.arenas import NAMES, add_arena, answering
from tests.desktop.talks import boxes, press, texts, with_run
from tests.desktop.test_trust import answer


@pytest.fixture
def tab(filled, qtbot):
    """With no arena yet."""
    user_settings.set_labeler_name("ann")
    session = Session(filled)
    found = Tab(session)
    qtbot.addWidget(found)
    found.resize(1000, 760)
    found.show()
    yield found
    found.close()
    session.rest()


@pytest.fixture
def arena(tab):
    """Three policies that answered three prompts, and the page on which one votes."""
    found = add_arena(tab.session.project)
    tab.refresh(None)
    tab.show_page(PageId.VOTE)
    return found


def cast(tab, arena):
    """The votes on disk, as another program reads them."""
    other = open_project(tab.session.project.folder)
    found = arena_votes.counting(other, arena.id)
    other.close()
    return found


def shown(tab):
    """The texts at the left and at the right."""
    ballot = tab.arena.vote.ballot
    return ballot.first.text.toPlainText(), ballot.second.text.toPlainText()


def text_of(tab, arena, answer_id):
    return next(each.text for each in arenas.answers(tab.session.project, arena.id) if each.id == answer_id)


def type_key(tab, qtbot, key, **more):
    qtbot.keyClick(tab.arena.vote.ballot, key, **more)


class Painted(QObject):
    """What is on the page, and how many votes are on disk, whenever an answer is painted."""

    def __init__(self, tab, arena):
        super().__init__(tab)
        self.tab, self.arena, self.seen = tab, arena, []
        tab.arena.vote.ballot.first.text.viewport().installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.seen.append((shown(self.tab), len(cast(self.tab, self.arena))))
        return False


@pytest.mark.parametrize(
    ("key", "won", "both_bad"),
    [(Qt.Key.Key_Left, 1, False), (Qt.Key.Key_B, 0, False), (Qt.Key.Key_T, 0.5, False), (Qt.Key.Key_X, 0.5, True)],
)
def test_a_vote_by_key_is_on_disk_before_the_next_question_is_seen(tab, arena, qtbot, key, won, both_bad):
    before, painted = shown(tab), Painted(tab, arena)
    type_key(tab, qtbot, key)
    qtbot.waitUntil(lambda: any(texts != before for texts, _ in painted.seen))
    assert all(votes == 1 for texts, votes in painted.seen if texts != before)
    (vote,) = cast(tab, arena)
    assert (text_of(tab, arena, vote.first_id), text_of(tab, arena, vote.second_id)) == before
    assert (vote.won, vote.both_bad, vote.labeler) == (won, both_bad, "ann")
    assert shown(tab) != before


def test_nothing_on_the_page_tells_whose_the_answers_are_or_who_is_ahead(tab, arena, qtbot):
    for key in (Qt.Key.Key_Left, Qt.Key.Key_A, Qt.Key.Key_Right):
        type_key(tab, qtbot, key)
        page = tab.arena.vote
        said = [page.windowTitle(), *(each.text() for each in page.findChildren(QLabel))]
        said += [each.toPlainText() for each in page.findChildren(QTextEdit)]
        for each in page.findChildren(QWidget):
            said += [each.toolTip(), each.accessibleName(), each.accessibleDescription(), each.statusTip()]
        assert not [text for text in said if any(name in text for name in NAMES)]
        assert not any("%" in text for text in said)


def test_the_sides_are_drawn_for_each_question_and_all_pairs_are_asked_once(tab, arena, qtbot):
    policies = {policy.id: policy.name for policy in arenas.policies(tab.session.project, arena.id)}
    for _ in range(9):
        type_key(tab, qtbot, Qt.Key.Key_Left)
    votes = cast(tab, arena)
    assert len({frozenset((vote.first_id, vote.second_id)) for vote in votes}) == 9
    sides = {(policies[vote.first_policy], policies[vote.second_policy]) for vote in votes}
    assert len(sides) > 3, "no policy is always at one side"
    assert "every pair" in texts(tab.arena.vote) and not tab.arena.vote.ballot.isVisible()
    qtbot.keyClick(tab.arena.vote, Qt.Key.Key_Backspace)
    assert len(cast(tab, arena)) == 8 and tab.arena.vote.ballot.isVisible()


def test_undo_and_backspace_bring_the_question_back_and_redo_votes_again(tab, arena, qtbot):
    first = shown(tab)
    type_key(tab, qtbot, Qt.Key.Key_Left)
    second = shown(tab)
    tab.session.changed.connect(lambda changes, _: tab.refresh(changes))  # as the window does
    tab.session.replay("undo")
    assert (cast(tab, arena), shown(tab)) == ([], first)
    tab.session.replay("redo")
    assert len(cast(tab, arena)) == 1 and shown(tab) != first
    type_key(tab, qtbot, Qt.Key.Key_Backspace)
    assert (cast(tab, arena), shown(tab)) == ([], first)
    type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [vote.won for vote in cast(tab, arena)] == [0] and second != first


def test_a_vote_of_before_the_window_was_opened_can_be_taken_back(tab, arena, qtbot):
    before = shown(tab)
    type_key(tab, qtbot, Qt.Key.Key_Left)
    again = Tab(Session(tab.session.project.again()))
    qtbot.addWidget(again)
    again.show()
    again.show_page(PageId.VOTE)
    type_key(again, qtbot, Qt.Key.Key_Backspace)
    assert (cast(tab, arena), shown(again)) == ([], before)
    again.close()
    again.session.rest()


def test_a_comment_goes_along_and_what_is_typed_without_a_vote_is_found_again(tab, arena, qtbot):
    type_key(tab, qtbot, Qt.Key.Key_M, modifier=Qt.KeyboardModifier.ControlModifier)
    field = tab.arena.vote.ballot.comment
    qtbot.keyClicks(field, "A is kinder")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    type_key(tab, qtbot, Qt.Key.Key_A)
    assert [vote.comment for vote in cast(tab, arena)] == ["A is kinder"] and field.text() == ""
    while (on := tab.arena.vote.voting.question).first_id < on.second_id:
        type_key(tab, qtbot, Qt.Key.Key_S)
    asked = shown(tab)
    qtbot.keyClicks(field, "half a thought, with a left arrow")
    type_key(tab, qtbot, Qt.Key.Key_S)
    assert (shown(tab) != asked, field.text(), len(cast(tab, arena))) == (True, "", 1)
    tab.arena.leave()
    again = Tab(Session(tab.session.project.again()))
    qtbot.addWidget(again)
    again.show()
    again.show_page(PageId.VOTE)
    assert again.arena.vote.ballot.comment.text() == "half a thought, with a left arrow"
    assert shown(again) == asked, "each at the side where it was drawn to stand"
    again.close()
    again.session.rest()


def test_a_key_that_is_held_votes_once_and_both_answers_scroll(tab, qtbot):
    add_arena(tab.session.project, NAMES[:2], write=lambda who, asked: f"{who}\n\n" + "word " * 9000)
    tab.refresh(None)
    tab.show_page(PageId.VOTE)
    ballot = tab.arena.vote.ballot
    type_key(tab, qtbot, Qt.Key.Key_PageDown)
    bars = [view.text.verticalScrollBar() for view in (ballot.first, ballot.second)]
    assert all(bar.value() > 100 for bar in bars)
    type_key(tab, qtbot, Qt.Key.Key_PageUp)
    assert [bar.value() for bar in bars] == [0, 0]


def test_a_vote_that_cannot_be_written_is_not_lost_from_sight(tab, arena, qtbot):
    before, other = shown(tab), sqlite3.connect(tab.session.project.folder / DATABASE)
    tab.session.project.set_patience(0.01)
    other.execute("begin immediate")
    type_key(tab, qtbot, Qt.Key.Key_Left)
    other.rollback()
    other.close()
    said = tab.arena.vote.ballot.hint
    assert (shown(tab), said.property("role"), cast(tab, arena)) == (before, "warning", []), said.text()
    type_key(tab, qtbot, Qt.Key.Key_Left)
    assert len(cast(tab, arena)) == 1


def test_a_vote_of_another_window_stays_and_the_next_question_is_asked(tab, arena, qtbot):
    project, before = tab.session.project, shown(tab)
    on = tab.arena.vote.voting.question
    with closing(project.again()) as other:
        elsewhere = VotingSession(other, arena, labelers.named(other, "ann"))
        elsewhere.show(on)
        elsewhere.vote("first")
    type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [vote.won for vote in cast(tab, arena)] == [1]
    assert shown(tab) != before and "that vote stays" in texts(tab.arena.vote)
    type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [vote.won for vote in cast(tab, arena)] == [1, 0]


def test_others_vote_for_themselves(tab, arena, qtbot):
    type_key(tab, qtbot, Qt.Key.Key_Left)
    tab.show_page(PageId.ARENA)
    tab.session.labeler_name = "bo"
    tab.show_page(PageId.VOTE)
    assert "Voting as bo" in texts(tab.arena.vote) and "0 votes of yours, 1 of others" in texts(tab.arena.vote)
    for _ in range(9):
        type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [vote.labeler for vote in cast(tab, arena)].count("bo") == 9


def test_answers_that_come_while_somebody_reads_do_not_move_what_is_read(tab, arena, qtbot):
    before = shown(tab)
    new = arenas.add_policy(tab.session.project, arena.id, "zznew", "base")
    answering(tab.session.project, new, lambda asked: f"new {asked}")
    tab.session.look_again()
    tab.refresh(None)
    assert shown(tab) == before and "18 pairs" in texts(tab.arena.vote)


def test_the_results_are_hidden_until_somebody_asks_and_by_the_next_vote(tab, arena, qtbot):
    project = tab.session.project
    judge = labelers.named(project, "judge: a reward", kind="judge", detail="reward:1")
    for _ in range(3):
        type_key(tab, qtbot, Qt.Key.Key_Left)
    votes = cast(tab, arena)
    arena_votes.cast(project, [
        NewVote(vote.first_id, vote.second_id, judge.id, vote.guidelines_id, 0.8) for vote in votes
    ])  # fmt: skip
    tab.refresh(None)
    tab.show_page(PageId.STANDINGS)
    assert "3 votes of people" in texts(tab.arena.results)
    assert not any(name in texts(tab) for name in NAMES)
    press(tab, qtbot, "Show the results")
    results = tab.arena.results
    qtbot.waitUntil(lambda: "Judge: a reward" in texts(results))
    said = texts(results)
    assert all(f"{name} over" in said or f"over {name}" in said for name in NAMES), said
    assert results.said.text() == results.found.people.sentences[0]
    assert "Judge: a reward" in said and "1 votes" not in said
    results.voice.setCurrentIndex(results.voice.findText("Judge: a reward"))
    results.voice.activated.emit(results.voice.currentIndex())
    assert "not what people do" in results.mark.text() and results.mark.isVisible()
    tab.show_page(PageId.VOTE)
    type_key(tab, qtbot, Qt.Key.Key_Left)
    tab.show_page(PageId.STANDINGS)
    assert not any(name in texts(tab) for name in NAMES) and "4 votes of people" in texts(results)


def test_an_arena_is_set_up_step_by_step(tab, qtbot, started):
    tab.show_page(PageId.ARENA)
    assert "No arena yet" in texts(tab)
    press(tab, qtbot, "New arena …")
    page = tab.arena.setup
    dialog = page.dialog
    dialog.name.setText("First")
    dialog.agree()
    project = tab.session.project
    (arena,) = arenas.listed(project)
    assert (arena.name, [each.name for each in arenas.policies(project, arena.id)]) == ("First", ["base"])
    assert len(arenas.prompts(project, arena.id)) == 2, "the held-out ones"
    assert "Add two policies" in page.step.text() and not page.answer.isVisible()
    press(tab, qtbot, "Add a policy …")
    dialog = page.dialog
    assert dialog.fields.kind.currentData() == "base", "no run is there that could be chosen"
    dialog.agree()
    assert "already" in dialog.error.text() and dialog.isVisible()
    dialog.name.setText("the same once more")
    dialog.agree()
    assert page.step.text() == "4 answers to be written"
    press(tab, qtbot, "Let them answer")
    (job,) = queue.listed(project, AnswerJob)
    assert job.config.arena == arena.id and started == [project.folder]
    assert not page.answer.isVisible() and "Waiting" in page.step.text()
    assert page.window().focusWidget() is page.table, "what takes the button's place is not pressed by mistake"
    tab.session.replay("undo")
    assert len(arenas.policies(project, arena.id)) == 1


def test_runs_stand_ready_to_be_chosen_as_policies_and_judges(tab, arena):
    project = tab.session.project
    with_run(project, TrainRewardConfig(), TrainRewardResult(adapter="runs/1/x"))
    with_run(project, TrainPolicyConfig(), TrainPolicyResult(adapter="runs/2/x"))
    tab.session.look_again()
    page, results = tab.arena.setup, tab.arena.results
    page.ask_policy()
    assert page.dialog.fields.policy == "run:2" and page.dialog.fields.checkpoint.currentText() == "The last"
    page.dialog.fields.choose("best-of-n")
    assert page.dialog.fields.policy == "best-of-4:1"
    page.dialog.reject()
    results.refresh()
    results.ask_judge()
    assert results.dialog.fields.by == "reward:1"
    results.dialog.reject()


def test_answers_that_others_wrote_are_seen(tab, arena):
    tab.show_page(PageId.ARENA)
    table = tab.arena.setup.table
    assert table.rowCount() == 3
    other = open_project(tab.session.project.folder)
    answering(other, arenas.add_policy(other, arena.id, "late", "base"), lambda asked: f"late {asked}")
    tab.session.poll()
    assert [table.item(3, column).text() for column in (0, 2)] == ["late", "3 of 3"]
    other.close()


def test_a_server_takes_part_once_somebody_agreed(tab, arena, qtbot):
    page = tab.arena.setup
    page.refresh()
    page.ask_policy()
    dialog = page.dialog
    dialog.fields.choose("server")
    dialog.agree()
    assert "Give the address" in dialog.error.text()
    dialog.fields.server.address.setText("http://192.0.2.1:8000")
    dialog.fields.server.model.setCurrentText("large")
    dialog.agree()
    assert "192.0.2.1:8000" in answer(dialog, "Cancel")
    assert len(arenas.policies(tab.session.project, arena.id)) == len(NAMES)
    dialog.agree()
    answer(dialog, "Allow")
    assert arenas.policies(tab.session.project, arena.id)[-1].kind == "server"


def test_the_dialogs_of_an_arena_say_which_button_return_presses(tab, arena):
    page, results, vote = tab.arena.setup, tab.arena.results, tab.arena.vote
    page.refresh()
    results.refresh()
    for ask, asked in (
        (page.make, page), (page.ask_prompts, page), (page.ask_policy, page), (results.ask_judge, results),
        (vote.ask_voter, vote),
    ):  # fmt: skip
        ask()
        assert asked.dialog.ok.isDefault() and asked.dialog.ok.property("role") == "primary"
        asked.dialog.reject()


def test_a_dialog_grows_with_what_it_asks_and_says(tab, arena, qtbot):
    tab.arena.results.refresh()
    tab.arena.results.ask_judge()
    judge = tab.arena.results.dialog
    judge.fields.choose("server")
    tab.arena.vote.ask_voter()
    voter = tab.arena.vote.dialog
    voter.name.setCurrentText(" ")
    voter.agree()
    for dialog in (judge, voter):
        assert dialog.height() >= dialog.layout().heightForWidth(dialog.width()), "or its texts lie over each other"
        dialog.reject()


def test_the_question_is_read_whole_where_text_is_larger(tab, arena, qtbot):
    theme.dress(tab)
    prompt = tab.arena.vote.ballot.prompt.findChild(FittedText)
    qtbot.waitUntil(prompt.isVisible)
    app = QApplication.instance()
    for times in (1.5, 1.0):
        theme.enlarge(app, times)
        qtbot.waitUntil(lambda: prompt.height() == int(prompt.document().size().height()) + 4)
        assert prompt.fontMetrics().height() >= 20 * times


def test_somebody_else_votes_without_leaving_the_page(tab, arena, qtbot):
    labelers.named(tab.session.project, "bob")
    labelers.named(tab.session.project, "judge: x", kind="judge", detail="x")
    type_key(tab, qtbot, Qt.Key.Key_Left)
    press(tab, qtbot, "Somebody else …")
    dialog = tab.arena.vote.dialog
    assert [dialog.name.itemText(n) for n in range(dialog.name.count())] == ["ann", "bob"]
    dialog.name.setCurrentText(" ")
    dialog.agree()
    assert dialog.isVisible() and dialog.error.text()
    dialog.name.setCurrentText("bob")
    dialog.agree()
    assert "Voting as bob" in texts(tab.arena.vote) and tab.arena.vote.ballot.isVisible()
    assert tab.session.labeler_name == "bob"
    type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [each.labeler for each in cast(tab, arena)] == ["ann", "bob"]


def test_where_there_is_nothing_to_vote_on_there_is_no_way_to_choose(tab, qtbot):
    tab.show_page(PageId.VOTE)
    vote = tab.arena.vote
    assert vote.empty.isVisible() and not vote.way.isVisible() and not vote.help.isVisible()
    add_arena(tab.session.project)
    tab.refresh(None)
    assert vote.ballot.isVisible() and vote.way.isVisible()


def test_nobody_joins_in_a_pack(tab, arena):
    """There policies go by letters, and nobody who votes can let them answer."""
    tab.session.project.set_setting(PACK, "ann")
    tab.show_page(PageId.ARENA)
    tab.arena.setup.ask_policy()
    dialog = tab.arena.setup.dialog
    dialog.fields.choose("base")
    dialog.agree()
    assert "people only vote" in dialog.error.text()
    assert len(arenas.policies(tab.session.project, arena.id)) == len(NAMES)


def test_a_policy_goes_while_nobody_voted_on_it(tab, arena, qtbot):
    tab.show_page(PageId.ARENA)
    page = tab.arena.setup
    assert not page.take_out.isEnabled()
    page.table.selectRow(0)
    press(page, qtbot, "Take out")
    assert [each.name for each in arenas.policies(tab.session.project, arena.id)] == [*NAMES[1:]]
    tab.show_page(PageId.VOTE)
    type_key(tab, qtbot, Qt.Key.Key_Left)
    tab.show_page(PageId.ARENA)
    page.table.selectRow(0)
    press(page, qtbot, "Take out")
    (box,) = boxes()
    assert "votes" in box.informativeText()
    box.close()


def test_a_judge_votes_as_a_job(tab, arena, qtbot, started):
    type_key(tab, qtbot, Qt.Key.Key_Left)
    tab.show_page(PageId.STANDINGS)
    results = tab.arena.results
    results.ask_judge()
    dialog = results.dialog
    assert dialog.fields.kind.currentData() == "gold" and dialog.ok.isEnabled()
    dialog.fields.choose("reward")
    assert not dialog.ok.isEnabled(), "there is no reward model yet"
    dialog.fields.choose("gold")
    dialog.fields.gold.setCurrentText("length")
    dialog.agree()
    (job,) = queue.listed(tab.session.project, JudgingJob)
    assert (job.config.by, job.config.arena, started) == ("gold:length", "Arena 1", [tab.session.project.folder])


@pytest.fixture
def board(tab, arena):
    """All answers to a prompt, three, as cards."""
    page = tab.arena.vote
    page.way.setCurrentIndex(1)
    page.way.activated.emit(1)
    return page.whole.board


def cards(board):
    return [card.text.toPlainText() for card in board.cards]


def test_formulas_stay_as_they_were_typed_in_answers_that_are_voted_on(qtbot):
    ground = QWidget()
    qtbot.addWidget(ground)
    view = AnswerView("A", "left", ground)
    text = "So $a_1*b*c$ and\n\\[\n- x \\\\\n\\]"
    view.show_answer(ArenaAnswer(1, f"**{text[:2]}**{text[2:]}"))
    assert view.text.toPlainText() == text


def test_an_order_of_all_answers_by_letters_is_one_ballot_before_the_next_is_seen(tab, arena, board, qtbot):
    first, seen = cards(board), []
    assert board.isVisible() and len(first) == 3 and not board.save.isEnabled()

    class Painted(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint:
                seen.append((cards(board), len(cast(tab, arena))))
            return False

    painted = Painted(tab)
    board.cards[0].text.viewport().installEventFilter(painted)
    qtbot.keyClicks(board, "cb")
    qtbot.keyClick(board, Qt.Key.Key_Return)
    assert "A has no place yet" in board.hint.whole and cast(tab, arena) == []
    qtbot.keyClick(board, Qt.Key.Key_A, modifier=Qt.KeyboardModifier.ShiftModifier)
    assert [card.place.text() for card in board.cards] == ["Place 2, tied", "Place 2, tied", "Place 1"]
    qtbot.keyClick(board, Qt.Key.Key_Backspace)
    assert [card.place.text() for card in board.cards] == ["", "Place 2", "Place 1"]
    board.cards[0].choose.click()
    qtbot.keyClick(board, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(found != first for found, _ in seen))
    assert all(votes == 3 for found, votes in seen if found != first)
    votes = cast(tab, arena)
    place = dict(zip(first, (3, 2, 1), strict=True))
    for vote in votes:
        one, two = (place[text_of(tab, arena, number)] for number in (vote.first_id, vote.second_id))
        assert (vote.won, vote.labeler) == (float(one < two), "ann")
    assert len({vote.ballot for vote in votes}) == 1 and "2 prompts left to order" in texts(tab.arena.vote)
    said = [each.text() for each in board.findChildren(QLabel)] + cards(board)
    said += [each.accessibleName() + each.toolTip() for each in board.findChildren(QWidget)]
    assert not [text for text in said if any(name in text for name in NAMES)]


def test_an_order_that_is_begun_is_on_disk_with_each_letter_until_it_is_voted(tab, arena, board, qtbot):
    project = tab.session.project
    qtbot.keyClicks(board, "cb")
    begun = board.ordering.tiers
    again = WholePane(tab.session, tab, tab)
    again.begin(arena, "ann")
    assert again.board.ordering.tiers == begun and again.board.cards[1].place.text() == "Place 2"
    again.begin(arena, "bob")
    assert again.board.ordering.tiers == ()
    project.set_setting(PACK, "ann")
    assert "begun on Vote" in packed_rankings.not_sent_back(project, "ann")
    qtbot.keyClicks(board, "a")
    qtbot.keyClick(board, Qt.Key.Key_Return)
    assert len(cast(tab, arena)) == 3 and board.ordering.tiers == ()
    assert packed_rankings.not_sent_back(project, "ann") == ""


def test_an_order_is_undone_as_a_whole_and_what_is_placed_stays_while_others_vote(tab, arena, board, qtbot):
    tab.session.changed.connect(lambda changes, _: tab.refresh(changes))  # as the window does
    first = cards(board)
    qtbot.keyClick(board, Qt.Key.Key_X)
    assert [(vote.won, vote.both_bad) for vote in cast(tab, arena)] == [(0.5, True)] * 3
    assert cards(board) != first
    tab.session.replay("undo")
    assert (cast(tab, arena), cards(board)) == ([], first)
    tab.session.replay("redo")
    assert len(cast(tab, arena)) == 3 and cards(board) != first
    press(tab, qtbot, "Take back the last vote")
    assert (cast(tab, arena), cards(board)) == ([], first)
    qtbot.keyClicks(board, "b")
    new = arenas.add_policy(tab.session.project, arena.id, "zznew", "base")
    answering(tab.session.project, new, lambda asked: f"new {asked}")
    tab.refresh(None)
    assert cards(board) == first and board.cards[1].place.text() == "Place 1"
    qtbot.keyClick(board, Qt.Key.Key_S)
    assert len(cards(board)) == 4
    for _ in range(3):
        qtbot.keyClick(board, Qt.Key.Key_X)
    assert "Nothing is left to order" in texts(tab.arena.vote) and not board.isVisible()
    qtbot.keyClick(tab.arena.vote.whole, Qt.Key.Key_Backspace)
    assert board.isVisible()
    tab.arena.vote.way.setCurrentIndex(0)
    tab.arena.vote.way.activated.emit(0)
    assert tab.arena.vote.ballot.isVisible() and not board.isVisible()


def test_every_key_of_the_sheet_does_one_thing_and_the_buttons_have_them(tab, arena):
    names = [name for name in keys.BINDINGS for _ in keys.keys_of(name)]
    assert len(names) == len({press_of(each) for name in keys.BINDINGS for each in keys.keys_of(name)})
    assert set(keys.TABLE.values()) == set(keys.BINDINGS)
    assert {wish.name for wish in whole_keys.TABLE.values()} == set(whole_keys.BINDINGS)
    assert len(whole_keys.TABLE) == sum(len(each.keys) for each in whole_keys.BINDINGS.values())


def test_what_one_voter_takes_back_stays_in_the_file_and_comes_from_no_pack(tab, arena, qtbot, tmp_path):
    """Bo, who votes after Ann, cannot take hers back; she takes it back after it was packed."""
    project = tab.session.project
    tab.session.changed.connect(lambda changes, _: tab.refresh(changes))
    type_key(tab, qtbot, Qt.Key.Key_Left)
    packs.pack(project, tmp_path / "ann.plumbpack", "ann", arena.name)
    tab.session.labeler_name = "bo"
    tab.refresh(None)
    type_key(tab, qtbot, Qt.Key.Key_Left)
    assert [step.label for step in tab.session.history.undoable] == ["Vote of bo"]
    tab.session.replay("undo")
    with pytest.raises(BadInput, match="nothing to undo"):
        tab.session.replay("undo")
    type_key(tab, qtbot, Qt.Key.Key_Right)
    found = project.database.rows("select won, retracted_at is not null as back from arena_votes order by id")
    assert found == [{"won": 1, "back": 0}, {"won": 1, "back": 1}, {"won": 0, "back": 0}]
    tab.session.labeler_name = "ann"
    tab.refresh(None)
    type_key(tab, qtbot, Qt.Key.Key_Backspace)
    with closing(open_project(packs.unpack(tmp_path / "ann.plumbpack", tmp_path / "there"))) as there:
        packs.pack(there, tmp_path / "back.plumbpack", "ann")
    assert packs.merge(project, tmp_path / "back.plumbpack").votes == 0
    assert [vote.labeler for vote in cast(tab, arena)] == ["bo"]


def test_a_vote_that_was_given_again_is_not_given_twice_by_redo(tab, arena, qtbot):
    type_key(tab, qtbot, Qt.Key.Key_Left)
    (vote,) = cast(tab, arena)
    tab.session.replay("undo")
    arena_votes.cast(
        tab.session.project, [NewVote(vote.second_id, vote.first_id, vote.labeler_id, vote.guidelines_id, 1.0)]
    )
    with pytest.raises(BadInput, match="made again"):
        tab.session.replay("redo")
    assert len(cast(tab, arena)) == 1


def test_a_comment_stays_with_who_typed_it_and_with_what_was_voted(tab, arena, qtbot):
    page, field = tab.arena.vote, tab.arena.vote.ballot.comment
    qtbot.keyClicks(field, "kinder")
    tab.session.labeler_name = "bo"
    tab.refresh(None)
    assert (page.voter.text(), field.text()) == ("Voting as bo", "")
    tab.session.labeler_name = "ann"
    tab.refresh(None)
    assert field.text() == "kinder"
    type_key(tab, qtbot, Qt.Key.Key_Left)
    assert field.text() == ""
    type_key(tab, qtbot, Qt.Key.Key_Backspace)
    assert field.text() == "kinder", "the vote is given again with what was said of it"
    type_key(tab, qtbot, Qt.Key.Key_Right)
    assert [(vote.labeler, vote.comment) for vote in cast(tab, arena)] == [("ann", "kinder")]


def test_what_was_typed_on_a_pair_goes_with_the_order_that_answers_it(tab, arena, qtbot):
    page = tab.arena.vote
    qtbot.keyClicks(page.ballot.comment, "half a thought")
    asked = page.voting.question
    page.way.setCurrentIndex(1)
    page.way.activated.emit(1)
    board = page.whole.board
    for _ in range(3):
        if page.whole.voting.question is None:
            break
        qtbot.keyClicks(board, "abc")
        qtbot.keyClick(board, Qt.Key.Key_Return)
    told = {frozenset((vote.first_id, vote.second_id)): vote.comment for vote in cast(tab, arena)}
    assert {text for text in told.values() if text} == {"half a thought"}
    assert told[frozenset((asked.first_id, asked.second_id))] == "half a thought"
    assert page.remarks.of(page.voting.voting.labeler.id) == {}


@pytest.mark.parametrize("key", ["1" * 5000 + "/2", "1/2/3", "a:1/2", "1"])
def test_remarks_that_are_none_are_left_where_they_are(filled, key):
    add_arena(filled)
    filled.set_setting("draft/arena", {key: "x"})
    session = Session(filled)
    found = Tab(session)
    found.show_page(PageId.VOTE)
    assert found.arena.vote.ballot.comment.text() == ""
    found.close()
    session.rest()


def test_comments_that_were_taken_back_go_with_the_order_and_an_emptied_one_stays_so(tab, arena, qtbot):
    page, field = tab.arena.vote, tab.arena.vote.ballot.comment
    tab.session.changed.connect(lambda changes, _: tab.refresh(changes))
    qtbot.keyClicks(field, "kinder")
    asked = frozenset((page.voting.question.first_id, page.voting.question.second_id))
    type_key(tab, qtbot, Qt.Key.Key_Left)
    type_key(tab, qtbot, Qt.Key.Key_Backspace)
    page.way.setCurrentIndex(1)
    page.way.activated.emit(1)
    board = page.whole.board
    while page.whole.remark_on(asked, page.whole.voting.labeler.id) not in board.hint.whole:
        qtbot.keyClick(board, Qt.Key.Key_S)
    qtbot.keyClicks(board, "abc")
    qtbot.keyClick(board, Qt.Key.Key_Return)
    assert {frozenset((v.first_id, v.second_id)): v.comment for v in cast(tab, arena)}[asked] == "kinder"
    tab.session.replay("undo")
    page.way.setCurrentIndex(0)
    page.way.activated.emit(0)
    while frozenset((page.voting.question.first_id, page.voting.question.second_id)) != asked:
        qtbot.keyClick(page.ballot, Qt.Key.Key_S)
    assert field.text() == "kinder"
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    tab.refresh(None)
    assert field.text() == "" and page.remarks.on(asked, page.voting.voting.labeler.id) == ""


def test_a_vote_is_not_given_again_with_the_older_words(tab, arena, qtbot):
    field = tab.arena.vote.ballot.comment
    tab.session.changed.connect(lambda changes, _: tab.refresh(changes))
    qtbot.keyClicks(field, "one")
    type_key(tab, qtbot, Qt.Key.Key_Left)
    tab.session.replay("undo")
    assert field.text() == "one"
    qtbot.keyClicks(field, ", and better reasons")
    with pytest.raises(BadInput, match="typed there and not saved"):
        tab.session.replay("redo")
    assert (cast(tab, arena), field.text()) == ([], "one, and better reasons")
    type_key(tab, qtbot, Qt.Key.Key_Left)
    assert [vote.comment for vote in cast(tab, arena)] == ["one, and better reasons"]


def test_two_windows_keep_what_each_typed_on_a_pair_and_write_back_nothing_older(tab, arena, qtbot):
    other = Tab(Session(tab.session.project.again()))
    qtbot.addWidget(other)
    other.show()
    other.show_page(PageId.VOTE)
    here, there = tab.arena.vote, other.arena.vote
    me, pairs = here.voting.voting.labeler.id, []

    def typed(page, text):
        pairs.append(frozenset((page.voting.question.first_id, page.voting.question.second_id)))
        qtbot.keyClicks(page.ballot.comment, text)
        page.remarks.throttle.flush()

    def kept():
        return vote_remarks.of(vote_remarks.read(tab.session.project), me)

    typed(here, "older")
    there.remarks.show_pair(pairs[0], me)
    assert there.ballot.comment.text() == "older"
    here.ballot.comment.selectAll()
    typed(here, "newer")
    type_key(other, qtbot, Qt.Key.Key_S)
    typed(there, "of another pair")
    there.leave()
    assert pairs[2] != pairs[0] and kept() == {pairs[0]: "newer", pairs[2]: "of another pair"}
    type_key(other, qtbot, Qt.Key.Key_S)
    typed(there, "from there")
    while frozenset((here.voting.question.first_id, here.voting.question.second_id)) != pairs[3]:
        type_key(tab, qtbot, Qt.Key.Key_S)
    assert here.ballot.comment.text() == "from there"
    typed(here, ", and here")
    typed(there, ", and on")
    both = kept()[pairs[3]]
    assert there.ballot.comment.text() == both and "from there, and here" in both and "from there, and on" in both
    assert "another window" in there.ballot.hint.text()
    type_key(tab, qtbot, Qt.Key.Key_Left)
    assert [vote.comment for vote in cast(tab, arena)] == [both] and pairs[3] not in kept()
    here.leave()
    there.leave()
    assert kept() == {pairs[0]: "newer", pairs[2]: "of another pair"}
    other.close()
    other.session.rest()
