"""Help inside the window: pages of the guide (Markdown in `resources/guide`), and what this program is."""

from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QMessageBox, QTextBrowser, QVBoxLayout, QWidget

from core import catalogue
from core.resources import resource
from desktop.theme import SPACE


def show(page: str, parent: QWidget) -> QDialog:
    """Open `resources/guide/PAGE.md` beside the work, without waiting for it to close."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Plumbline guide")
    dialog.resize(640, 620)
    text = QTextBrowser()
    text.setAccessibleName("Guide")
    text.setMarkdown((resource("guide") / f"{page}.md").read_text(encoding="utf-8"))
    text.document().setDocumentMargin(2 * SPACE)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
    layout.addWidget(text)
    layout.addWidget(buttons)
    dialog.show()
    return dialog


def about(parent: QWidget) -> QMessageBox:
    """The version, the licence and where the files are."""
    try:
        number = version("plumbline")
    except PackageNotFoundError:
        number = "not installed"
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About Plumbline")
    box.setText(f"Plumbline {number}")
    box.setInformativeText(
        "Aligns a language model with human preferences, on one workstation. Licence: Apache-2.0.\n\n"
        f"Models, the demo and new projects lie in {catalogue.data_folder()}."
    )
    box.open()
    return box
