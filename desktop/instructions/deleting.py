"""What goes with prompts that are deleted, in words, to be said before it is done."""

from collections.abc import Iterable

from core.store.prompts import Along

NOTHING = Along()


def together(found: Iterable[Along]) -> Along:
    """What goes with several."""
    return Along(*map(sum, zip(NOTHING, *found, strict=True)))


def said(along: Along) -> str:
    """`2 answers, 1 begun order`; empty where there is nothing."""
    parts = [
        _counted(along.answers, "answer"),
        f"{along.by_hand:,} of them by hand" if along.by_hand else "",
        _counted(along.drafts, "begun order"),
        _counted(along.begun, "begun answer"),
        _counted(along.typed, "unsaved change"),
    ]
    return ", ".join(filter(None, parts))


def warning(along: Along) -> str:
    """The sentence before it is done; empty where there is nothing."""
    found = said(along)
    back = "Undo brings that back, but only until the project is closed."
    return f"Deleted too: {found}. {back} Press again to delete." if found else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count > 1)}" if count else ""
