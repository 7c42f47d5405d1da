"""Several labelers: who ranks what, repeats, calibration, packs that go out and come back."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from core.errors import BadInput
from core.labeling import pack as packs
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.records import NewRanking
from core.store import (
    Project,
    assignments,
    calibration,
    completions,
    conflicts,
    drafts,
    guidelines,
    labelers,
    open_project,
    pairs,
    prompts,
    rankings,
)
from tests.ranked import counting_rankings


def group_ids(project: Project) -> list[int]:
    return completions.group_ids(project)


def person(project: Project, name: str) -> int:
    return labelers.named(project, name).id


def rank(project: Project, group_id: int, who: int, *order: int, **more) -> int:
    """Rank a group by the places of its completions, best first."""
    ids = completions.ids(project, group_id)
    ranks = {item: order.index(place) + 1 if place in order else None for place, item in enumerate(ids)}
    return rankings.add(project, NewRanking(group_id, who, ranks, **more)).ids[0]


def test_without_an_assignment_everybody_ranks_everything(filled):
    assert list(assignments.queue(filled, person(filled, "Ana")).waiting) == group_ids(filled)


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_each_prompt_goes_to_k_of_n_evenly(filled, overlap):
    people = [person(filled, name) for name in ("Ana", "Bo", "Cy")]
    assignments.assign(filled, people, overlap)
    queues = {who: assignments.queue(filled, who).waiting for who in people}
    assert Counter(item for waiting in queues.values() for item in waiting) == dict.fromkeys(group_ids(filled), overlap)
    sizes = [len(waiting) for waiting in queues.values()]
    assert max(sizes) - min(sizes) <= 1
    if overlap == 2:
        assert all(set(queues[a]) & set(queues[b]) for a, b in combinations(people, 2))  # every two people meet


def test_later_prompts_are_given_out_and_finished_work_is_kept(filled):
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    rank(filled, group_ids(filled)[0], bo, 0, 1, 2, 3)
    assignments.assign(filled, [ana, bo], 1)
    assert group_ids(filled)[0] not in assignments.queue(filled, ana).waiting
    new = completions.add_group(filled, 1, completions_of("x", "y"))
    waiting = [assignments.queue(filled, who).waiting for who in (ana, bo)]
    assert sum(new in found for found in waiting) == 1
    with pytest.raises(BadInput, match="1 up to 2"):
        assignments.assign(filled, [ana, bo], 3)
    assignments.unassign(filled)
    assert new in assignments.queue(filled, ana).waiting


def test_what_was_begun_stays_within_reach_of_its_labeler(filled):
    ana, bo = person(filled, "Ana"), person(filled, "Bo")
    for group in group_ids(filled):
        if group != 2:
            drafts.keep(filled, bo, group, {"comment": "long thoughts"})
    AnswerDrafts(filled, bo).keep(2, NEW, "half an answer")
    assignments.assign(filled, [ana, bo], 1)
    assert list(assignments.queue(filled, bo).waiting) == group_ids(filled)
    assert not assignments.queue(filled, ana).waiting
    assignments.assign(filled, [ana], 1)
    waiting = [list(assignments.queue(filled, who).waiting) for who in (ana, bo)]
    assert waiting == [group_ids(filled), group_ids(filled)]


def completions_of(*texts):
    from core.events import NewCompletion

    return tuple(NewCompletion(text, 3, True, 0) for text in texts)


def test_rankings_under_older_guidelines_are_found_and_queued_again(filled):
    ana = person(filled, "Ana")
    first = rank(filled, 1, ana, 0, 1, 2, 3)
    assert assignments.older(filled) == []
    guidelines.save(filled, criteria="Be brief.", ties="", flags="", examples="")
    assert assignments.older(filled) == [first]
    before = pairs.counts(filled).pairs
    assignments.queue_again(filled, [first])
    assert assignments.older(filled) == []
    assert 1 in assignments.queue(filled, ana).waiting
    assert pairs.counts(filled).pairs == before  # the earlier one counts until the new one is made
    rank(filled, 1, ana, 3, 2, 1, 0)
    assert 1 not in assignments.queue(filled, ana).waiting


def test_a_repeat_comes_unannounced_and_only_once(filled, monkeypatch):
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 2)
    filled.set_setting(assignments.REPEAT_EVERY, 2)
    ana = person(filled, "Ana")
    first = rank(filled, 1, ana, 0)
    asked = []
    for group_id in group_ids(filled)[1:5]:
        rank(filled, group_id, ana, 1)
        asked.append(assignments.mix_in_repeat(filled, ana))
    assert asked == [None, None, first, None]
    queue = assignments.queue(filled, ana)
    assert queue.repeats == {1: first}
    assert set(queue.waiting) == {6, 1}
    rank(filled, 1, ana, 1, repeat_of=first)
    assert assignments.queue(filled, ana).waiting == (6,)
    assert queue.total == assignments.queue(filled, ana).total


def test_the_calibration_set_comes_first(filled):
    author, new = person(filled, "Author"), person(filled, "New")
    key = rank(filled, 4, author, 2, 1, 0)
    calibration.add(filled, key)
    assert calibration.keys(filled) == {4: key}
    assert assignments.queue(filled, new).waiting[0] == 4
    calibration.remove(filled, 4)
    assert assignments.queue(filled, new).waiting[0] == 1
    flagged = rank(filled, 5, author, flag="unsafe")
    with pytest.raises(BadInput, match="flagged"):
        calibration.add(filled, flagged)


@pytest.fixture
def packed(filled, tmp_path) -> tuple[Project, Path, Project]:
    """A project, a pack for Bo, and the project that Bo made of it."""
    rank(filled, 1, person(filled, "Ana"), 0, 1, 2, 3)
    path = tmp_path / "bo.plumbpack"
    assert packs.pack(filled, path, "Bo") == 6
    return filled, path, open_project(packs.unpack(path, tmp_path / "bo"))


def back(bo: Project, tmp_path: Path) -> Path:
    path = tmp_path / "back.plumbpack"
    packs.pack(bo, path, "Bo")
    return path


def test_a_pack_is_ranked_elsewhere_and_merged_back_twice(packed, tmp_path):
    project, path, bo = packed
    assert packs.labeler_of(path) == "Bo"
    assert counting_rankings(bo) == []  # nobody sees the others' work
    who = person(bo, "Bo")
    rank(bo, 1, who, 3, 2, 1, 0, comment="hm", seconds=4.0, criteria={"kind": dict.fromkeys(completions.ids(bo, 1), 1)})
    rank(bo, 2, who, flag="unsafe")
    report = packs.merge(project, back(bo, tmp_path))
    assert (report.added, report.known, report.conflicts, report.refused) == (2, 0, 0, [])
    found = counting_rankings(project, labeler_id=person(project, "Bo"))
    assert [(item.comment, item.seconds, item.flag) for item in found] == [("hm", 4.0, None), ("", None, "unsafe")]
    assert list(found[0].criteria) == ["kind"]
    before = project.database.rows("select * from rankings")
    again = packs.merge(project, back(bo, tmp_path))
    assert (again.added, again.known) == (0, 2)
    assert project.database.rows("select * from rankings") == before


def test_more_work_and_a_changed_mind_follow_in_a_second_merge(packed, tmp_path):
    project, _, bo = packed
    who = person(bo, "Bo")
    first = rank(bo, 1, who, 0)
    packs.merge(project, back(bo, tmp_path))
    rankings.retract(bo, first)
    rank(bo, 1, who, 1)
    rank(bo, 3, who, 2)
    report = packs.merge(project, back(bo, tmp_path))
    assert (report.added, report.known, report.retracted, report.conflicts) == (2, 1, 1, 0)
    bos = counting_rankings(project, labeler_id=person(project, "Bo"))
    assert [ranking.group_id for ranking in bos] == [1, 3]


@pytest.mark.parametrize("taken", ["ours", "theirs"])
def test_a_conflict_overwrites_nothing_until_somebody_chooses(packed, tmp_path, taken):
    project, _, bo = packed
    ours = rank(project, 2, person(project, "Bo"), 0, 1, 2, 3)
    rank(bo, 2, person(bo, "Bo"), 3, 2, 1, 0)
    report = packs.merge(project, back(bo, tmp_path))
    assert (report.added, report.conflicts) == (0, 1)
    (conflict,) = conflicts.listed(project)
    assert (conflict.labeler, conflict.ours) == ("Bo", ours)

    def current() -> int:
        return counting_rankings(project, labeler_id=person(project, "Bo"))[0].id

    assert current() == ours
    assert packs.merge(project, back(bo, tmp_path)).conflicts == 0
    conflicts.resolve(project, conflict.id, taken)
    assert current() == (ours if taken == "ours" else conflict.theirs)
    assert conflicts.listed(project) == []


def test_a_decision_takes_back_no_ranking_that_was_made_since_and_not_looked_at(packed, tmp_path, plumbline):
    project, _, bo = packed
    home = person(project, "Bo")
    rank(project, 2, home, 0, 1, 2, 3)
    rank(bo, 2, person(bo, "Bo"), 3, 2, 1, 0)
    packs.merge(project, back(bo, tmp_path))
    shown = conflicts.listed(project)[0]
    since = rank(project, 2, home, 1, 0, 2, 3)
    with pytest.raises(conflicts.RankedSince):  # as the window decides, of what it shows
        conflicts.resolve(project, shown.id, "theirs", (shown.ours, shown.theirs))
    take = ("conflicts", project.folder, "--id", shown.id, "--take", "theirs")
    code, _, err = plumbline(*take)
    assert (code, f"Ranking {since} of the same labeler" in err, f"--seen {since} says" in err) == (2, True, True), err
    assert f"{since}: B > A > C > D  {shown.theirs}: D > C > B > A" in plumbline("conflicts", project.folder)[1]
    assert counting_rankings(project, labeler_id=home)[-1].id == since
    assert plumbline(*take, "--seen", since)[0] == 0
    assert shown.theirs in {each.id for each in counting_rankings(project, labeler_id=home)}


def test_what_cannot_be_merged_is_named_and_the_rest_comes(packed, tmp_path):
    project, _, bo = packed
    who = person(bo, "Bo")
    rank(bo, 2, who, 0)
    rank(bo, 3, who, 0)
    prompts.delete(project, [prompts.listed(project)[1].id])
    report = packs.merge(project, back(bo, tmp_path))
    assert report.added == 1
    assert "question 2?" in report.refused[0]


def test_a_foreign_or_broken_pack_is_refused_in_one_sentence(packed, filled, tmp_path):
    from core.store import create_project

    project, path, _ = packed
    with pytest.raises(BadInput, match="another project"):
        packs.merge(create_project(tmp_path / "other"), path)
    broken = tmp_path / "broken.plumbpack"
    broken.write_bytes(path.read_bytes()[:5000])
    for bad in (broken, tmp_path / "missing"):
        with pytest.raises(BadInput):
            packs.merge(project, bad)
    with pytest.raises(BadInput, match="another project"):
        packs.unpack(path, project.folder)


def test_unpacking_twice_keeps_the_work(packed, tmp_path):
    _, path, bo = packed
    rank(bo, 2, person(bo, "Bo"), 0)
    bo.close()
    again = open_project(packs.unpack(path, tmp_path / "bo"))
    assert len(counting_rankings(again)) == 1
    again.close()


def test_a_pack_under_guidelines_of_its_own_is_taken_under_the_version_that_both_have(packed, tmp_path):
    project, _, bo = packed
    guidelines.save(bo, criteria="My own.", ties="", flags="", examples="")
    rank(bo, 2, person(bo, "Bo"), 0)
    packs.merge(project, back(bo, tmp_path))
    assert counting_rankings(project)[-1].guidelines_id == 1
