"""What a labeler has begun and not saved: drafts in the project, on disk before anything is shown of them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.labeling.ordering import Ordering
from core.preferences.judged_groups import OVERALL
from core.store import Project, drafts


class Drafts:
    """The drafts of one labeler, by group; `shown` gives a group's completions in the order in which they are seen."""

    def __init__(self, project: Project, labeler_id: int, shown: Callable[[int], tuple[int, ...]]) -> None:
        self.project = project
        self.labeler_id = labeler_id
        self._found: dict[int, Ordering] = {}
        for group_id, draft in drafts.listed(project, labeler_id).items():
            begun = _read(draft, shown(group_id))
            if begun is not None:
                self._found[group_id] = begun

    def get(self, group_id: int) -> Ordering | None:
        return self._found.get(group_id)

    def keep(self, group_id: int, ordering: Ordering | None) -> None:
        """Write the draft of an item; None forgets it."""
        draft = None if ordering is None else draft_of(group_id, ordering)
        drafts.keep(self.project, self.labeler_id, group_id, draft)
        if ordering is None:
            self._found.pop(group_id, None)
        else:
            self._found[group_id] = ordering

    def end(self, group_id: int) -> None:
        """The item is done with, and its draft if there is one."""
        if group_id in self._found:
            self.keep(group_id, None)


def _read(draft: dict[str, Any], shown: tuple[int, ...]) -> Ordering | None:
    """None for one that is no draft at all: it is only what was begun, and the item is asked anew."""
    with suppress(KeyError, TypeError, ValueError, IndexError, AttributeError):
        return ordering_of(draft, shown)
    return None


def draft_of(group_id: int, ordering: Ordering) -> dict[str, Any]:
    """An ordering as plain data for the project."""
    return {
        "group": group_id,
        "tiers": [list(tier) for tier in ordering.tiers],
        "flags": list(ordering.flags.items()),
        "flag": ordering.flag,
        "comment": ordering.comment,
        "method": ordering.method,
        "answers": [list(answer) for answer in ordering.answers],
        "criterion": ordering.criterion,
        "others": {name: [tiers, answers] for name, (tiers, answers) in ordering.others.items()},
    }


def ordering_of(draft: dict[str, Any], shown: tuple[int, ...]) -> Ordering | None:
    """The stored draft as an ordering, or None if it speaks of other completions.

    In older drafts the name of the overall order is empty.
    """
    tiers = _tuples(draft["tiers"])
    flags = {int(item): str(flag) for item, flag in draft["flags"]}
    others = {
        name or OVERALL: (_tuples(found[0]), _tuples(found[1])) for name, found in draft.get("others", {}).items()
    }
    named = {item for order in (tiers, *(found[0] for found in others.values())) for tier in order for item in tier}
    if not named | set(flags) <= set(shown):
        return None
    return Ordering(
        shown, tiers, flags, draft["flag"], draft["comment"], draft.get("method", "order"),
        _tuples(draft.get("answers", [])), draft.get("criterion") or OVERALL, others,
    )  # fmt: skip


def _tuples(lists: list[list[int]]) -> tuple[Any, ...]:
    return tuple(tuple(found) for found in lists)
