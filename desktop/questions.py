"""The question that is asked once before something goes: what it means, what does it, and a way out for Enter."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def ask(
    parent: QWidget,
    text: str,
    more: str,
    yes: str,
    then: Callable[[], object],
    *,
    no: str = "",
    icon: QMessageBox.Icon = QMessageBox.Icon.Question,
) -> None:
    """Call `then` if the button `yes` is pressed. The way out is Cancel, or called `no`."""
    box = QMessageBox(icon, "Plumbline", text, parent=parent)
    box.setInformativeText(more)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    does = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    out = box.addButton(no, QMessageBox.ButtonRole.RejectRole) if no else box.addButton(box.StandardButton.Cancel)
    box.setDefaultButton(out)
    does.clicked.connect(lambda: then())
    box.open()
