"""A labeler's session without a window: what comes next, what is kept, what is saved, and undo over all of it."""

import sqlite3

import pytest

from core.config.scoring import SuggestConfig
from core.errors import BadInput, KnownError
from core.labeling.session import LabelingSession
from core.preferences.judged_groups import OVERALL
from core.store import Project, assignments, calibration, completions, drafts, labelers, open_project, prompts, rankings
from core.store.undo import History
from tests.core.labeling.test_labelers import person, rank
from tests.jobs import add_job
from tests.ranked import counting_rankings


def started(project: Project, name: str = "Ana", history: History | None = None) -> LabelingSession:
    """A session with its first item on the table."""
    session = LabelingSession(project, labelers.named(project, name), history)
    session.open_next()
    return session


def order_all(session: LabelingSession) -> None:
    """Place the completions as they are shown, one by one."""
    for item in session.ordering.shown:
        session.editor.change(session.ordering.place_last(item))


def rank_next(session: LabelingSession) -> int:
    """Rank what is on the table; returns its group."""
    group = session.group.id
    order_all(session)
    session.save()
    return group


def standing(project: Project) -> list[int]:
    return [found.group_id for found in counting_rankings(project)]


def test_items_come_in_the_order_of_the_queue_and_end(filled):
    session = started(filled)
    assert [rank_next(session) for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert session.group is None and (session.ranked, session.waiting, session.total) == (6, 0, 6)
    with pytest.raises(BadInput, match="Nothing is ranked yet"):
        session.save()


def test_the_calibration_set_comes_first_then_what_a_model_doubts(filled):
    author = person(filled, "Author")
    for group in (4, 5):
        calibration.add(filled, rank(filled, group, author, 0, 1, 2, 3))
    add_job(filled, SuggestConfig())
    filled.database.execute("insert into priorities values (3, 1, 0.5)")
    session = started(filled, "New")
    assert (session.group.id, session.ends_calibration) == (4, False)
    rank_next(session)
    assert (session.group.id, session.ends_calibration) == (5, True)
    rank_next(session)
    assert (session.group.id, session.ends_calibration) == (3, False)


def test_only_what_is_assigned_is_asked(filled):
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    assignments.assign(filled, [ana, bo], 1)
    asked = []
    for name in ("Ana", "Bo"):
        session = started(filled, name)
        asked.append([rank_next(session) for _ in range(session.waiting)])
        assert session.group is None
    assert sorted(asked[0] + asked[1]) == completions.group_ids(filled) and all(asked)


def test_a_repeat_is_mixed_in_shown_anew_and_stored_as_one(filled, monkeypatch):
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 2)
    filled.set_setting(assignments.REPEAT_EVERY, 3)
    session = started(filled)
    before = session.ordering.shown
    for _ in range(3):
        rank_next(session)
    assert (session.total, session.waiting) == (7, 4)
    while session.group.id != 1:
        rank_next(session)
    assert sorted(session.ordering.shown) == sorted(before) and session.ordering.shown != before
    rank_next(session)
    assert filled.database.value("select repeat_of from rankings order by id desc limit 1") == 1
    assert list(session.queue) == [2], "of six rankings; a repeat brings no further one"
    session.undo()
    assert session.group.id == 1 and list(session.queue) == [1, 2]
    assert session.ordering.shown != before, "it stands as it was shown"
    session.save()
    assert filled.database.value("select repeat_of from rankings order by id desc limit 1") == 1


def test_what_is_put_off_comes_again_at_the_end(filled):
    session = started(filled)
    assert session.skip() and session.group.id == 2
    assert list(session.queue) == [2, 3, 4, 5, 6, 1]
    for _ in range(5):
        rank_next(session)
    assert session.group.id == 1
    assert not session.skip(), "there is no other"


def test_what_is_begun_is_on_disk_and_found_again(filled):
    session = started(filled)
    session.editor.change(session.ordering.place_last(session.ordering.shown[2]))
    session.editor.set_comment("hm")
    again = started(open_project(filled.folder))
    assert again.ordering == session.ordering and again.saveable
    again.project.close()
    session.save()
    assert drafts.listed(filled, session.labeler.id) == {}
    assert counting_rankings(filled)[0].comment == "hm"


def test_what_is_stored_of_a_ranking(filled):
    session = started(filled)
    shown = session.ordering.shown
    session.editor.use("best-worst")
    session.editor.change(session.ordering.pick(shown[3]).pick(shown[0]))
    session.save()
    (found,) = counting_rankings(filled)
    assert (found.method, found.repeat_of, found.adjudicates) == ("best-worst", None, False)
    assert found.ranks == {shown[3]: 1, shown[1]: 2, shown[2]: 2, shown[0]: 3}
    assert found.seconds is not None and found.seconds >= 0
    assert session.ordering.method == "best-worst", "the next one begins in the same way"
    places = {row["completion_id"]: row["position"] for row in filled.database.rows("select * from ranking_items")}
    assert places == {item: place for place, item in enumerate(shown, start=1)}


def test_criteria_are_ordered_before_the_whole(filled):
    session = started(filled)
    session.editor.criteria = ("helpful",)
    session.open_next()
    assert session.ordering.criterion == session.editor.next_criterion == "helpful"
    order_all(session)
    assert session.editor.next_criterion == OVERALL and not session.saveable
    session.editor.switch(OVERALL)
    order_all(session)
    assert session.editor.next_criterion is None
    session.save()
    assert list(counting_rankings(filled)[0].criteria) == ["helpful"]


def test_undo_goes_back_through_placements_and_rankings_and_redo_returns(filled):
    session = started(filled)
    rank_next(session)
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    labels = []
    while session.can_undo:
        labels.append(session.undo().label)
    assert labels == [f"Undone: {label}" for label in ("Order", "Rank", "Order", "Order", "Order", "Order")]
    assert standing(filled) == [] and session.group.id == 1 and session.ordering.tiers == ()
    assert drafts.listed(filled, session.labeler.id) == {}
    while session.history.next("redo"):
        session.redo()
    assert standing(filled) == [1] and session.group.id == 2 and len(session.ordering.tiers) == 1


def test_undo_reaches_back_before_this_session_and_stops_at_the_first(filled):
    first = started(filled)
    rank_next(first)
    rank_next(first)
    rank(filled, 3, person(filled, "Bo"), 0, 1, 2, 3)
    again = started(filled)
    again.undo()
    again.undo()
    assert standing(filled) == [3] and again.group.id == 1
    with pytest.raises(BadInput, match="nothing to undo"):
        again.undo()
    again.redo()
    assert standing(filled) == [1, 3]


def test_a_shared_history_does_not_reach_back_by_itself(filled):
    rank_next(started(filled))
    session = started(filled, history=History(filled))
    assert not session.can_undo
    session.history.earlier = session.latest_saved
    assert session.can_undo


def test_steps_of_ranking_and_of_other_work_are_one_line(filled):
    history = History(filled)
    session = started(filled, history=history)
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    history.mark(prompts.edit(filled, 1, tags=("new",)))
    order_all(session)
    labels = [history.undo().label for _ in range(5)]
    assert labels == ["Undone: Order"] * 3 + ["Undone: Edit prompt", "Undone: Order"]
    assert [step.place for step in reversed(history.redoable)] == ["rank", "", "rank", "rank", "rank"]
    assert prompts.get(filled, 1).tags == ("test",) and session.ordering.tiers == ()


def test_another_labeler_does_not_take_back_what_this_one_did(filled):
    history = History(filled)
    session = started(filled, history=history)
    history.mark(prompts.edit(filled, 1, tags=("new",)))
    rank_next(session)
    session.close()
    other = started(filled, "Bo", history)
    other.undo()
    assert standing(filled) == [1] and prompts.get(filled, 1).tags == ("test",)
    assert not other.can_undo


def test_a_step_whose_completions_are_gone_is_passed_over(filled):
    session = started(filled)
    rank_next(session)
    session.skip_for_good()
    prompts.delete(filled, [2])
    assert session.undo().label == "Undone: Rank" and session.group.id == 1


def test_what_a_full_disk_refuses_stays_to_be_undone(filled, monkeypatch):
    session = started(filled)
    rank_next(session)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(rankings, "retract", full)
        with pytest.raises(KnownError, match="disk is full"):
            session.undo()
    assert standing(filled) == [1]
    session.undo()
    assert standing(filled) == []


def test_skipping_for_good_and_bringing_back_are_undone(filled):
    session = started(filled)
    session.skip_for_good()
    session.skip_for_good()
    assert (session.group.id, session.total, session.waiting) == (3, 4, 4)
    session.unskip()
    assert session.waiting == 6
    session.undo()
    assert assignments.skipped(filled, session.labeler.id) == {1, 2}
    session.undo()
    assert session.group.id == 2 and assignments.skipped(filled, session.labeler.id) == {1}


def test_a_revision_is_a_new_ranking_of_the_same_item(filled):
    session = started(filled)
    rank_next(session)
    first = counting_rankings(filled)[0]
    session.editor.revise(first.id)
    assert session.editor.reviewing and not session.saveable, "nothing is changed yet"
    session.editor.change(session.ordering.better(session.ordering.shown[1]))
    session.save()
    (second,) = counting_rankings(filled)
    assert second.id != first.id and second.ranks != first.ranks and session.group.id == 2
    session.undo()
    assert counting_rankings(filled)[0].id == first.id


def test_a_scripts_order_is_mine_only_once_i_changed_it(filled):
    script = labelers.named(filled, "scripted: length", kind="scripted", detail="length").id
    theirs = rank(filled, 1, script, 0, 1, 2, 3)
    session = started(filled)
    session.editor.revise(theirs)
    session.editor.set_comment("fine")
    assert not session.saveable and not session.editor.reviewing
    session.editor.change(session.ordering.better(session.ordering.tiers[1][0]))
    assert session.saveable


def test_an_adjudication_counts_instead_of_the_others_and_is_one_again_after_undo(filled):
    session = started(filled)
    session.editor.adjudicate(3)
    order_all(session)
    session.save()
    assert counting_rankings(filled)[0].adjudicates
    session.undo()
    assert session.group.id == 3 and session.editor.item.adjudicating


def test_news_of_others_take_away_only_what_is_not_begun(filled):
    session, other = started(filled), open_project(filled.folder)
    assert not session.queue.outdated
    rank(other, 1, session.labeler.id, 0, 1, 2, 3)
    assert session.queue.outdated
    session.reload()
    assert session.group is None and list(session.queue) == [2, 3, 4, 5, 6]
    session.open_next()
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    rank(other, 2, session.labeler.id, 0, 1, 2, 3)
    session.reload()
    assert session.group.id == 2, "what is begun stays"
    session.editor.open(3)
    prompts.delete(other, [3])
    session.reload()
    assert session.group is None and 3 not in session.queue
    other.close()


def test_its_own_work_does_not_make_the_queue_outdated(filled):
    session = started(filled)
    rank_next(session)
    session.undo()
    session.redo()
    session.skip_for_good()
    assert not session.queue.outdated


def test_an_answer_of_ones_own_joins_what_is_on_the_table_as_the_best(filled):
    session = started(filled)
    order_all(session)
    before = session.ordering
    (mine,) = session.editor.write("mine").ids
    assert session.ordering.shown == (*before.shown, mine)
    assert session.ordering.tiers == ((mine,), *before.tiers) and session.saveable
    assert session.group.completions[-1].text == "mine"
    assert LabelingSession(filled, session.labeler).editor.drafts.get(1).ordering == session.ordering
    session.undo()
    assert session.ordering == before and len(session.group.completions) == 4
    session.redo()
    session.save()
    assert rankings.latest(filled, session.labeler.id).ranks[completions.ids(filled, 1)[-1]] == 1


def test_an_answer_that_was_ranked_is_not_taken_back_by_undo(filled):
    session = started(filled)
    session.editor.write("mine")
    session.save()
    session.undo()
    with pytest.raises(BadInput, match="builds on it"):
        session.undo()
    assert len(completions.ids(filled, 1)) == 5


@pytest.mark.parametrize("method", ["pairwise", "best-worst"])
def test_an_answer_of_ones_own_is_asked_about_or_the_best_in_other_ways_to_rank(filled, method):
    session = started(filled)
    session.editor.use(method)
    if method == "best-worst":
        session.editor.change(session.ordering.pick(session.ordering.shown[0]).pick(session.ordering.shown[1]))
    (mine,) = session.editor.write("mine").ids
    if method == "best-worst":
        assert session.ordering.extremes == (mine, session.ordering.shown[1])
        return
    while session.ordering.question is not None:
        session.editor.change(session.ordering.answer(1))
    assert session.ordering.rank(mine) is not None
    (other,) = session.editor.write("another").ids
    assert session.ordering.rank(other) == 1 and session.ordering.question is None


def test_a_revision_does_not_judge_what_came_after_it_unless_the_labeler_does(filled):
    session = started(filled)
    group = rank_next(session)
    first = rankings.latest(filled, session.labeler.id)
    (later,) = completions.write(filled, group, labelers.named(filled, "Bo").id, "Bo's").ids
    session.editor.revise(first.id)
    assert later in session.ordering.unranked
    session.editor.change(session.ordering.to_rank(session.ordering.shown[0], 3))
    session.save()
    assert later not in rankings.latest(filled, session.labeler.id).ranks
    session.editor.revise(rankings.latest(filled, session.labeler.id).id)
    session.editor.change(session.ordering.place_last(later))
    session.save()
    assert rankings.latest(filled, session.labeler.id).ranks[later] == 5
