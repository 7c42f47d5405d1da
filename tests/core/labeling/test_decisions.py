"""Whoever decides between labelers: their newest ranking of the prompt counts instead of all others."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from click.testing import CliRunner

from core.cli import cli
from core.labeling import pack as packs
from core.labeling.session import LabelingSession
from core.store import (
    Project,
    assignments,
    completions,
    guidelines,
    judgements,
    labelers,
    open_project,
    pairs,
    rankings,
    verdicts,
)
from tests.core.labeling.test_labelers import person, rank
from tests.older import TO_M011
from tests.ranked import counting_rankings

REVERSED = (3, 2, 1, 0)


def session_of(project: Project, name: str = "Ana") -> LabelingSession:
    return LabelingSession(project, labelers.named(project, name))


def save(session: LabelingSession, *order: int) -> int:
    """The order of the completions by their numbers, best first."""
    ids = sorted(session.ordering.shown)
    session.editor.change(session.ordering.with_ranks({ids[place]: at for at, place in enumerate(order, start=1)}))
    return session.save().ids[0]


def counting(project: Project, group_id: int) -> set[int]:
    return {ranking.id for ranking in counting_rankings(project) if ranking.group_id == group_id}


def decided(project: Project) -> int:
    """Ana's decision against Bo; returns its ranking."""
    rank(project, 1, person(project, "Bo"), *REVERSED)
    session = session_of(project)
    session.editor.adjudicate(1)
    return save(session, 1, 0, 2, 3)


def revise(project: Project, ranking: int) -> None:
    session = session_of(project)
    session.editor.revise(ranking)
    save(session, *REVERSED)


def rank_again(project: Project, ranking: int) -> None:
    guidelines.save(project, criteria="new", ties="", flags="", examples="")
    assignments.queue_again(project, [ranking])
    session = session_of(project)
    session.editor.open(1)
    assert session.editor.item.adjudicating, "the sentence above the cards says so"
    save(session, *REVERSED)


def command(project: Project, _: int) -> None:
    session = session_of(project)
    session.editor.open(1)
    order = ">".join(str(session.ordering.shown.index(item) + 1) for item in sorted(session.ordering.shown)[::-1])
    given = ["rank", str(project.folder), "--labeler", "Ana", "--group", "1", "--order", order]
    assert CliRunner().invoke(cli, given).exit_code == 0


@pytest.mark.parametrize("how", [revise, rank_again, command])
def test_a_decision_that_its_author_ranks_again_stays_one(filled, how):
    how(filled, decided(filled))
    found = pairs.listed(filled)
    assert {pair.labeler_id for pair in found} == {person(filled, "Ana")} and len(found) == 6
    assert rankings.current(filled, 1, person(filled, "Ana")).ranks == dict(zip(range(1, 5), (4, 3, 2, 1), strict=True))
    assert judgements.adjudicated(filled) == {1}


def test_a_decision_counts_as_long_as_its_author_says_nothing_else(filled):
    """An import or a pack may bring an ordinary ranking of theirs."""
    decision, ana = decided(filled), person(filled, "Ana")
    later = rank(filled, 1, ana, *REVERSED)
    assert judgements.adjudicated(filled) == set() and pairs.counts(filled).pairs == 12
    rankings.retract(filled, later)
    assert counting(filled, 1) == {decision}


def test_who_decides_a_prompt_that_waits_as_a_repeat_repeats_nothing(filled, monkeypatch):
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 1)
    filled.set_setting(assignments.REPEAT_EVERY, 1)
    rank(filled, 1, person(filled, "Bo"), *REVERSED)
    session = session_of(filled)
    session.open_next()
    save(session, 0, 1, 2, 3)
    save(session, 0, 1, 2, 3)
    assert 1 in session.queue.repeats
    session.editor.adjudicate(1)
    decision = rankings.get(filled, save(session, 1, 0, 2, 3))
    assert decision.adjudicates and decision.repeat_of is None
    assert counting(filled, 1) == {decision.id}


def test_who_decides_begins_with_all_that_they_said_of_the_prompt(filled):
    ids, ana = completions.ids(filled, 1), person(filled, "Ana")
    rank(
        filled, 1, ana, 2, 1, 0, comment="my reasons", flags={ids[3]: "unsafe"}, verdicts={ids[2]: "good"},
        criteria={"kind": dict(zip(ids, (1, 2, 3, None), strict=True))},
    )  # fmt: skip
    rank(filled, 1, person(filled, "Bo"), *REVERSED)
    (later,) = completions.write(filled, 1, person(filled, "Bo"), "what Ana has not seen").ids
    before, session = rankings.current(filled, 1, ana), session_of(filled)
    session.editor.adjudicate(1)
    assert session.saveable and not session.editor.reviewing, "by which policy is hidden while it is decided"
    session.save()
    found = rankings.current(filled, 1, ana)
    assert found.adjudicates and found.id != before.id and later not in found.ranks
    changed = {"id": found.id, "created_at": found.created_at, "seconds": found.seconds, "adjudicates": True}
    assert replace(before, **changed) == found
    assert [(each.completion_id, each.good) for each in verdicts.counting(filled)] == [(ids[2], 1)]


def test_a_repeat_of_a_decision_only_measures(filled):
    decision, ana = decided(filled), person(filled, "Ana")
    with filled.write() as database:
        database.execute(
            "insert into assignments (group_id, labeler_id, reason, after_ranking, created_at)"
            " values (1, ?, 'repeat', ?, '')", (ana, decision)
        )  # fmt: skip
    session = session_of(filled)
    session.editor.open(1)
    assert not session.editor.item.adjudicating
    again = save(session, *REVERSED)
    assert (rankings.get(filled, again).repeat_of, rankings.get(filled, again).adjudicates) == (decision, False)
    session.undo()
    assert not session.editor.item.adjudicating


def test_a_decision_is_revised_in_a_pack_of_its_author(filled, tmp_path):
    decided(filled)
    packs.pack(filled, tmp_path / "a.plbpack", "Ana")
    with closing(open_project(packs.unpack(tmp_path / "a.plbpack", tmp_path / "there"))) as away:
        revise(away, rankings.standing(away, 1, person(away, "Ana")))
        packs.pack(away, tmp_path / "b.plbpack", "Ana")
    merged = packs.merge(filled, tmp_path / "b.plbpack")
    assert (merged.added, merged.refused) == (1, []) and judgements.adjudicated(filled) == {1}
    found = rankings.current(filled, 1, person(filled, "Ana"))
    assert counting(filled, 1) == {found.id} and list(found.ranks.values()) == [4, 3, 2, 1]


def test_decisions_that_an_older_project_lost_count_again(filled):
    """One was ranked over, one was stored as a repeat; one was taken back before its prompt was ranked again."""
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    for group in (1, 2, 3):
        rank(filled, group, bo, *REVERSED)
    rank(filled, 1, ana, 0, 1, 2, 3, adjudicates=True)
    over = rank(filled, 1, ana, 1, 0, 2, 3)
    repeat = rank(filled, 2, ana, 0, 1, 2, 3, adjudicates=True, repeat_of=rank(filled, 2, ana, 1, 0, 2, 3))
    rankings.retract(filled, rank(filled, 3, ana, 0, 1, 2, 3, adjudicates=True))
    rank(filled, 3, ana, 1, 0, 2, 3)
    filled.close()
    with closing(sqlite3.connect(filled.folder / "plumbline.db")) as database:
        database.executescript(TO_M011)
    with closing(open_project(filled.folder)) as again:
        assert (counting(again, 1), counting(again, 2), len(counting(again, 3))) == ({over}, {repeat}, 2)
        assert judgements.adjudicated(again) == {1, 2}
    assert list(filled.folder.glob("plumbline.before-m012*.db"))
