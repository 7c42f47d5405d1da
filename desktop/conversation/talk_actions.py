"""What can be done with a conversation of several turns, on each page that holds one."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial

from desktop.actions import Action
from desktop.places import PageId, TabId


@dataclass(frozen=True)
class TalkActions:
    """Of one page. `turn` is in the menu of each turn; `rank_now` leads to what was sent."""

    system: Action
    new: Action
    take_back: Action
    turn: Action
    rank_these: Action
    two_more: Action
    rank_now: Action

    def __iter__(self) -> Iterator[Action]:
        return (getattr(self, item.name) for item in fields(self))


def talk_actions(prefix: str, tab: TabId, page: PageId | None = None, *, writer: str) -> TalkActions:
    """`writer` is who writes two more answers, in words."""
    make = partial(Action, tab=tab, page=page, only_here=True)
    return TalkActions(
        system=make(f"{prefix}.system", "System turn", "What the model is told before the conversation", role="link"),
        new=make(f"{prefix}.new", "New conversation", "Begin anew; undo brings this one back", ("Ctrl+Shift+N",),
            role="link",
       ),
        take_back=make(
            f"{prefix}.take-back", "Take back the last turn", "The answer from which it goes on, or the last question",
            ("Ctrl+Shift+Backspace",), role="link",
        ),
        turn=make(f"{prefix}.turn", "Send to Rank …", "Let answers to this turn be ranked first"),
        rank_these=make(
            f"{prefix}.rank-these", "Rank these",
            "Send these answers to Rank, first in the queue; who wrote each is kept",
            ("Ctrl+Shift+R",), "send to rank",
        ),
        two_more=make(
            f"{prefix}.two-more", "Two more answers, blind",
            f"{writer} writes two more answers to this, which are ranked first, unseen before", ("Ctrl+Shift+T",),
            "send to rank generate",
        ),
        rank_now=make(f"{prefix}.rank-now", "Go to Rank", role="link"),
    )  # fmt: skip
