"""What builds each tab. A tab is imported when it is first shown, so that the first frame waits for none of them."""

from collections.abc import Callable

from desktop.places import TabId
from desktop.session import Session
from desktop.tab import TabWidget

Build = Callable[[Session], TabWidget]


def _instructions() -> Build:
    from desktop.instructions.tab import Tab

    return Tab


def _rank() -> Build:
    from desktop.rank.tab import Tab

    return Tab


def _review() -> Build:
    from desktop.review.tab import Tab

    return Tab


def _reward() -> Build:
    from desktop.reward.tab import Tab

    return Tab


def _tune() -> Build:
    from desktop.policy.tab import Tab

    return Tab


def _compare() -> Build:
    from desktop.compare.tab import Tab

    return Tab


LOADS: dict[TabId, Callable[[], Build]] = {
    TabId.INSTRUCTIONS: _instructions,
    TabId.RANK: _rank,
    TabId.REVIEW: _review,
    TabId.REWARD: _reward,
    TabId.TUNE: _tune,
    TabId.COMPARE: _compare,
}
