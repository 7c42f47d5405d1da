"""What was begun on an item, as a draft in the project, and back. No Qt."""

from typing import Any

from core.labeling.ordering import OVERALL, Ordering


def plain(group_id: int, ordering: Ordering) -> dict[str, Any]:
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


def ordering(draft: dict[str, Any], shown: tuple[int, ...]) -> Ordering | None:
    """The stored draft as an ordering, or None if it speaks of other completions."""
    tiers = _tuples(draft["tiers"])
    flags = {int(item): str(flag) for item, flag in draft["flags"]}
    others = {name: (_tuples(found[0]), _tuples(found[1])) for name, found in draft.get("others", {}).items()}
    named = {item for order in (tiers, *(found[0] for found in others.values())) for tier in order for item in tier}
    if not named | set(flags) <= set(shown):
        return None
    return Ordering(
        shown, tiers, flags, draft["flag"], draft["comment"], draft.get("method", "order"),
        _tuples(draft.get("answers", [])), draft.get("criterion", OVERALL), others,
    )  # fmt: skip


def _tuples(lists: list[list[int]]) -> tuple[Any, ...]:
    return tuple(tuple(found) for found in lists)
