"""An item's order becomes a ranking of the project, and now and then a repeat of an earlier one joins the queue."""

from core.labeling.drafts import Drafts
from core.labeling.item import Item
from core.preferences.judged_groups import OVERALL
from core.records import NewRanking
from core.store import Changes, assignments, rankings


def save(drafts: Drafts, item: Item, *, repeat_of: int | None, seconds: float | None) -> tuple[Changes, bool]:
    """Store the ranking of whose `drafts` these are in place of the draft, in one transaction; returns the changes, and
    whether a repeat was mixed in: a repeat itself brings no further one. Raises `ChangedElsewhere`."""
    project, labeler_id = drafts.project, drafts.labeler_id
    overall, left_out = item.ordering.switch(OVERALL), item.left_out
    with project.write():
        drafts.keep(item.group.id, None)
        changes = rankings.add(
            project,
            NewRanking(
                item.group.id,
                labeler_id,
                _without(left_out, overall.ranks()),
                flag=overall.flag,
                flags=overall.flags,
                verdicts=overall.verdicts,
                comment=overall.comment.strip(),
                seconds=seconds,
                criteria={name: _without(left_out, order) for name, order in overall.criteria().items()},
                method=overall.method,
                shown=overall.shown,
                repeat_of=repeat_of,
                adjudicates=item.adjudicating,
            ),
        )
        mixed_in = repeat_of is None and assignments.mix_in_repeat(project, labeler_id) is not None
    return changes, mixed_in


def _without(left_out: set[int], ranks: dict[int, int | None]) -> dict[int, int | None]:
    return {item: rank for item, rank in ranks.items() if item not in left_out}
