"""Where answers that were sent to be ranked stand for one labeler: who sends them is told what becomes of them."""

from dataclasses import dataclass
from enum import Enum

from core.store import Project, assignments, labelers, rankings


class Place(Enum):
    QUEUE = "queue"
    RANKED = "ranked"
    """The labeler ranked them: they do not come again."""
    SKIPPED = "skipped"
    """The labeler left them unranked for good."""
    OTHERS = "others"
    """Others are to rank them."""


@dataclass(frozen=True)
class Standing:
    """`before` is how many come first in the labeler's queue."""

    place: Place
    before: int = 0


def standing(project: Project, group_id: int, name: str) -> Standing:
    """Where a group stands for the labeler called `name`, who may have ranked nothing yet."""
    labeler = labelers.find(project, name)
    if labeler is None:
        return Standing(Place.OTHERS if assignments.plan(project)[0] else Place.QUEUE)
    queue = assignments.queue(project, labeler.id)
    if group_id in queue.waiting and group_id not in queue.repeats:  # nobody is told of repeats
        return Standing(Place.QUEUE, queue.waiting.index(group_id))
    if rankings.is_ranked(project, group_id, labeler.id):
        return Standing(Place.RANKED)
    skipped = group_id in assignments.skipped(project, labeler.id)
    return Standing(Place.SKIPPED if skipped else Place.OTHERS)
