"""The window before a room: larger, without forms, one chart alone, by keys; and everything as it was afterwards."""

import hashlib
from contextlib import closing
from itertools import product

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRect, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QTableView, QWidget

from core import demo
from core.store import DATABASE, open_project
from desktop import user_settings
from desktop.actions import PRESENT
from desktop.background import busy
from desktop.guide.window import GuideWindow
from desktop.palette.palette import CommandPalette
from desktop.places import PageId, TabId
from desktop.policy import replay
from desktop.review.bias_page import BiasPage
from desktop.review.labelers_page import LabelersPage
from desktop.shell import actions
from desktop.shell.pointer import beside
from desktop.theme import theme
from desktop.widgets.aside import asides_in
from desktop.widgets.basics import Number
from desktop.widgets.elided import OneLine

Key = Qt.Key


@pytest.fixture
def tune(open_window, qtbot):
    """The window on the demo's tuned run."""
    window = open_window()
    window.workspace.open(demo.install())
    window.open_tab(TabId.TUNE)
    qtbot.waitUntil(lambda: not busy(), timeout=60_000)
    qtbot.wait(50)  # what was drawn takes its room
    return window


def press(window, qtbot, key, held=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(QApplication.focusWidget() or window, key, held)


def look(window):
    """What there is to see, and where."""
    shown = [each for each in window.findChildren(QWidget) if each.isVisible() and each.objectName() != "qt_toolbar"]
    return {id(each): (type(each).__name__, each.geometry().getRect(), each.font().pixelSize()) for each in shown}


def test_it_is_larger_without_forms_goes_on_by_keys_and_leaves_all_as_it_was(tune, qtbot):
    window = tune
    tab = window.tabs[TabId.TUNE]
    tab.runs.setFocus()
    before, size = look(window), window.size()
    side = tab.start_button.parentWidget().width()
    window.present()
    assert window.presentation.on and not window.menuBar().isVisible() and not tab.start_button.isVisible()
    assert tab.samples.isVisible() and tab.charts.reward.isVisible()
    assert theme.sized(theme.BODY) == 21 and tab.charts.reward.plot.getAxis("left").style["tickFont"].pixelSize() == 21
    line = window.page.line
    assert line.isVisible() and "Esc leave" in line.keys.text() and "Tune › Samples" in line.place.text()
    press(window, qtbot, Key.Key_PageDown)
    assert tab.page == PageId.SLIDER
    press(window, qtbot, Key.Key_Left)
    press(window, qtbot, Key.Key_PageUp)
    assert (window.shown, window.page.page) == (TabId.REWARD, PageId.TRY_IT), "to the tab before, made now"
    assert all(each.folded and not each.widget.isVisible() for each in asides_in(window.page.tab))
    press(window, qtbot, Key.Key_PageDown)
    for _ in range(6):
        press(window, qtbot, Key.Key_Plus)
    assert theme.scale() == user_settings.presentation_scale() == 2.0, "as large as it becomes, and remembered"
    press(window, qtbot, Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
    assert user_settings.presentation_scale() == 1.9
    press(window, qtbot, Key.Key_Escape)
    assert not window.presentation.on and window.menuBar().isVisible() and theme.scale() == 1
    assert not window.menus.made[PRESENT].isChecked()
    qtbot.waitUntil(lambda: window.size() == size)
    qtbot.waitUntil(lambda: look(window).keys() >= before.keys() and not busy())
    qtbot.waitUntil(lambda: {each: look(window)[each] for each in before} == before)
    assert tab.start_button.parentWidget().width() == side and window.focusWidget() is tab.runs
    window.present()
    window.presentation.whole()
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    assert not window.presentation.on and theme.scale() == 1 and not window.presentation.stage.isVisible()


def test_one_chart_has_the_whole_window_and_goes_back_and_side_panels_grow_with_text(tune, qtbot):
    window = tune
    tab, stage = window.tabs[TabId.TUNE], window.presentation.stage
    chart = tab.charts.reward
    place = chart.parentWidget().layout().indexOf(chart), chart.parentWidget(), chart.geometry()
    pixels = chart.plot.getAxis("left").style["tickFont"].pixelSize()
    chart.plot.setFocus()
    window.menus.made[actions.WHOLE].trigger()
    assert stage.isVisible() and stage.isAncestorOf(chart) and stage.size() == window.size()
    assert chart.plot.getAxis("left").style["tickFont"].pixelSize() >= 0.03 * window.height() - 1
    assert chart.height() > 0.7 * window.height()
    press(window, qtbot, Key.Key_PageDown)
    assert stage.isAncestorOf(tab.charts.kl) and not stage.isAncestorOf(chart)
    press(window, qtbot, Key.Key_Left)
    assert stage.isAncestorOf(chart)
    press(window, qtbot, Key.Key_Escape)
    assert not stage.isVisible()
    parent = chart.parentWidget()
    assert (parent.layout().indexOf(chart), parent) == place[:2]
    qtbot.waitUntil(lambda: chart.geometry() == place[2])
    assert chart.plot.getAxis("left").style["tickFont"].pixelSize() == pixels
    window.present()
    press(window, qtbot, Key.Key_Return)
    assert stage.isVisible()
    press(window, qtbot, Key.Key_Escape)
    assert window.presentation.on and not stage.isVisible(), "a level at a time"
    press(window, qtbot, Key.Key_Escape)
    assert not window.presentation.on
    for chart in tab.charts.large:
        push = next(each for each in chart.findChildren(QWidget) if "whole window" in each.accessibleName())
        push.click()
        assert stage.isAncestorOf(chart)
        push.click()
        assert not stage.isVisible(), "and back"
    panel = tab.start_button.parentWidget()
    width = panel.width()
    theme.apply(QApplication.instance(), "light", 16)
    qtbot.waitUntil(lambda: panel.width() == round(width * 16 / 14))
    theme.apply(QApplication.instance(), "light", 14)
    qtbot.waitUntil(lambda: panel.width() == width)


def test_a_recorded_run_comes_in_again_and_nothing_is_written(tune, qtbot, monkeypatch):
    window = tune
    tab, folder = window.tabs[TabId.TUNE], tune.session.project.folder
    with closing(open_project(folder)) as other:
        other.database.execute("pragma wal_checkpoint(truncate)")
    digest = hashlib.sha256((folder / DATABASE).read_bytes()).hexdigest()
    version = window.session.project.database.value("pragma data_version")
    changed = window.session.project.database.conn.total_changes
    series, samples = dict(tab.charts.series), tab.samples.model.rowCount()
    assert replay.SECONDS == 30 and (replay.shown_after(0, 20), replay.shown_after(29.9, 20)) == (1, 19)
    assert replay.shown_after(30, 20) == 20
    seconds = [0.0]
    with monkeypatch.context() as patch:
        patch.setattr(replay.QElapsedTimer, "elapsed", lambda _: int(1000 * seconds[0]))
        window.present()
        press(window, qtbot, Key.Key_F5, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: "step" in tab.replay_line.said.text())
        assert "Replay of run" in tab.replay_line.said.text() and tab.replay_line.isVisible()
        assert not tab.result.isVisible(), "how it ended is not told before"
        seconds[0] = 3.0
        qtbot.waitUntil(lambda: "objective/kl" in tab.charts.series)
        first, some = len(tab.charts.series["objective/kl"]), tab.samples.model.rowCount()
        seconds[0] = 15.0
        qtbot.waitUntil(lambda: len(tab.charts.series["objective/kl"]) > first)
        assert some < tab.samples.model.rowCount() < samples
        press(window, qtbot, Key.Key_Escape)
        assert not tab.replays and window.presentation.on, "stopped, and no more than that"
        qtbot.waitUntil(lambda: not busy() and tab.charts.series == series)
        tab.replay_button.click()
        seconds[0] = 31.0
        qtbot.waitUntil(lambda: not tab.replays)
    qtbot.waitUntil(lambda: not busy() and tab.charts.series == series)
    assert tab.samples.model.rowCount() == samples and not tab.replay_line.isVisible()
    window.presentation.leave()
    assert window.session.project.database.value("pragma data_version") == version
    assert window.session.project.database.conn.total_changes == changed
    assert hashlib.sha256((folder / DATABASE).read_bytes()).hexdigest() == digest


def test_what_happens_meanwhile_leaves_nothing_behind(tune, qtbot, monkeypatch):
    window = tune
    tab, stage, calm = window.tabs[TabId.TUNE], window.presentation.stage, window.menus.calm
    window.presentation.whole()
    assert stage.isVisible()
    window.open_tab(TabId.REWARD)
    assert not stage.isVisible(), "another tab is not hidden by a chart of this one"
    calm.trigger()
    window.present()
    calm.trigger()
    window.present()
    assert calm.isChecked() and not window.menuBar().isVisible(), "as quiet as it was"
    calm.trigger()
    assert window.menuBar().isVisible() and not window.page.calm
    window.present()
    window.presentation.whole()
    press(window, qtbot, Key.Key_F5, Qt.KeyboardModifier.ControlModifier)
    assert tab.replays and not stage.isVisible() and window.shown == TabId.TUNE, "a replay is seen where it begins"
    assert "Tune › Samples" in window.page.line.place.text()
    tab.show_page(PageId.RUNS)
    assert "Tune › Runs" in window.page.line.place.text(), "also where the mouse led there"
    window.present()
    assert tab.replays and not tab.outcome.isVisible(), "how it ends is still not told"
    tab.replay()
    assert tab.outcome.isVisible()
    window.open_tab(TabId.RANK)
    rank = window.tabs[TabId.RANK]
    wrong = []
    window.present()
    rank.board.grid.show_group(None, rank.board.ordering)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    with monkeypatch.context() as patch:
        patch.setattr("sys.excepthook", lambda *told: wrong.append(told))
        window.present()
        qtbot.wait(10)
    assert wrong == [], "cards that are gone are not put back"


def test_the_line_says_the_keys_of_the_page_and_what_is_asked_for_is_shown(tune, qtbot, monkeypatch):
    window = tune
    window.open_tab(TabId.RANK)
    rank = window.tabs[TabId.RANK]
    qtbot.waitUntil(lambda: not busy())
    rank.toggle_panel("history")
    window.present()
    keys = window.page.line.keys.text()
    assert "PgUp PgDn pages" in keys and "Ctrl+ Ctrl− size" in keys and "←" not in keys, "others are those of the cards"
    assert not rank.side.isVisible()
    rank.toggle_panel("history")
    assert rank.side.isVisible(), "a key that asks for it"
    rank.toggle_panel("history")
    window.present()
    assert not rank.side.isVisible(), "closed before the room, and so it stays"
    window.open_tab(TabId.REVIEW)
    review = window.tabs[TabId.REVIEW]
    review.show_page(PageId.LABELERS)
    people = review.findChild(LabelersPage).table
    width = people.columnWidth(2)
    window.present()
    assert people.columnWidth(2) == pytest.approx(1.5 * width, abs=3)
    review.show_page(PageId.BIAS)
    bias = review.findChild(BiasPage)
    qtbot.waitUntil(lambda: not busy() and bias.length.figure.filled())
    monkeypatch.setattr(bias.position.figure, "filled", lambda: False)
    press(window, qtbot, Key.Key_Return)
    assert window.presentation.stage.figure is bias.length.figure, "not one in which nothing is drawn"
    window.presentation.leave()
    review.show_page(PageId.LABELERS)
    qtbot.waitUntil(lambda: people.columnWidth(2) == width)


@pytest.mark.parametrize("control", [QRect(300, 200, 120, 40), QRect(1180, 20, 90, 30), QRect(10, 640, 90, 30)])
def test_a_callout_stands_beside_its_control_inside_the_page_and_over_nothing(control):
    room, size = QRect(0, 0, 1280, 700), QRect(0, 0, 300, 220)
    place, arrow = beside(control, size, room, [])
    assert room.contains(place) and not place.intersects(control)
    assert place.adjusted(-20, -20, 20, 20).intersects(arrow.boundingRect())
    words = [QRect(place.x(), 0, 300, 700)] if control.x() == 300 else []
    other, _ = beside(control, size, room, words)
    assert (other == place) is not bool(words) and not any(other.intersects(each) for each in (control, *words))
    assert beside(control, size, room, [QRect(0, 0, 1280, 700)]) is None


def test_menu_keys_work_before_a_room_and_arrows_do_what_the_line_says(tune, qtbot):
    window, ctrl = tune, Qt.KeyboardModifier.ControlModifier
    window.present()
    press(window, qtbot, Key.Key_6, ctrl)
    compare, line = window.tabs[TabId.COMPARE], window.page.line
    assert window.shown == TabId.COMPARE and "← → pages" in line.keys.text()
    compare.prompt.setFocus()
    assert "←" not in line.keys.text() and "PgUp PgDn pages" in line.keys.text(), "there an arrow moves the cursor"
    press(window, qtbot, Key.Key_PageDown)
    press(window, qtbot, Key.Key_PageDown)
    ballot = compare.arena.vote.ballot
    assert compare.page == PageId.VOTE and ballot.isVisible() and window.focusWidget() is ballot
    assert "←" not in line.keys.text() and "PgUp PgDn pages" in line.keys.text()
    votes = "select count(*) from arena_votes"
    before = window.session.project.database.value(votes)
    press(window, qtbot, Key.Key_Left)
    assert compare.page == PageId.VOTE and window.session.project.database.value(votes) == before + 1
    press(window, qtbot, Key.Key_PageDown)
    assert compare.page == PageId.STANDINGS and "← → pages" in line.keys.text()
    press(window, qtbot, Key.Key_Left)
    assert compare.page == PageId.VOTE
    press(window, qtbot, Key.Key_F1)
    assert window.findChild(GuideWindow).isVisible()
    window.findChild(GuideWindow).close()
    window.activateWindow()
    press(window, qtbot, Key.Key_K, ctrl)
    palette = window.findChild(CommandPalette)
    assert palette.isVisible()
    palette.reject()


def test_no_button_is_cut_where_text_is_twice_as_large_on_a_projector(tune, qtbot):
    window = tune
    window.resize(1280, 720)
    user_settings.set_presentation_scale(2.0)
    window.present()
    window.showNormal()  # the screen is smaller than a projector's
    window.resize(1280, 720)
    seen = 0
    for tab, page in ((TabId.RANK, None), (TabId.REVIEW, PageId.PAIRS)):
        shown = window.open_tab(tab)
        if page is not None:
            shown.show_page(page)
        qtbot.waitUntil(lambda: not busy(), timeout=60_000)
        qtbot.wait(30)
        for each in filter(QWidget.isVisible, shown.findChildren(QPushButton)):
            seen += bool(each.text())
            assert each.width() >= each.sizeHint().width(), (tab, each.text())
    assert seen > 4
    rank = window.open_tab(TabId.RANK)
    assert rank.board.save_button.isVisible() and not rank.board.write_button.isVisible()
    assert rank.board.hint.text() == rank.board.hint.whole
    window.presentation.leave()
    window.open_tab(TabId.RANK)
    assert rank.board.write_button.isVisible() and rank.header.labeler.isVisible()


def test_no_number_is_cut_where_text_is_twice_as_large(tune, qtbot):
    window = tune
    window.resize(1280, 720)
    user_settings.set_presentation_scale(2.0)
    window.present()
    window.resize(1280, 720)
    pages = (
        (TabId.INSTRUCTIONS, PageId.PROMPTS), (TabId.REVIEW, PageId.AGREEMENT), (TabId.REVIEW, PageId.LABELERS),
        (TabId.REWARD, PageId.REPORT), (TabId.TUNE, PageId.RUNS), (TabId.COMPARE, PageId.SIDE_BY_SIDE),
    )  # fmt: skip
    seen = 0
    for tab, page in pages:
        shown = window.open_tab(tab)
        shown.show_page(page)
        qtbot.waitUntil(lambda: not busy(), timeout=60_000)
        qtbot.wait(30)
        for number in filter(QWidget.isVisible, shown.findChildren(Number)):
            seen += 1
            assert all(each.drawn() == each.text() for each in number.findChildren(OneLine)), page
        for view in filter(QWidget.isVisible, shown.findChildren(QTableView)):
            model, measure = view.model(), view.fontMetrics().horizontalAdvance
            for row, column in product(range(min(3, model.rowCount())), range(model.columnCount())):
                text = str(model.index(row, column).data() or "")
                if text[:1].isdigit() and not view.isColumnHidden(column):
                    seen += 1
                    assert measure(text) < view.columnWidth(column), (page, text)
    assert seen > 40
