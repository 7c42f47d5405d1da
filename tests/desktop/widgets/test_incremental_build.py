"""What is built in small steps: the window goes on meanwhile, nothing is done twice, nothing outlives its project."""

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from core.errors import BadInput
from desktop import errors
from desktop.background import busy
from desktop.policy import tab as policy
from desktop.projects.welcome import NewProject
from desktop.shell import tab_stack
from desktop.shell.command_palette import CommandPalette
from desktop.shell.tabs import TABS
from desktop.theme import theme
from desktop.widgets.incremental_build import Turns
from desktop.widgets.late_pages import LatePages

TITLES = [kind.title for kind in TABS]


@pytest.fixture
def turns(qapp):
    return Turns(QObject(qapp))


def counting(name, seen, steps=3):
    for step in range(steps):
        seen.append((name, step))
        yield


def test_a_step_is_taken_in_each_turn_and_the_newest_comes_first(turns, qtbot):
    seen = []
    turns.begin(1, counting("old", seen))
    turns.begin(2, counting("new", seen))
    assert seen == [] and 1 in turns
    qtbot.waitUntil(lambda: len(seen) == 6)
    assert [name for name, _ in seen] == ["new"] * 3 + ["old"] * 3
    qtbot.waitUntil(lambda: 1 not in turns and 2 not in turns)


def test_what_is_finished_at_once_is_not_taken_again(turns, qtbot):
    seen = []
    turns.begin(1, counting("a", seen))
    turns.finish(1)
    turns.finish(1)
    qtbot.wait(20)
    assert seen == [("a", 0), ("a", 1), ("a", 2)] and 1 not in turns


def test_a_step_may_begin_its_work_anew_or_forget_it(turns, qtbot):
    seen = []

    def first():
        yield
        turns.begin(1, counting("second", seen))
        yield
        seen.append("never")

    turns.begin(1, first())
    qtbot.waitUntil(lambda: len(seen) == 3)
    turns.begin(1, (turns.forget() for _ in range(2)))
    qtbot.wait(20)
    assert seen == [("second", 0), ("second", 1), ("second", 2)] and 1 not in turns


def test_a_step_that_fails_is_told_and_the_others_are_taken(turns, qtbot):
    seen = []
    turns.begin(1, counting("good", seen))
    turns.begin(2, failing())
    with qtbot.capture_exceptions() as told:
        qtbot.waitUntil(lambda: len(seen) == 3)
    assert len(told) == 1 and 2 not in turns


def failing():
    yield
    raise ValueError("a step that fails")


def test_a_page_that_could_not_be_made_is_made_when_it_is_clicked_again(qapp, qtbot):
    pages, tries = LatePages(), []
    qtbot.addWidget(pages)

    def make():
        tries.append(len(tries))
        return QWidget() if tries[1:] else 1 / 0

    pages.add("First", QWidget)
    pages.add("Second", make)
    pages.show()

    def click():
        qtbot.mouseClick(pages.tabBar(), Qt.MouseButton.LeftButton, pos=pages.tabBar().tabRect(1).center())

    with qtbot.capture_exceptions() as told:
        click()
        qtbot.waitUntil(lambda: bool(told))
    assert pages.currentIndex() == 1 and 1 not in pages.made
    click()
    qtbot.waitUntil(lambda: 1 in pages.made and pages.made[1].isVisible())
    click()
    assert tries == [0, 1]


def test_a_tab_that_could_not_be_made_leaves_the_window_usable_and_is_made_when_it_is_asked_for_again(
    open_window, filled, qtbot, monkeypatch
):
    window, number = open_window(), TITLES.index("PPO")
    window.open_project(filled.folder)
    with monkeypatch.context() as patched:
        patched.setattr(policy.Tab, "_build", lambda self: failing())
        with qtbot.capture_exceptions() as told:
            window.open_tab(number)
            qtbot.waitUntil(lambda: bool(told))
    window.show_commands()
    palette = window.findChild(CommandPalette)
    assert palette.isVisible()
    palette.close()
    window.open_tab(number)
    qtbot.waitUntil(lambda: window.tab_stack.tabs[number] is not None)


def test_a_click_shows_the_tab_before_it_is_built_and_another_click_need_not_wait(open_window, filled, qtbot):
    window = open_window()
    window.open_project(filled.folder)
    for title in ("PPO", "Reward model"):
        push = next(each for each in window.sidebar.findChildren(QToolButton) if each.text().strip() == title)
        qtbot.mouseClick(push, Qt.MouseButton.LeftButton)
        assert window.shown.title == title
        assert window.tab_stack.tabs[TITLES.index(title)] is None, "it is built later"
    qtbot.waitUntil(lambda: all(window.tab_stack.tabs[TITLES.index(title)] for title in ("PPO", "Reward model")))
    assert window.tab_called("Reward model").training.isVisible()
    assert not window.tab_called("PPO").isVisible()


def test_a_project_that_closes_while_a_tab_is_built_leaves_nothing_behind(open_window, filled, qtbot):
    window = open_window()
    window.open_project(filled.folder)
    window.open_tab(TITLES.index("PPO"))
    window.close_project()
    qtbot.waitUntil(lambda: window.session is None)
    window.open_project(filled.folder)
    assert window.show_tab(TITLES.index("PPO")).form.isVisible()


def test_a_project_that_closes_before_a_tab_is_in_its_place_leaves_no_step_of_its_pages(
    open_window, filled, qtbot, monkeypatch
):
    window, begun = open_window(), []
    window.open_project(filled.folder)
    qtbot.waitUntil(lambda: window.tab_stack.tabs[0] is not None and not busy())

    def placing(tab, place):
        begun.append(tab)
        window.close_project()
        yield

    monkeypatch.setattr(tab_stack, "placing", placing)
    window.open_tab(TITLES.index("Review"))
    qtbot.waitUntil(lambda: bool(begun))
    qtbot.wait(50)
    assert window.session is None and not begun[0].pages.made


def test_the_palette_offers_what_is_on_a_page_that_is_still_being_made(open_window, filled):
    window = open_window()
    window.open_project(filled.folder)
    pages = window.show_tab(TITLES.index("Reward model")).pages
    pages.setCurrentIndex(2)
    assert 2 not in pages.made
    window.show_commands()
    assert pages.made[2].isVisible()


def test_a_dialog_and_a_new_theme_are_dressed_as_the_window(open_window, qapp, qtbot):
    window = open_window()
    window.new_project()
    dialog = window.findChild(NewProject)
    alone = errors.show(BadInput("Nothing has the focus, so this has no window to stand above."))
    qtbot.addWidget(alone)
    for mode, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(qapp, mode)
        for widget in (window, dialog, alone):
            assert widget.grab().toImage().pixelColor(4, widget.height() - 4).name() == colours.ground
