"""What is built in small steps: the window goes on meanwhile, nothing is done twice, nothing outlives its project."""

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QToolButton

from desktop import theme
from desktop.tabs import TABS
from desktop.turns import Turns
from desktop.welcome import NewProject

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


def test_a_dialog_and_a_new_theme_are_dressed_as_the_window(open_window, qapp, qtbot):
    window = open_window()
    window.new_project()
    dialog = window.findChild(NewProject)
    for mode, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(qapp, mode)
        for widget in (window, dialog):
            assert widget.grab().toImage().pixelColor(4, widget.height() - 4).name() == colours.ground
