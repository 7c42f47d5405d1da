"""Packs of one labeler that cross on their way: nothing of hers is lost between home and two of them without a word."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.labeling import pack as packs
from core.records import NewRanking
from core.store import Project, completions, conflicts, labelers, open_project, rankings
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
