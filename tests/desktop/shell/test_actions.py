"""The contract between the window and its tabs, and the actions from which menus, palette and keys are made."""

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from core import demo
from core.config.jobs import JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from desktop import tab as contract
from desktop.actions import SHOW
from desktop.background import busy
from desktop.places import INFO, PageId, TabId, kept_tab
from desktop.rank.actions import PLACE
from desktop.shell import actions, commands, features
from desktop.shell.actions import MENUS, Menu
from desktop.shell.features import FEATURES
from desktop.shell.tabs import LOADS
from desktop.tab import TabWidget
from desktop.widgets.bound import Bound, bound_in

JOBS = (actions.PAUSE, actions.RESUME, actions.STOP, actions.STOP_NOW, actions.DISMISS)


def of_menus(menus=MENUS):
    for menu in menus:
        for entry in menu.entries:
            if isinstance(entry, Menu):
                yield from of_menus((entry,))
            elif entry is not None:
                yield entry


DECLARED = (*of_menus(), *FEATURES, *SHOW.values(), *JOBS)


@pytest.fixture
def window(open_window):
    found = open_window()
    found.workspace.open(demo.install())
    return found


def walked(window, qtbot):
    """Every tab with each of its pages shown once."""
    for tab in TabId:
        shown = window.open_tab(tab)
        for page in shown.info.pages or (None,):
            if page is not None:
                shown.show_page(page)
            qtbot.waitUntil(lambda: not busy(), timeout=60_000)
        yield shown


def test_every_tab_keeps_the_contract(window, qtbot):
    """And each page has a title of its own, and who can do more is known by type."""
    assert set(LOADS) == set(TabId) == set(INFO)
    able = {
        contract.ShowsRuns: {TabId.REWARD, TabId.TUNE},
        contract.ReadsSettings: {TabId.RANK},
        contract.HoldsOut: {TabId.INSTRUCTIONS},
        contract.LooksAtConversation: {TabId.INSTRUCTIONS, TabId.RANK, TabId.REWARD, TabId.COMPARE},
        contract.Ranks: {TabId.RANK},
    }
    assert all(page.label for page in PageId)
    for shown in walked(window, qtbot):
        assert isinstance(shown, TabWidget) and shown.info is INFO[shown.ID]
        assert (shown.pages.count() if shown.pages is not None else 0) == len(shown.info.pages)
        assert shown.page == (shown.info.pages[-1] if shown.info.pages else None)
        for place, page in enumerate(shown.info.pages):
            assert shown.pages.tabText(place).split(" (")[0] == page.label
        assert type(shown).refresh is not TabWidget.refresh
        shown.refresh(None)
        for ability, tabs in able.items():
            assert isinstance(shown, ability) == (shown.ID in tabs), ability
    offered_as_declared(window)


def offered_as_declared(window):
    """What a page offers was declared, and its tooltip carries its keys. Every page was shown."""
    declared, seen = set(DECLARED), set()
    for shown in window.tabs.values():
        for each in shown.findChildren(Bound):
            seen.add(each.action)
            assert each.action in declared, each.action
            assert not each.action.tab or each.action.tab == shown.ID
    for each in window.page.job_bar.findChildren(Bound):
        assert each.action in declared
    for tab in (*window.tabs.values(), window.page.job_bar):
        for each in tab.findChildren(Bound):
            if each.action.keys and each.action != PLACE:
                assert each.action.keys[0] in each.widget.toolTip(), each.action.id
    never = {action.id for action in FEATURES if action.tab and action not in seen and not action.only_here}
    assert not never, "declared, and nowhere to be done"


def test_each_action_is_declared_once():
    names = Counter(action.id for action in DECLARED)
    assert [name for name, times in names.items() if times > 1] == []


def test_no_keys_are_declared_twice_for_one_place():
    taken: dict[tuple, str] = {}
    for action in DECLARED:
        for key in action.keys:
            place = (action.tab, action.page, QKeySequence(key).toString())
            assert action.instead_of or place not in taken, f"{action.id} and {taken.get(place)} both have {key}"
            taken.setdefault(place, action.id)
            whole = (action.tab, None, QKeySequence(key).toString())
            assert action.page is None or whole not in taken, f"{action.id}: {key} is {taken[whole]} on the whole tab"


def test_an_action_instead_of_another_has_its_keys():
    by_id = {action.id: action for action in DECLARED}
    for action in DECLARED:
        assert not action.instead_of or by_id[action.instead_of].keys == action.keys


def test_every_action_is_reachable_from_the_palette(window, qtbot):
    """From another tab, or on the page where it is seen; nothing was built for the first."""
    assert set(window.tabs) == {TabId.INSTRUCTIONS}
    first = window.tabs[TabId.INSTRUCTIONS]
    names = {command.name for command in window.menus.commands()}
    assert {action.name for action in of_menus() if window.menus.made[action].isEnabled() and
            window.menus.made[action].isVisible()} <= names  # fmt: skip
    offered = features.elsewhere(TabId.INSTRUCTIONS, first.page, print)
    here = features.here(first)
    listed = {(command.name, command.where) for command in offered}
    for action in FEATURES:
        seen = action.tab == TabId.INSTRUCTIONS and action.page in (None, first.page)
        if not action.only_here and seen:
            assert action.name in {command.name for command in here}
        elif not action.only_here:
            assert (action.name, action.place) in listed
    assert set(window.tabs) == {TabId.INSTRUCTIONS}
    for shown in walked(window, qtbot):
        names = {command.name for command in features.here(shown)}
        assert all(each.action.name in names for each in bound_in(shown) if each.available and each.action.field)


@pytest.mark.parametrize("tab", TabId)
def test_a_setting_of_an_earlier_version_still_names_its_tab(tab):
    earlier = ("Instructions", "Rank", "Review", "Reward model", "PPO", "Compare")
    assert kept_tab(earlier[list(TabId).index(tab)]) == kept_tab(tab.value) == tab
    assert kept_tab("nonsense") is None


@pytest.mark.parametrize("typed", ["ppo", "RL", "policy", "tune", "reinforcement"])
def test_the_tab_that_tunes_and_its_page_of_the_guide_are_found_by_the_words_of_the_field(window, typed):
    found = commands.matching(window.menus.commands(), typed)
    tune = next(command for command in found if command.name == "Tune")
    tune.run()
    assert window.shown == TabId.TUNE
    if typed != "reinforcement":
        assert "Tuning the policy" in {command.name for command in found}


def test_the_algorithm_in_use_stands_beside_the_name_of_the_tab(window):
    button = window.page.sidebar.button(TabId.TUNE)
    assert (button.text().strip(), button.accessibleName()) == ("Tune · PPO", "Tune, PPO")
    tune = window.open_tab(TabId.TUNE)
    assert tune.note.text() == "PPO" and tune.note.isVisible()
    tune.form.algorithm.setCurrentIndex(tune.form.algorithm.findData("grpo"))
    assert tune.note.text() == "GRPO"
    assert (button.text().strip(), button.accessibleName()) == ("Tune · GRPO", "Tune, GRPO")
    assert window.page.sidebar.button(TabId.RANK).text().strip() == "Rank"


def test_a_run_that_begins_elsewhere_names_its_algorithm_before_tune_was_opened(window, qtbot):
    project = window.session.project
    config = config_values(TrainPolicyConfig(algorithm="rloo", steps=1), ALGORITHMS["rloo"].config())
    queue.enqueue(project, JobKind.TRAIN_POLICY, config)
    button = window.page.sidebar.button(TabId.TUNE)
    qtbot.waitUntil(lambda: button.text().strip() == "Tune · RLOO")
    window.open_tab(TabId.TUNE)
    assert button.text().strip() == "Tune · RLOO"


def test_a_letter_in_a_menu_is_one_entrys():
    """Else Alt+F, R opens whichever comes first."""
    for menu in MENUS:
        titles = [entry.title for entry in menu.entries if entry is not None]
        letters = [title[title.index("&") + 1].lower() for title in titles if "&" in title]
        assert [letter for letter, count in Counter(letters).items() if count > 1] == [], menu.title
