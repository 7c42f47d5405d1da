"""Help inside the window: the guide (Markdown in `resources/guide`), and what this program is."""

from importlib.metadata import PackageNotFoundError, version

from PySide6.QtWidgets import QMessageBox, QWidget

from core.machine import base_models
from desktop.guide.window import GuideWindow
from desktop.widgets import message_boxes


def show(page: str, parent: QWidget) -> GuideWindow:
    """Open the guide at `resources/guide/PAGE.md` beside the work, without waiting for it to close. One that is open
    already goes to that page."""
    for found in parent.findChildren(GuideWindow):
        if found.isVisible():
            found.open_at(page)
            found.raise_()
            found.activateWindow()
            return found
    found = GuideWindow(parent)
    found.open_at(page)
    found.show()
    return found


def about(parent: QWidget) -> QMessageBox:
    """The version, the licence and where the files are."""
    try:
        number = version("plumbline")
    except PackageNotFoundError:
        number = "not installed"
    about = (
        "Aligns a language model with human preferences, on one workstation. Licence: Apache-2.0.\n\n"
        f"Models, the demo and new projects lie in {base_models.data_folder()}."
    )
    return message_boxes.show(message_boxes.box(parent, f"Plumbline {number}", about))
