"""Packs of one labeler that cross on their way: nothing of hers is lost between home and two of them without a word."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.errors import BadInput
from core.labeling import pack as packs
from core.labeling.session import LabelingSession
from core.records import NewRanking
from core.store import Project, assignments, completions, conflicts, labelers, open_project, rankings
from tests.ranked import counting_rankings


class Crossing:
    """Bo's project at home, and the packs that went out one after the other."""

    def __init__(self, home: Project, folder: Path, opened: ExitStack) -> None:
        self.home, self.folder, self.opened = home, folder, opened
        self.sent = 0

    def hand_out(self, *, earlier: bool = True) -> Project:
        """One more pack, opened beside the `earlier` ones, whose work comes along, or for itself."""
        self.sent += 1
        path = self.folder / f"out {self.sent}.plumbpack"
        packs.pack(self.home, path, "Bo")
        place = packs.take_up(path, self.folder / "there" / ("bo" if earlier else f"bo{self.sent}"))[0]
        project = open_project(place)
        self.opened.callback(project.close)
        return project

    def back(self, pack: Project) -> packs.Merged:
        self.sent += 1
        path = self.folder / f"back {self.sent}.plumbpack"
        packs.pack(pack, path, "Bo")
        return packs.merge(self.home, path)

    def decide(self, side: str, project: Project | None = None) -> None:
        (waiting,) = conflicts.listed(project or self.home)
        conflicts.resolve(project or self.home, waiting.id, side)


@pytest.fixture
def crossing(filled, tmp_path) -> Iterator[Crossing]:
    with ExitStack() as opened:
        yield Crossing(filled, tmp_path, opened)


def bo(project: Project) -> int:
    return labelers.named(project, "Bo").id


def ranked(project: Project, comment: str, group_id: int = 2) -> int:
    ranks = {item: place for place, item in enumerate(reversed(completions.ids(project, group_id)), 1)}
    return rankings.add(project, NewRanking(group_id, bo(project), ranks, comment=comment)).ids[0]


def counts(project: Project) -> list[str]:
    return [each.comment for each in counting_rankings(project)]


def sides(project: Project) -> list[tuple[str, str]]:
    """What is said of both sides of each conflict that waits."""
    found = conflicts.listed(project)
    return [(rankings.get(project, each.ours).comment, rankings.get(project, each.theirs).comment) for each in found]


def two_packs(crossing: Crossing) -> tuple[Project, Project]:
    """Ranked in the first and at home; the second was handed out then, and waits for a decision of its own."""
    first = crossing.hand_out()
    ranked(first, "away")
    ranked(crossing.home, "at home")
    second = crossing.hand_out()
    assert sides(second) == [("at home", "away")] and counts(second) == ["at home"]
    return first, second


def test_what_waits_for_a_decision_in_a_pack_waits_at_home_too(crossing):
    first, second = two_packs(crossing)
    report = crossing.back(second)
    assert (report.retracted, report.conflicts) == (0, 1) and sides(crossing.home) == [("at home", "away")]
    assert packs.merge(crossing.home, first.folder).conflicts == 0 and crossing.back(second).conflicts == 0
    crossing.decide("theirs")
    assert counts(crossing.home) == ["away"]
    crossing.back(second)
    assert counts(crossing.home) == ["away"] and sides(crossing.home) == []


def test_a_decision_at_home_is_not_undone_by_a_pack_in_which_it_still_waits(crossing):
    first, second = two_packs(crossing)
    packs.merge(crossing.home, first.folder)
    crossing.decide("theirs")
    report = crossing.back(second)
    assert (report.retracted, report.conflicts) == (0, 0)
    assert counts(crossing.home) == ["away"] and sides(crossing.home) == []


def test_what_waits_in_a_pack_counts_where_its_rival_was_taken_back(crossing):
    _, second = two_packs(crossing)
    rankings.retract(crossing.home, rankings.latest(crossing.home, bo(crossing.home)).id)
    crossing.back(second)
    assert counts(crossing.home) == ["away"] and sides(crossing.home) == []


def test_one_that_waits_in_a_pack_waits_beside_a_revision_of_its_rival(crossing):
    _, second = two_packs(crossing)
    ranked(second, "at home, revised away")
    crossing.back(second)
    assert sides(crossing.home) == [("at home, revised away", "away")]


@pytest.mark.parametrize("waits_there", [True, False])
def test_of_three_in_three_places_each_is_looked_at(crossing, waits_there):
    first = crossing.hand_out()
    ranked(first, "away")
    ranked(crossing.home, "at home")
    second = crossing.hand_out(earlier=waits_there)
    packs.merge(crossing.home, first.folder)
    if not waits_there:  # it goes out taken back, by the merge alone
        second = crossing.hand_out(earlier=False)
    ranked(crossing.home, "revised at home")
    ranked(second, "revised away")
    crossing.back(second)
    assert sorted(sides(crossing.home)) == [("revised at home", "away"), ("revised at home", "revised away")]
    conflicts.resolve(crossing.home, conflicts.listed(crossing.home)[1].id, "theirs")
    assert sides(crossing.home) == [("revised away", "away")] and counts(crossing.home) == ["revised away"]


@pytest.mark.parametrize(("side", "left"), [("ours", "at home"), ("theirs", "away")])
def test_a_decision_in_a_pack_comes_home(crossing, side, left):
    _, second = two_packs(crossing)
    crossing.decide(side, second)
    crossing.back(second)
    assert counts(crossing.home) == [left] and sides(crossing.home) == []


def test_two_decisions_against_each_other_are_looked_at(crossing):
    first, second = two_packs(crossing)
    packs.merge(crossing.home, first.folder)
    crossing.decide("theirs")
    crossing.decide("ours", second)
    crossing.back(second)
    assert sides(crossing.home) == [("away", "at home")]
    crossing.decide("theirs")
    assert counts(crossing.home) == ["at home"] and crossing.back(second).conflicts == 0


def test_no_conflict_is_of_a_ranking_with_itself(crossing):
    """The second pack was handed out before the first one's ranking was taken."""
    first = crossing.hand_out()
    ranked(first, "away")
    ranked(crossing.home, "at home")
    packs.merge(crossing.home, first.folder)
    second = crossing.hand_out(earlier=False)
    crossing.decide("theirs")
    assert crossing.back(second).conflicts == 0
    assert sides(crossing.home) == [] and counts(crossing.home) == ["away"]
    ranked(second, "at home, revised away")
    assert crossing.back(second).conflicts == 1
    assert sides(crossing.home) == [("away", "at home, revised away")] and counts(crossing.home) == ["away"]


@pytest.mark.parametrize(("side", "left"), [("ours", "revised"), ("theirs", "away")])
def test_a_decision_is_between_what_counts_by_now(crossing, side, left):
    pack = crossing.hand_out()
    ranked(pack, "away")
    ranked(crossing.home, "at home")
    packs.merge(crossing.home, pack.folder)
    ranked(crossing.home, "revised")
    assert sides(crossing.home) == [("revised", "away")]
    crossing.decide(side)
    assert counts(crossing.home) == [left] and sides(crossing.home) == []


def test_a_decision_for_what_came_first_counts_over_every_later_version(crossing):
    pack = crossing.hand_out()
    mine = ranked(pack, "away")
    crossing.back(pack)
    rankings.retract(pack, mine)
    crossing.back(pack)
    ranked(crossing.home, "at home")
    rankings.restore(pack, mine)
    crossing.back(pack)
    ranked(crossing.home, "revised")
    crossing.decide("theirs")
    assert counts(crossing.home) == ["away"]


def test_an_answer_to_a_prompt_that_was_skipped_for_good_is_sent_back(crossing):
    pack = crossing.hand_out()
    completions.write(pack, 3, bo(pack), "an hour of work")
    assignments.skip(pack, bo(pack), 3)
    assert crossing.back(pack).answers == 1
    assert "an hour of work" in completions.texts(crossing.home, completions.ids(crossing.home, 3)).values()


def answers(project: Project) -> None:
    completions.write(project, 3, bo(project), "an hour of work")


def takes_back(project: Project) -> None:
    rankings.retract(project, rankings.latest(project, bo(project)).id)


@pytest.mark.parametrize("work", [answers, takes_back])
def test_a_pack_that_came_back_is_not_written_over_before_all_of_it_is_merged(crossing, work):
    ranked(crossing.home, "at home")
    pack = crossing.hand_out()
    path = crossing.folder / "out 1.plumbpack"
    packs.pack(crossing.home, path, "Bo")  # nothing was done in it
    work(pack)
    packs.pack(pack, path, "Bo")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="merge it first"):
        packs.pack(crossing.home, path, "Bo")
    assert path.read_bytes() == before
    packs.merge(crossing.home, path)
    packs.pack(crossing.home, path, "Bo")


def test_an_answer_that_was_taken_back_at_home_is_no_work_in_its_pack(crossing):
    pack = crossing.hand_out()
    answers(pack)
    packs.pack(pack, path := crossing.folder / "same.plumbpack", "Bo")
    packs.merge(crossing.home, path)
    (mine,) = completions.written_by_hand(crossing.home, 3)
    completions.take_back(crossing.home, mine)
    packs.pack(crossing.home, path, "Bo")


@pytest.mark.parametrize("best", range(5))
def test_an_order_by_questions_of_two_comes_along_without_an_answer_that_is_gone(crossing, best):
    """Whichever is best of five, one of which is taken back: it is all said, or asked."""
    gone = completions.write(crossing.home, 1, labelers.named(crossing.home, "Ana").id, "by Ana").ids[0]
    pack = crossing.hand_out()
    there = LabelingSession(pack, labelers.named(pack, "Bo"))
    there.editor.open(1)
    there.editor.use("pairwise")
    ids = completions.ids(pack, 1)
    wanted = [*ids[best:], *ids[:best]]
    while there.ordering.question:
        one, two = there.ordering.question
        there.editor.change(there.ordering.answer(1 if wanted.index(one) < wanted.index(two) else -1))
    assert there.ordering.tiers == tuple((item,) for item in wanted)
    completions.take_back(crossing.home, gone)
    project = crossing.hand_out()
    here = LabelingSession(project, labelers.named(project, "Bo"))
    here.editor.open(1)
    while here.ordering.question:
        one, two = here.ordering.question
        here.editor.change(here.ordering.answer(1 if wanted.index(one) < wanted.index(two) else -1))
    assert here.ordering.tiers == tuple((item,) for item in wanted if item != gone) and here.saveable
