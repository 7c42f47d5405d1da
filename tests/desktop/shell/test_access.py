"""Every control can be named by a screen reader and reached by keyboard; every script can be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QTabBar,
    QTableView,
    QTextEdit,
    QWidget,
)

from core.records import NewRanking
from core.store import labelers, rankings
from desktop.places import TABS, TabId
from desktop.theme import theme
from desktop.widgets.basics import button, column
from desktop.widgets.tables import table
from tests.desktop.rank.ranking import add_group

ROOT = Path(__file__).resolve().parents[3]
CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)
RTL = "مرحبا، كيف يمكنني مساعدتك اليوم؟"
CJK = "请用一句话解释什么是强化学习。こんにちは、世界。"
EMOJI = "Well done 👩🏽‍🚀🎉 — you made it!"


def unnamed(root: QWidget) -> list[str]:
    """Visible controls without a name."""
    found = []
    for widget in root.findChildren(QWidget):
        inner = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox) or isinstance(widget, QHeaderView)
        if not isinstance(widget, CONTROLS) or inner or not widget.isVisibleTo(root) or isinstance(widget, QTabBar):
            continue
        if widget.objectName().startswith("qt_") or widget.objectName() in ("ScrollLeftButton", "ScrollRightButton"):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        name = interface.text(QAccessible.Text.Name) if interface else widget.accessibleName()
        if not name.strip():
            parents = " < ".join(type(parent).__name__ for parent in ancestors(widget)[:4])
            found.append(f"{type(widget).__name__} < {parents}")
    return found


def ancestors(widget: QWidget) -> list[QWidget]:
    found = []
    while (widget := widget.parentWidget()) is not None:
        found.append(widget)
    return found


def test_every_control_has_a_name(open_window, filled):
    me = labelers.named(filled, "me")
    rankings.add(filled, NewRanking(1, me.id, {1: 1, 2: 2, 3: 3, 4: None}))
    window = open_window()
    window.workspace.open(filled.folder)
    for kind in TabId:
        tab = window.open_tab(kind)
        assert unnamed(window) == []
        for page in range(tab.pages.count() if tab.pages is not None else 0):
            tab.pages.setCurrentIndex(page)
            assert unnamed(tab) == []
        for panel in tab.side.panels if kind == TabId.RANK else ():
            tab.show_panel(panel)
            assert unnamed(tab) == []


def test_tips_are_plain_words_and_tables_are_walked_by_rows(open_window, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    for kind in TABS:
        window.open_tab(kind.id)
        tips = {widget.toolTip() for widget in window.findChildren(QWidget)}
        assert not [tip for tip in tips if "`" in tip or "**" in tip]
        tables = window.tabs[kind.id].findChildren(QTableView)
        assert all(table.selectionBehavior() == QTableView.SelectionBehavior.SelectRows for table in tables)


def test_a_focus_frame_takes_no_room_from_what_is_inside(qtbot, qapp):
    """Else a button's words are cut, and a table paints over its frame: it is not laid out again for a focus."""
    theme.apply(qapp, "light")
    view, press = table("Runs", ("run",)), button("Reward model →", lambda: None, role="primary")
    window = QWidget()
    theme.dress(window)
    window.setLayout(column(view, press))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    inside = {}
    for widget in (view, press):
        other = press if widget is view else view
        for holder in (other, widget):
            holder.setFocus()
            qtbot.waitUntil(holder.hasFocus)
            inside[holder is widget] = words_in(press) if widget is press else view.frameWidth()
        assert inside[True] == inside[False]
    view.setFocus()
    assert view.viewport().x() >= 2, "the frame is this thick"


def words_in(press: QPushButton) -> QRect:
    option = QStyleOptionButton()
    press.initStyleOption(option)
    return press.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, press)


def test_the_head_of_the_rank_tab_is_whole_in_the_smallest_window(open_window, filled, qapp, qtbot):
    theme.apply(qapp, "light")
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    window.resize(window.minimumSize())
    header = window.tabs[TabId.RANK].header
    header.show_counts(1112, 1212)
    qtbot.waitUntil(lambda: header.count.width() >= header.count.sizeHint().width(), timeout=2000)
    assert all(each.width() >= each.sizeHint().width() for each in header.toggles.values())


@pytest.mark.thorough
def test_no_part_is_shown_before_it_has_its_place(open_window, filled, qapp):
    window, alone = open_window(), []

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                alone.append(watched)
            return False

    watch = Watch()
    qapp.installEventFilter(watch)
    window.workspace.open(filled.folder)
    for kind in TABS:
        window.open_tab(kind.id)
    qapp.removeEventFilter(watch)
    assert not alone, "it would flash up as a window of its own"


def test_a_card_tells_a_screen_reader_its_place_and_text(open_window, filled, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    board = window.tabs[TabId.RANK].board
    qtbot.keyClick(board, Qt.Key.Key_B)
    card = board.grid.cards[1]
    assert card.accessibleName() == "Completion B"
    assert card.accessibleDescription().startswith("rank 1")
    assert card.completion.text in card.accessibleDescription()
    assert board.ladder.accessibleDescription().startswith("B;")


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        (RTL, Qt.LayoutDirection.RightToLeft),
        (CJK, Qt.LayoutDirection.LeftToRight),
        (EMOJI, Qt.LayoutDirection.LeftToRight),
    ],
)
def test_every_script_is_shown_whole_and_in_its_direction(open_window, filled, text, direction):
    group_id = add_group(filled, f"{text}?", text, text + " " + text)
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    tab = window.tabs[TabId.RANK]
    tab.labeling.editor.open(group_id)
    tab.show_item()
    for card in tab.board.grid.cards:
        document = card.text.document()
        assert document.toPlainText() == card.completion.text
        assert document.firstBlock().textDirection() == direction
        assert document.size().height() <= card.text.viewport().height() + 1
    assert tab.board.prompt.text == f"{text}?"


@pytest.mark.thorough
def test_the_window_works_at_twice_the_size(filled, tmp_path):
    """In a process of its own, because the scaling is fixed when Qt starts."""
    environment = os.environ | {
        "QT_SCALE_FACTOR": "2",
        "QT_QPA_PLATFORM": "offscreen",
        "PLUMBLINE_DATA": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "desktop.screenshots", str(filled.folder), str(tmp_path / "out")]
    command += ["--theme", "light", "--size", "1280x800", "--settle", "20"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    pictures = sorted((tmp_path / "out").glob("*.png"))
    assert {path.stem.removesuffix("-light-1280x800") for path in pictures} >= {
        "welcome",
        "instructions-guidelines",
        "instructions-prompts",
        "rank",
        *(f"review-{page}" for page in ("pairs", "agreement", "bias", "labelers")),
        "tune-samples",
        "tune-more-charts",
        "tune-runs",
        *(f"compare-{page}" for page in ("side-by-side", "arena", "vote", "results")),
    }
    from PySide6.QtGui import QImage

    assert {QImage(str(path)).size().toTuple() for path in pictures} == {(2560, 1600)}
