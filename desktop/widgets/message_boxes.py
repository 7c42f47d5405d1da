"""Message boxes, all alike: a heading, a sentence under it, buttons; and the question asked before something goes."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.theme import theme
from desktop.widgets.basics import without_icons


def box(parent: QWidget | None, heading: str, more: str) -> QMessageBox:
    """A message box yet to be given buttons and to be opened with `show`."""
    found = QMessageBox(parent)
    if parent is None:
        theme.dress(found)
    found.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    found.setTextFormat(Qt.TextFormat.PlainText)
    found.setWindowTitle(heading.rstrip("."))
    found.setText(heading)
    found.setInformativeText(more)
    return found


def show(found: QMessageBox) -> QMessageBox:
    """Open a message box without waiting for it to close."""
    if not found.buttons():
        found.addButton(found.StandardButton.Ok)
    without_icons(found)
    found.open()
    return found


def ask(parent: QWidget, text: str, more: str, yes: str, then: Callable[[], object], *, no: str = "") -> QMessageBox:
    """Call `then` if the button `yes` is pressed. The way out, for Enter and Escape, is Cancel, or called `no`."""
    asked = box(parent, text, more)
    does = asked.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    cancel = asked.StandardButton.Cancel
    out = asked.addButton(no, QMessageBox.ButtonRole.RejectRole) if no else asked.addButton(cancel)
    asked.setDefaultButton(out)
    does.clicked.connect(lambda: then())
    return show(asked)
