"""What somebody can do, as data: each feature declares its actions once, and menus, palette, shortcuts, labels,
tooltips and key sheets are made from them. Nothing is built to know what can be done.
"""

from dataclasses import dataclass
from typing import Any, Literal

from core.config.options import documented, title_of
from desktop.places import TABS, PageId, TabId

Role = Literal["", "primary", "link"]


@dataclass(frozen=True)
class Action:
    """`title` is what a menu or a button says: with the mark of a menu's key, and dots where a question follows.

    `keys` do it where it belongs: on `page` of `tab`, on any page of `tab`, or everywhere. `keywords` are other words
    by which it is looked for. A `field` is filled in rather than done. What is `only_here` depends on what is shown: it
    is offered while it is seen, and from nowhere else. An action `instead_of` another has its place and its keys.
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
    only_here: bool = False
    needs_project: bool = False
    checkable: bool = False
    instead_of: str = ""

    @property
    def label(self) -> str:
        """What a button says that stands outside the menus."""
        return self.title.replace("&", "")

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


def settings_of(
    kind: type[Any],
    prefix: str,
    tab: TabId,
    page: PageId | None = None,
    *,
    leave_out: tuple[str, ...] = (),
    titles: dict[str, str] | None = None,
    only_here: bool = False,
) -> dict[str, Action]:
    """The documented fields of a config class, by name, as actions that fill them in; the advanced ones are folded away
    where they stand. `titles` are other ones than the fields' own."""
    return {
        item.name: Action(
            f"{prefix}.{item.name}",
            (titles or {}).get(item.name, title_of(item)),
            tab=tab,
            page=page,
            field=True,
            only_here=only_here or item.metadata["advanced"],
        )
        for item in documented(kind)
        if item.name not in leave_out
    }


#: What leads to another tab from where something is missing, or to the next step.
GO_TO = {info.id: Action(f"go-to.{info.id}", f"Go to {info.title}", only_here=True) for info in TABS}
GO_TO_PAGE = {
    page: Action(f"go-to.{page}", f"Go to {page.label}", only_here=True) for info in TABS for page in info.pages
}
#: Every page of a tab can be shown from anywhere.
SHOW = {
    page: Action(f"show.{info.id}.{page}", f"Show {page.label}", tab=info.id, page=page)
    for info in TABS
    for page in info.pages
}
#: Nothing but the tab; what is worked with all day names it, too.
CALM = Action("view.calm", "Distraction-&free", keys=("F11",), checkable=True)
#: Before a room.
PRESENT = Action(
    "view.present", "&Presentation", "Everything larger, and nothing beside it, for a room", ("F5",),
    "projector full screen large text demo", needs_project=True, checkable=True,
)  # fmt: skip
#: One look from wherever a conversation is shown or written.
WHAT_IT_READS = Action(
    "view.what-it-reads",
    "What the model &reads …",
    "The exact text with its control tokens, and how many tokens it is",
    ("Ctrl+R",),
    "chat template special tokens count",
    needs_project=True,
)
#: A warning that stands in one line can be read in full.
WHAT_TO_DO = Action("warning.more", "What to do", role="link", only_here=True)
#: Where a form that nobody named has fields folded away.
MORE_SETTINGS = Action("form.more", "More settings", only_here=True)
