"""How dialogs and notices look and leave: alike in both themes, with no icon of the platform, by Esc."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QTextCursor
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QToolButton

from core.errors import BadInput
from core.store import create_project
from desktop import errors
from desktop.guide import guide
from desktop.theme import theme
from desktop.widgets import basics, file_dialogs, message_boxes
from desktop.workspace import Said


@pytest.fixture
def window(open_window, filled):
    found = open_window()
    found.workspace.open(filled.folder)
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_arrows_of_the_file_dialog_are_seen_in_both_themes(window, mode):
    theme.apply(QApplication.instance(), mode)
    dialog = file_dialogs.ask_open(window, "Open", lambda _: None)
    for name in ("backButton", "forwardButton", "toParentButton"):
        arrow = dialog.findChild(QToolButton, name).icon().pixmap(20, QIcon.Mode.Normal).toImage()
        places = [(x, y) for x in range(arrow.width()) for y in range(arrow.height())]
        clearest = max((arrow.pixelColor(*place) for place in places), key=lambda colour: colour.alpha())
        assert abs(clearest.lightness() - QColor(theme.current().text).lightness()) < 12
    dialog.close()
    theme.apply(QApplication.instance(), "light")


def test_a_message_box_has_a_heading_and_no_icon(window, qtbot):
    done = []
    message_boxes.ask(window, "Delete “<b>it</b>”?", "It goes.", "Delete", lambda: done.append(1))
    box = window.findChild(QMessageBox)
    assert (box.windowTitle(), box.icon()) == ("Delete “<b>it</b>”?", QMessageBox.Icon.NoIcon)
    assert box.textFormat() == Qt.TextFormat.PlainText, "a name is never markup"
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert not done and not box.isVisible()
    said = errors.show(BadInput("It is at work: stop it first."), window)
    assert (said.text(), said.informativeText()) == (errors.REFUSED, "It is at work: stop it first.")
    assert said.icon() == QMessageBox.Icon.NoIcon
    said.close()


def test_buttons_lose_the_icons_that_the_platform_gave_them(window):
    dialog = QFileDialog(window)
    push = QPushButton("OK", dialog)
    push.setIcon(window.windowIcon())
    basics.without_icons(dialog)
    assert push.icon().isNull()


def test_a_notice_takes_no_focus_and_goes_by_esc_and_with_its_project(window, qtbot, tmp_path):
    notice = window.notice
    window.workspace.say("Done.")
    assert notice.isVisible() and notice.closing.focusPolicy() == Qt.FocusPolicy.NoFocus
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not notice.isVisible()
    create_project(tmp_path / "other", "Other").close()
    window.workspace.say("Done here.")
    window.workspace.open(tmp_path / "other")
    qtbot.waitUntil(lambda: window.session is not None and window.session.project.name == "Other")
    assert not notice.isVisible(), "it was about the other project"
    window.workspace.said.emit(Said("Deleting …", stays=True, everywhere=True))
    window.workspace.close()
    qtbot.waitUntil(lambda: window.session is None)
    assert notice.isVisible(), "it is about more than what is open"
    window.workspace.said.emit(Said("Copying …", "Stop", print, stays=True, everywhere=True, progress=True))
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert notice.isVisible(), "what can only be stopped stays"
    notice.hide()


def test_the_guide_has_room_above_its_headings_on_every_page_that_is_gone_to(window):
    dialog = guide.show("loop", window)
    pages = dialog.pages
    for name in ("loop", "labeling"):
        dialog.open_at(name)
        block, seen = pages.document().begin().next(), 0
        while block.isValid():
            if block.blockFormat().headingLevel() and QTextCursor(block).currentTable() is None:
                assert block.blockFormat().topMargin() > block.blockFormat().bottomMargin() > 0
                seen += 1
            block = block.next()
        assert seen > 2
    dialog.close()
