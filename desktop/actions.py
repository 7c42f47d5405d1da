"""What somebody can do, as data: each feature declares its actions once, and menus, palette, shortcuts, labels,
tooltips and key sheets are made from them. Nothing is built to know what can be done.
"""

from dataclasses import dataclass
from typing import Literal

from desktop.places import PageId, TabId

Role = Literal["", "primary", "link"]


@dataclass(frozen=True)
class Action:
    """`title` is what a menu or a button says: with the mark of a menu's key, and dots where a question follows.

    `keys` do it where it belongs: on `page` of `tab`, on any page of `tab`, or everywhere. `keywords` are other words
    by which it is looked for. A `field` is filled in rather than done. An action `instead_of` another is offered in its
    place, with the same keys.
    """

    id: str
    title: str
    tip: str = ""
    keys: tuple[str, ...] = ()
    keywords: str = ""
    tab: TabId | None = None
    page: PageId | None = None
    role: Role = ""
    field: bool = False
    needs_project: bool = False
    checkable: bool = False
    instead_of: str = ""

    @property
    def name(self) -> str:
        """As the palette calls it."""
        return f"Set {plain(self.title)}" if self.field else plain(self.title)

    @property
    def hint(self) -> str:
        """The tooltip: what it does, and its keys."""
        return f"{self.tip} ({self.keys[0]})".strip() if self.keys else self.tip

    @property
    def place(self) -> str:
        """Where it belongs, for people: the tab, and its page."""
        return place_of(self.tab, self.page)


def place_of(tab: TabId | None, page: PageId | None) -> str:
    """`Review › Bias`."""
    return " › ".join(part.label for part in (tab, page) if part is not None)


def plain(text: str) -> str:
    """Without the mark of a menu's key, and without dots that say that a question follows."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").replace("…", "").strip()
