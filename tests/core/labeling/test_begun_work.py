"""What a labeler has begun, above all a comment, outlives undo, other windows, and answers that are taken back."""

import sqlite3
from contextlib import closing

import pytest

from core.errors import BadInput, known
from core.events import NewCompletion
from core.labeling import gold
from core.labeling.answer_drafts import NEW
from core.labeling.drafts import ChangedElsewhere
from core.preferences.judged_groups import OVERALL
from core.records import MOST_COMPLETIONS
from core.store import assignments, completions, drafts, labelers, open_project, prompts, rankings
from tests.core.labeling.test_session import order_all, rank_next, started
from tests.ranked import counting_rankings

SAID = "forty minutes of reasons"


def place(session, index=0):
    session.editor.change(session.ordering.place_last(session.ordering.shown[index]))


def on_disk(session, group=1):
    return drafts.listed(session.project, session.labeler.id).get(group)


def test_what_was_begun_comes_back_with_what_was_skipped_for_good(filled):
    session = started(filled)
    place(session)
    session.editor.set_comment(SAID)
    begun = session.ordering
    session.skip_for_good()
    again = started(filled)
    again.unskip()
    again.editor.open(1)
    assert again.ordering == begun
    session.undo()
    assert session.group.id == 1 and session.ordering == begun


@pytest.mark.parametrize("restarted", [False, True])
def test_undo_of_a_ranking_leaves_the_revision_that_was_begun(filled, restarted):
    session = started(filled)
    rank_next(session)
    first = rankings.latest(filled, session.labeler.id)
    session.editor.revise(first.id)
    session.editor.set_comment(SAID)
    if restarted:
        session.editor.change(session.ordering.remove(session.ordering.shown[0]))
    revision = session.ordering
    if restarted:
        session = started(filled)
    session.undo()
    assert session.ordering == revision and on_disk(session)["comment"] == SAID
    assert counting_rankings(filled) == []
    session.redo()
    assert [found.comment for found in counting_rankings(filled)] == [""]
    session.editor.revise(first.id)
    assert session.ordering == revision


def test_a_comment_that_was_typed_after_undo_outlives_redo_and_every_step(filled):
    session = started(filled)
    rank_next(session)
    session.undo()
    session.editor.set_comment(SAID)
    session.redo()
    assert on_disk(session)["comment"] == SAID
    while session.can_undo:
        session.undo()
    assert session.group.id == 1 and session.ordering.tiers == ()
    assert session.ordering.comment == on_disk(session)["comment"] == SAID


def test_undo_elsewhere_leaves_the_comment_on_disk(filled):
    session = started(filled)
    place(session)
    session.editor.set_comment(SAID)
    session.skip()
    session.undo()
    assert (session.group.id, session.ordering.comment, session.ordering.tiers) == (1, SAID, ())
    assert started(filled).ordering.comment == SAID


def test_a_remark_on_an_order_of_a_script_is_kept_and_makes_it_nobodys(filled):
    gold.rank_all(filled, "length")
    theirs = counting_rankings(filled)[0].id
    session = started(filled)
    session.editor.revise(theirs)
    session.editor.set_comment(SAID)
    again = started(filled)
    assert (again.ordering.comment, again.ordering.tiers) == (SAID, ())
    again.editor.revise(theirs)
    assert again.ordering.comment == SAID and again.ordering.tiers and not again.saveable


def test_another_way_to_rank_is_a_step_where_only_a_criterion_is_ordered(filled):
    session = started(filled)
    session.editor.criteria = ("helpful",)
    session.open_next()
    place(session)
    session.editor.switch(OVERALL)
    session.editor.use("pairwise")
    assert session.undo().label == "Undone: Change the way to rank"
    assert session.ordering.switch("helpful").tiers and on_disk(session)["others"]["helpful"][0]


def test_what_another_way_to_rank_puts_aside_is_there_after_a_restart_too(filled):
    session = started(filled)
    for criterion in ("helpful", OVERALL):
        session.editor.switch(criterion)
        order_all(session)
    begun = session.ordering
    session.editor.use("pairwise")
    session.editor.switch("helpful")
    session.editor.change(session.ordering.answer(1))
    session.editor.use("best-worst")
    again = started(filled)
    assert not again.ordering.begun and again.ordering.has_work
    again.editor.use("pairwise")
    assert len(again.ordering.answers) == 1
    again.editor.use("best-worst")
    again.editor.use("order")
    assert again.ordering.switch(OVERALL).says_as(begun) and again.ordering.criterion == "helpful"
    again.editor.switch(OVERALL)
    again.save()
    assert on_disk(again) is None and counting_rankings(filled)[0].criteria["helpful"]


def test_answers_to_questions_are_kept_until_all_are_given_whatever_else_is_said(filled):
    session = started(filled)
    session.editor.use("pairwise")
    session.editor.change(session.ordering.judge(session.ordering.shown[0], "good"))
    assert session.saveable, "a verdict stands by itself where no question is answered"
    session.editor.change(session.ordering.answer(1))
    session.editor.change(session.ordering.with_item_flag(session.ordering.shown[1], "unsafe"))
    for criterion in (OVERALL, "helpful"):
        session.editor.switch(criterion)
        with pytest.raises(BadInput, match="There are questions left"):
            session.save()
    session.editor.switch(OVERALL)
    while session.ordering.question is not None:
        session.editor.change(session.ordering.answer(1))
    session.save()
    (found,) = counting_rankings(filled)
    assert set(found.ranks.values()) == {1, 2, 3, 4} and len(found.verdicts) == len(found.flags) == 1


def half_answered(session):
    session.editor.use("pairwise")
    session.editor.change(session.ordering.answer(1))
    assert session.ordering.question is not None


def by_a_criterion(session):
    session.editor.switch("honest")
    place(session)


@pytest.mark.parametrize("begin", [half_answered, by_a_criterion])
@pytest.mark.parametrize("of", ["person", "scripted"])
def test_work_that_cannot_be_stored_yet_outlives_undo_and_another_look(filled, begin, of):
    session = started(filled)
    if of == "person":
        rank_next(session)
        ranking = rankings.latest(filled, session.labeler.id).id
        assignments.queue_again(filled, [ranking])
        session = started(filled)
        session.editor.open(1)
    else:
        gold.rank_all(filled, "length")
        ranking = counting_rankings(filled)[0].id
        session.editor.revise(ranking)
    begin(session)
    begun = session.ordering
    session = started(filled)
    if of == "person":
        session.undo()
    else:
        session.editor.revise(ranking)
    assert (session.ordering.answers, session.ordering.others) == (begun.answers, begun.others)
    assert on_disk(session)["answers"] == [list(each) for each in begun.answers]


def test_an_adjudication_and_a_revision_go_on_as_what_they_are_after_a_restart(filled):
    session = started(filled)
    session.editor.adjudicate(1)
    order_all(session)
    session = started(filled)
    assert session.editor.item.adjudicating
    session.save()
    (found,) = counting_rankings(filled)
    assert found.adjudicates
    session.editor.revise(found.id)
    session.editor.set_comment(SAID)
    again = started(filled)
    again.editor.open(1)
    assert again.editor.item.source.id == found.id


def test_an_answer_that_is_taken_back_takes_only_its_card_out_of_the_orders_of_others(filled):
    ana, bo = started(filled, "Ana"), started(filled, "Bo")
    first = bo.ordering.shown[0]
    (taken,) = ana.editor.write("Ana's own").ids
    bo.editor.open(1)
    bo.editor.change(bo.ordering.place_last(taken).place_last(first))
    bo.editor.set_comment(SAID)
    ana.undo()
    with pytest.raises(ChangedElsewhere, match="taken back"):
        bo.save()
    assert (bo.ordering.tiers, bo.ordering.comment) == (((first,),), SAID)
    (other,) = ana.editor.write("quite another text").ids
    assert other != taken, "what is begun would speak of it"
    again = started(filled, "Bo")
    assert again.ordering.tiers == ((first,),)
    bo.save()
    (found,) = counting_rankings(filled)
    assert (found.ranks[first], found.comment) == (1, SAID) and taken not in found.ranks


def test_an_answer_comes_back_under_its_number_whatever_was_written_meanwhile(filled):
    session = started(filled)
    (mine,) = session.editor.write("mine").ids
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    session.undo()
    session.undo()
    completions.add_group(filled, 2, (NewCompletion("of a job", 0, True, 3),))
    session.redo()
    session.redo()
    session.save()
    assert counting_rankings(filled)[0].ranks[mine] == 1
    assert completions.texts(filled, [mine]) == {mine: "mine"}


def test_one_answer_too_many_is_refused_and_changes_nothing(filled):
    group = completions.add_group(filled, 1, tuple(NewCompletion(f"{n}", 0, True, 1) for n in range(MOST_COMPLETIONS)))
    session = started(filled)
    session.editor.open(group)
    place(session)
    with pytest.raises(BadInput, match="at most 100 can be ranked"):
        session.editor.write("one more")
    session.save()
    assert len(completions.ids(filled, group)) == MOST_COMPLETIONS


def test_an_answer_and_the_order_with_it_are_written_and_taken_back_at_once(filled, monkeypatch):
    """As if the disk were full, or the program killed, between the two."""

    def fails(*arguments):
        raise OSError("killed")

    session = started(filled)
    session.editor.set_comment(SAID)
    with monkeypatch.context() as patch:
        patch.setattr(drafts, "keep", fails)
        with pytest.raises(OSError):
            session.editor.write("mine")
    assert len(completions.ids(filled, 1)) == len(session.ordering.shown) == 4
    session.editor.write("mine")
    with monkeypatch.context() as patch:
        patch.setattr(drafts, "keep", fails)
        with pytest.raises(OSError):
            session.undo()
    assert len(completions.ids(filled, 1)) == len(session.ordering.shown) == 5
    assert started(filled).ordering == session.ordering
    session.save()
    assert counting_rankings(filled)[0].comment == SAID


def test_a_comment_that_could_not_be_written_is_saved_with_the_ranking(filled):
    session = started(filled)
    place(session)
    filled.database.execute("pragma query_only = 1")
    with pytest.raises(sqlite3.OperationalError):
        session.editor.set_comment(SAID)
    filled.database.execute("pragma query_only = 0")
    session.save()
    assert counting_rankings(filled)[0].comment == SAID


@pytest.fixture
def two(filled):
    """The same labeler in two windows, with the same item on both tables."""
    with closing(open_project(filled.folder)) as other:
        yield started(filled), started(other)


def test_a_window_writes_over_nothing_that_was_begun_in_another_one(two):
    one, other = two
    place(one)
    one.editor.set_comment(SAID)
    with pytest.raises(ChangedElsewhere, match="another window"):
        place(other, 1)
    assert other.ordering == one.ordering == started(one.project).ordering
    place(other, 1)
    with pytest.raises(ChangedElsewhere):
        one.save()
    assert one.ordering == other.ordering and len(one.ordering.tiers) == 2
    one.save()
    assert counting_rankings(one.project)[0].comment == SAID


@pytest.mark.parametrize("looked", [False, True])
def test_a_begun_order_does_not_go_over_the_ranking_that_another_window_made_of_it(two, looked):
    one, other = two
    place(one)
    other.editor.open(1)
    order_all(other)
    other.editor.set_comment(SAID)
    other.save()
    if looked:
        assert one.reload() and not one.saveable
    else:
        with pytest.raises(ChangedElsewhere, match="as it counts now"):
            one.save()
    assert one.group.id == 1 and one.ordering.comment == SAID and one.editor.reviewing
    assert [found.comment for found in counting_rankings(one.project)] == [SAID]
    one.editor.change(one.ordering.remove(one.ordering.shown[0]))
    one.save()
    assert rankings.newest_id(one.project) == 2 and len(counting_rankings(one.project)) == 1


@pytest.mark.parametrize("elsewhere", ["ranked again", "taken back"])
def test_undo_puts_no_order_over_the_ranking_that_counts_by_now(two, elsewhere):
    one, other = two
    rank_next(one)
    if elsewhere == "taken back":
        one.editor.take_up(1)
        one.editor.change(one.ordering.remove(one.ordering.shown[0]))
        one.save()
        rankings.retract(other.project, 2)
    else:
        other.editor.take_up(1)
        other.editor.set_comment(SAID)
        other.save()
    (counts,) = counting_rankings(one.project)
    with pytest.raises(BadInput, match="another ranking of yours counts by now"):
        one.undo()
    assert on_disk(one) is None and counting_rankings(one.project) == [counts]


@pytest.mark.parametrize("later", [False, True])
def test_what_is_begun_stays_where_its_ranking_comes_from_elsewhere(filled, later):
    session = started(filled)
    place(session)
    begun = session.ordering
    ranks = dict.fromkeys(completions.ids(filled, 1), 1)
    rankings.add(filled, rankings.NewRanking(1, session.labeler.id, ranks))
    if later:
        session = started(filled)
        session.editor.revise(1)
    with pytest.raises(ChangedElsewhere, match="once you save it"):
        session.save()
    assert session.ordering.tiers == begun.tiers and session.editor.reviewing
    session.save()
    assert counting_rankings(filled)[0].ranks != ranks


def test_comments_of_two_windows_join(two):
    one, other = two
    one.editor.set_comment("first")
    with pytest.raises(ChangedElsewhere):
        other.editor.set_comment("second")
    assert other.ordering.comment == on_disk(one)["comment"] == "first\nsecond"


@pytest.mark.parametrize("newer", ["", "wrong"])
def test_a_window_writes_no_comment_back_that_another_one_shortened_or_cleared(two, newer):
    one, other = two
    for typed in ("wrong", "wrong, I think"):
        other.editor.set_comment(typed)
    one.editor.open(1)
    one.editor.set_comment(newer)
    with pytest.raises(ChangedElsewhere, match="another window"):
        place(other)
    assert other.ordering.comment == newer and started(one.project).ordering.comment == newer
    place(other)
    assert on_disk(one)["comment"] == newer


def test_an_answer_that_was_not_added_goes_on_being_begun_in_one_place(two):
    one, other = two
    place(other)
    one.editor.answers.keep(1, NEW, "mine")
    with pytest.raises(ChangedElsewhere):
        one.editor.write("mine")
    one.editor.answers.keep(1, NEW, "mine, at length")
    assert started(one.project).editor.answers.begun(1) == {NEW: "mine, at length"}


def test_an_answer_that_a_window_only_read_is_not_written_back_over_a_newer_one(two):
    one, other = (each.editor.answers for each in two)
    one.keep(1, NEW, "older")
    assert other.open(1, NEW) == "older"
    one.keep(1, NEW, "newer")
    other.keep_again(1, NEW)
    assert other.texts(1) == [(NEW, "newer")] and not other.beside(1, NEW)
    other.keep(1, NEW, "older, and more")
    assert [text for _, text in one.texts(1)] == ["newer", "older, and more"]
    assert other.beside(1, NEW) and not one.beside(1, NEW)


def test_a_window_takes_back_nothing_that_another_one_built_on(two):
    one, other = two
    place(one)
    other.editor.open(1)
    place(other, 1)
    with pytest.raises(BadInput, match="other work builds on it"):
        one.undo()
    assert started(one.project).ordering == other.ordering


def test_what_nobody_wrote_here_is_not_cleared_by_a_ranking_that_comes_from_elsewhere(filled):
    session = started(filled)
    session.editor.set_comment(SAID)
    from_a_file = rankings.NewRanking(1, session.labeler.id, dict.fromkeys(completions.ids(filled, 1), 1))
    rankings.add(filled, from_a_file)
    assert on_disk(session)["comment"] == SAID


def test_the_prompt_of_what_is_on_the_table_may_be_deleted_elsewhere(two):
    one, other = two
    prompts.delete(other.project, [1])
    for act in (lambda: place(one), lambda: one.editor.set_comment(SAID), one.save):
        with pytest.raises(BadInput):
            act()
    one.reload()
    one.open_next()
    assert one.group.id == 2


def test_of_a_damaged_draft_the_comment_is_left(filled):
    drafts.keep(filled, labelers.named(filled, "Ana").id, 1, {"tiers": 5, "comment": SAID})
    assert started(filled).ordering.comment == SAID


def test_half_a_letter_in_a_comment_or_an_answer_is_replaced_and_in_other_texts_said(filled):
    session = started(filled)
    session.editor.write("an answer \ud83d")
    session.editor.set_comment("nice \ud83d\ude00 \ud83d")
    session.save()
    (found,) = counting_rankings(filled)
    assert found.comment == "nice 😀 \ufffd"
    assert completions.group(filled, 1).completions[-1].text == "an answer \ufffd"
    with pytest.raises(BadInput, match="half a letter"):
        prompts.add(filled, [prompts.Prompt(0, "typed \ud83d")])


def test_what_belongs_to_something_that_was_deleted_meanwhile_is_no_bug(filled):
    with pytest.raises(sqlite3.IntegrityError) as found:
        filled.database.execute("insert into calibration values (999, 999)")
    assert isinstance(known(found.value), BadInput) and "deleted meanwhile" in str(known(found.value))
