"""Pages and tabs are made when they are first shown, and are whole then; one that failed is made when asked again."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.errors import BadInput
from desktop import errors
from desktop.palette.palette import CommandPalette
from desktop.places import PageId, TabId
from desktop.policy import tab as policy
from desktop.projects.welcome import NewProject
from desktop.theme import theme
from desktop.widgets.pages import Pages


def test_a_page_is_made_when_it_is_first_opened_or_asked_for_and_once(qtbot):
    pages, made, opened = Pages(), [], []
    qtbot.addWidget(pages)

    def page(name):
        return lambda: made.append(name) or QWidget()

    late = {name: pages.add(name, name.title(), page(name)) for name in ("first", "second", "third")}
    pages.opened.connect(opened.append)
    assert made == ["first"] and late["second"].made is None
    pages.open("third")
    assert made == ["first", "third"] and opened == ["third"] and pages.shown == "third"
    pages.setCurrentWidget(late["second"].get())
    pages.open("third")
    assert made == ["first", "third", "second"] and opened == ["third", "second", "third"]


def test_a_page_that_could_not_be_made_is_made_when_it_is_clicked_again(qapp, qtbot):
    pages, tries = Pages(), []
    qtbot.addWidget(pages)

    def make():
        tries.append(len(tries))
        return QWidget() if tries[1:] else 1 / 0

    pages.add("first", "First", QWidget)
    second = pages.add("second", "Second", make)
    pages.show()

    def click():
        qtbot.mouseClick(pages.tabBar(), Qt.MouseButton.LeftButton, pos=pages.tabBar().tabRect(1).center())

    with qtbot.capture_exceptions() as told:
        click()
    assert len(told) == 1
    assert pages.currentIndex() == 1 and second.made is None
    click()
    assert second.made.isVisible()
    click()
    assert tries == [0, 1]


def sidebar_button(window, tab):
    return window.page.sidebar.button(tab)


def test_a_tab_that_could_not_be_made_leaves_the_window_usable_and_is_made_when_it_is_asked_for_again(
    open_window, filled, qtbot, monkeypatch
):
    window = open_window()
    window.workspace.open(filled.folder)
    push = sidebar_button(window, TabId.TUNE)
    with monkeypatch.context() as patched:
        patched.setattr(policy, "PolicyForm", lambda *_: 1 / 0)
        with qtbot.capture_exceptions() as told:
            qtbot.mouseClick(push, Qt.MouseButton.LeftButton)
        assert len(told) == 1
    window.show_commands()
    palette = window.findChild(CommandPalette)
    assert palette.isVisible()
    palette.close()
    qtbot.mouseClick(push, Qt.MouseButton.LeftButton)
    assert window.tabs[TabId.TUNE].form.isVisible()


def test_a_click_shows_the_tab_whole(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    for tab in (TabId.TUNE, TabId.REWARD):
        qtbot.mouseClick(sidebar_button(window, tab), Qt.MouseButton.LeftButton)
        assert window.shown == tab
        assert window.tabs[tab].isVisible()
    assert window.tabs[TabId.REWARD].training.isVisible()
    assert not window.tabs[TabId.TUNE].isVisible()


def test_a_project_that_closes_right_after_a_tab_was_opened_leaves_nothing_behind(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.TUNE)
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    window.workspace.open(filled.folder)
    assert window.open_tab(TabId.TUNE).form.isVisible()


def test_the_palette_offers_what_is_on_a_page_that_was_just_opened(open_window, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    tab = window.open_tab(TabId.REWARD)
    tab.open_page(PageId.TRY_IT)
    window.show_commands()
    assert tab.playground.isVisible()
    here = {each.name for each in window.findChild(CommandPalette).commands if each.where == "Reward model"}
    assert {"Show Try it", "Go to Train"} <= here


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
