"""What comes to a labeler or measures them as long as there is a reason: repeats, prompts queued again, keys."""

from contextlib import closing

import pytest

from core.labeling import pack as packs
from core.preferences import agreement
from core.store import Project, assignments, calibration, completions, guidelines, open_project, pairs, rankings
from tests.core.labeling.test_labelers import completions_of, person, rank
from tests.core.labeling.test_session import rank_next, started


@pytest.fixture
def repeating(filled, monkeypatch) -> Project:
    """Ana ranked prompts 1 and 2, and 1 waits as a repeat; so does 2 once she ranks a third one."""
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 1)
    filled.set_setting(assignments.REPEAT_EVERY, 1)
    session = started(filled)
    rank_next(session)
    rank_next(session)
    assert dict(session.queue.repeats) == {1: 1}
    return filled


def test_a_repeat_is_skipped_for_good_and_brought_back(repeating):
    session = started(repeating)
    ranked = session.ranked
    session.editor.open(1)
    session.skip_for_good()
    again = started(repeating)
    assert 1 not in session.queue and 1 not in again.queue and session.ranked == again.ranked == ranked
    session.undo()
    assert 1 in session.queue and started(repeating).queue.repeats == {1: 1}
    assert session.ranked == ranked


def test_a_prompt_that_is_queued_again_is_skipped_for_good_until_it_is_queued_once_more(filled):
    ana = person(filled, "Ana")
    first = rank(filled, 1, ana, 0, 1, 2, 3)
    guidelines.save(filled, criteria="new", ties="", flags="", examples="")
    assignments.queue_again(filled, [first])
    session = started(filled)
    session.editor.open(1)
    session.skip_for_good()
    assert 1 not in started(filled).queue
    assert (session.ranked, session.waiting) == (1, 5)
    assignments.queue_again(filled, [first])
    assert 1 in started(filled).queue


@pytest.mark.parametrize("how", ["taken back", "taken back in a pack", "revised"])
def test_a_ranking_that_counts_no_more_is_not_repeated(repeating, how):
    session = started(repeating)
    if how == "taken back in a pack":
        rankings.retract(repeating, 1)
        session = started(repeating)
    elif how == "taken back":
        session.undo()
        session.undo()
    else:
        session.editor.revise(1)
        session.editor.change(session.ordering.better(session.ordering.tiers[1][0]))
        session.save()
        session = started(repeating)
        assert 1 not in session.queue
        session.editor.open(1)
    assert 1 not in session.queue.repeats
    session.editor.open(1)
    group = rank_next(session)
    made = rankings.latest(repeating, session.labeler.id)
    assert group == 1 and made.repeat_of is None and 1 not in started(repeating).queue
    assert pairs.counts(repeating).pairs == (6 if how == "taken back" else 12)


def test_a_prompt_that_is_named_is_ranked_even_where_a_repeat_of_it_waits(repeating, plumbline):
    assert plumbline("rank", repeating.folder, "--labeler", "Ana", "--group", 1, "--order", "4>3>2>1")[0] == 0
    found = rankings.current(repeating, 1, person(repeating, "Ana"))
    assert found.id == 3 and found.repeat_of is None and 1 not in started(repeating).queue


def test_a_prompt_that_is_queued_again_is_no_repeat_at_the_same_time(repeating):
    guidelines.save(repeating, criteria="new", ties="", flags="", examples="")
    assignments.queue_again(repeating, [1])
    session = started(repeating)
    assert 1 in session.queue and not session.queue.repeats
    session.editor.open(1)
    rank_next(session)
    assert rankings.current(repeating, 1, session.labeler.id).guidelines_id == 2
    assert 1 not in started(repeating).queue


def test_two_programs_that_share_out_at_once_share_out_once(filled, monkeypatch):
    """The other one does it after this one saw what is new and before it writes."""
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    assignments.assign(filled, [ana, bo], 1)
    for prompt in range(1, 5):
        completions.add_group(filled, prompt, completions_of("x", "y"))
    write, first = filled.write, iter([True])
    with closing(open_project(filled.folder)) as other, monkeypatch.context() as patch:

        def late():
            if next(first, False):
                assignments.queue(other, bo)
            return write()

        patch.setattr(filled, "write", late)
        assignments.queue(filled, ana)
    assert sorted(assignments.assigned(filled).values()) == [5, 5]


def test_a_key_that_was_taken_back_measures_nobody_and_a_newer_one_does(filled, tmp_path):
    author, bo = person(filled, "Author"), person(filled, "Bo")
    first = rank(filled, 1, author, 0, 1, 2, 3)
    calibration.add(filled, first)
    rank(filled, 1, bo, 3, 2, 1, 0)
    newer = rank(filled, 1, author, 3, 2, 1, 0)
    assert calibration.keys(filled) == {1: newer}
    assert agreement.against_calibration(filled, bo).agreement.value == 1
    packs.pack(filled, tmp_path / "cy.plbpack", "Cy")
    with closing(open_project(packs.unpack(tmp_path / "cy.plbpack", tmp_path / "cy"))) as away:
        rank(away, 1, person(away, "Cy"), 3, 2, 1, 0)
        assert agreement.against_calibration(away, person(away, "Cy")).agreement.value == 1
    for ranking in (newer, first):
        rankings.retract(filled, ranking)
    assert calibration.keys(filled) == {} and agreement.against_calibration(filled, bo).total == 0
    assignments.assign(filled, [bo], 1)
    assert assignments.assigned(filled) == {bo: 6}
