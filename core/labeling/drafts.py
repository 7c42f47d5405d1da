"""What a labeler has begun and not saved: drafts in the project, on disk before anything is shown of them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from core.labeling.ordering import Ordering
from core.labeling.pairwise import Answers, Tiers
from core.preferences.judged_groups import OVERALL
from core.store import Project, drafts
from core.store.rankings import METHODS


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
    flags = {item: _text(flag) for item, flag in draft["flags"]}
    others = {
        name or OVERALL: (_tiers(found[0]), _answers(found[1])) for name, found in draft.get("others", {}).items()
    }
    tiers, answers = _tiers(draft["tiers"]), _answers(draft.get("answers", []))
    orders = [(tiers, answers), *others.values()]
    placed = {item for order, _ in orders for tier in order for item in tier}
    asked = {item for _, given in orders for one, two, _ in given for item in (one, two)}
    if not placed | asked | set(flags) <= set(shown):
        return None
    flag, method = draft["flag"], draft.get("method", "order")
    if method not in METHODS:
        raise ValueError(method)
    return Ordering(
        shown, tiers, flags, None if flag is None else _text(flag), _text(draft["comment"]), method, answers,
        _text(draft.get("criterion") or OVERALL), others,
    )  # fmt: skip


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _tiers(lists: list[list[int]]) -> Tiers:
    """Each completion in one place at most. Raises `ValueError`."""
    tiers = tuple(tuple(found) for found in lists)
    placed = [item for tier in tiers for item in tier]
    if len(set(placed)) < len(placed) or not all(tiers):
        raise ValueError(tiers)
    return tiers


def _answers(lists: list[list[int]]) -> Answers:
    """Which one of two is better. Raises `ValueError`."""
    answers = tuple((one, two, sign) for one, two, sign in lists)
    if not all(one != two and sign in (-1, 0, 1) for one, two, sign in answers):
        raise ValueError(answers)
    return answers
