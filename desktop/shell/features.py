"""What the tabs offer: on the one that is shown now, and on the others. Read when somebody asks for it."""

from collections.abc import Callable
from functools import partial

from desktop.actions import GO_TO, GO_TO_PAGE, MORE_SETTINGS, SHOW, WHAT_TO_DO, Action
from desktop.charts import actions as charts
from desktop.compare import actions as compare
from desktop.conversation import actions as conversation
from desktop.instructions import actions as instructions
from desktop.places import PageId, TabId
from desktop.policy import actions as policy
from desktop.rank import actions as rank
from desktop.review import actions as review
from desktop.reward import actions as reward
from desktop.runs import actions as runs
from desktop.shell.commands import Command, command_of
from desktop.tab import TabWidget
from desktop.widgets.bound import bound_in

#: What each tab offers.
FEATURES = (
    *instructions.ACTIONS,
    *rank.ACTIONS,
    *review.ACTIONS,
    *reward.ACTIONS,
    *policy.ACTIONS,
    *compare.ACTIONS,
    *charts.ACTIONS,
    *conversation.ACTIONS,
    *runs.ACTIONS,
    *GO_TO.values(),
    *GO_TO_PAGE.values(),
    MORE_SETTINGS,
    WHAT_TO_DO,
)


def here(tab: TabWidget) -> list[Command]:
    """What can be done now on the tab that is shown: its pages, and the buttons and fields that are seen."""
    title = tab.info.title
    pages = [command_of(SHOW[page], title, partial(tab.show_page, page)) for page in tab.info.pages]
    found = [
        command_of(each.action, title, each.run, "" if each.action.field else each.text)
        for each in bound_in(tab)
        if each.available
    ]
    return pages + [command for command in found if len(command.name) > 1]


def elsewhere(shown: TabId, page: PageId | None, go: Callable[[Action], object]) -> list[Command]:
    """What other tabs offer, and other pages of the tab that is `shown`; each is done by `go`, which leads there."""
    others = [action for action in SHOW.values() if action.tab != shown]
    for action in FEATURES:
        seen = action.tab == shown and action.page in (None, page)
        if not action.only_here and not seen:
            others.append(action)
    return [command_of(action, action.place, partial(go, action)) for action in others]
