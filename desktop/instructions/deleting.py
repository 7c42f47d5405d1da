"""What goes with prompts that are deleted, in words, to be said before it is done."""

from collections.abc import Iterable

from core.store.prompts import Along
from desktop.instructions.splits import counted

NOTHING = Along()


def together(found: Iterable[Along]) -> Along:
    """What goes with several."""
    return Along(*map(sum, zip(NOTHING, *found, strict=True)))


def said(along: Along) -> str:
    """`2 answers, 1 begun order`; empty where there is nothing."""
    parts = [
        (along.answers, counted(along.answers, "answer")),
        (along.by_hand, f"{along.by_hand:,} of them by hand"),
        (along.drafts, counted(along.drafts, "begun order")),
        (along.begun, counted(along.begun, "begun answer")),
        (along.typed, counted(along.typed, "unsaved change")),
    ]
    return ", ".join(text for number, text in parts if number)


def warning(along: Along) -> str:
    """The sentence before it is done; empty where there is nothing."""
    found = said(along)
    back = "Undo brings that back, but only until the project is closed."
    return f"Deleted too: {found}. {back} Press again to delete." if found else ""
