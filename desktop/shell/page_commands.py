"""What the pages offer that are not shown, by name: written down, so that nothing is built only to be listed.

A test compares it with the pages themselves.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtWidgets import QTabWidget

from desktop.actions import plain
from desktop.shell import commands
from desktop.shell.commands import Command

#: By tab, and by the page in it ("" is all of them).
OFFERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Instructions": {
        "Guidelines": ("Use a template", "Set Version"),
        "Prompts": (
            "Add", "Import", "Hold out", "Find duplicates", "Set Search prompts and tags",
            "Set Share of prompts to hold out",
        ),
    },
    "Rank": {"": ("Generate", "Guidelines", "History", "Session", "Set Labeler")},
    "Review": {
        "Pairs": (
            "Import", "Export", "Set Search prompts", "Set Least distance of the ranks", "Set Who ranked",
            "Set Tag of the prompt", "Set Use of the prompt",
        ),
        "Agreement": ("People only", "Add my newest ranking"),
        "Bias": ("Set Labeler",),
        "Labelers": (
            "Add labeler", "Share out", "Make a pack", "Merge a pack", "Let it rank", "Set Name of a new labeler",
            "Set How many labelers rank each prompt", "Set Mix in a repeat", "Set Gold reward", "Set Personality",
        ),
    },
    "Reward model": {
        "Train": (
            "More settings", "Train reward model", "Set Learning rate", "Set Epochs", "Set Prompts a step",
            "Set Ensemble of",
        ),
        "Report": ("Export",),
        "Try it": ("Score", "Score a file", "Label next what it doubts", "Set Reward model made elsewhere"),
    },
    "PPO": {
        "": (
            "More settings", "Start", "Sweep", "Export model", "Rank what it writes", "Set Algorithm",
            "Set Gold reward", "Set Maximum of steps", "Set Learning rate", "Set KL coefficient", "Set KL target",
            "Set Completions a step", "Set Completions a prompt", "Set Max new tokens", "Set Stop at reward",
        ),
        "Samples": (), "More charts": (), "Runs": (),
    },
    "Compare": {"": ("Compare on the held-out prompts", "Answer", "Set Prompt that both policies answer",
                     "Set Tuned policy")},
}  # fmt: skip

Go = Callable[[str, str, str], object]


def listed(shown: str, page: str, go: Go) -> list[Command]:
    """Commands of all pages but `page` of the tab `shown`; each calls `go` with its tab, page and name."""
    return [
        Command(name, f"{tab} › {where}" if where else tab, "", partial(go, tab, where, name))
        for tab, pages in OFFERS.items()
        for where, names in pages.items()
        for name in (*names, *([f"Show {where}"] if where and tab != shown else []))
        if (tab, where) != (shown, page) and not (tab == shown and not where)
    ]


def page_of(tab: Any) -> str:
    """The page that a tab shows, as it is called here."""
    pages = getattr(tab, "pages", None)
    return _called(pages, pages.currentIndex()) if isinstance(pages, QTabWidget) else ""


def run(tab: Any, title: str, page: str, name: str) -> bool:
    """Show `page` of a tab that is shown, then do what is called `name` there; False if it cannot be done now."""
    pages = getattr(tab, "pages", None)
    if page and isinstance(pages, QTabWidget):
        pages.setCurrentIndex(next(n for n in range(pages.count()) if _called(pages, n) == page))
    if name == f"Show {page}":
        return True
    found = next((each for each in commands.of_page(tab, title) if each.name == name), None)
    if found is not None:
        found.run()
    return found is not None


def _called(pages: QTabWidget, number: int) -> str:
    """Without the number of what it holds."""
    return plain(pages.tabText(number)).split(" (")[0]
