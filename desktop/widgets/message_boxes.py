"""Message boxes, all alike: a heading, a sentence under it, buttons; and the question asked before something goes."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QTextEdit, QWidget

from core.texts import Limits, breakable, one_line, shown
from desktop.theme import theme
from desktop.widgets.basics import without_icons
from desktop.widgets.strangers import Sealed

#: What fits on a screen.
HEADING, SENTENCE = Limits(400, 6), Limits(2_500, 30)


def box(parent: QWidget | None, heading: str, more: str) -> QMessageBox:
    """A message box yet to be given buttons and to be opened with `show`."""
    found = QMessageBox(parent)
    if parent is None:
        theme.dress(found)
    found.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    found.setTextFormat(Qt.TextFormat.PlainText)
    found.setWindowTitle(one_line(heading.rstrip("."), 200))
    found.setText(breakable(shown(heading, limits=HEADING)))
    found.setInformativeText(said(more))
    return found


def said(sentence: str) -> str:
    """What a box says of a sentence."""
    return breakable(shown(sentence, limits=SENTENCE))


def add_details(found: QMessageBox, text: str) -> None:
    """Put a text to copy behind a button."""
    found.setDetailedText(text)
    for edit in found.findChildren(QTextEdit):
        edit.setDocument(Sealed(edit))
        edit.setPlainText(text)


def show(found: QMessageBox) -> QMessageBox:
    """Open a message box without waiting for it to close."""
    if not found.buttons():
        found.addButton(found.StandardButton.Ok)
    without_icons(found)
    found.open()
    return found


def ask(parent: QWidget, text: str, more: str, yes: str, then: Callable[[], object], *, no: str = "") -> None:
    """Call `then` if the button `yes` is pressed. The way out, for Enter and Escape, is Cancel, or called `no`."""
    asked = box(parent, text, more)
    does = asked.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    cancel = asked.StandardButton.Cancel
    out = asked.addButton(no, QMessageBox.ButtonRole.RejectRole) if no else asked.addButton(cancel)
    asked.setDefaultButton(out)
    does.clicked.connect(lambda: then())
    show(asked)
