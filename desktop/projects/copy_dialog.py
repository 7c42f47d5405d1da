"""Where a copy of a project goes, and what it is called: asked before a project is duplicated or restored."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, without_icons
from desktop.widgets.folder_field import FolderField


class CopyDialog(QDialog):
    """`chosen` carries the name (empty where none is asked for) and the folder."""

    chosen = Signal(str, object)

    def __init__(self, title: str, about: str, verb: str, name: str, parent: QWidget, *, named: bool) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(560)
        self.name = QLineEdit(name if named else "")
        self.name.selectAll()
        self.folder = FolderField(name)
        self.name.textEdited.connect(self.folder.follow)
        self.name.setAccessibleName("Name")
        form = QFormLayout()
        form.setVerticalSpacing(SPACE + 4)
        if named:
            form.addRow("Name", self.name)
        form.addRow("Folder", row(self.folder, button("Choose …", self.folder.ask, default=False)))
        self.error = label("", "error", wrap=True)
        self.error.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        make = buttons.button(QDialogButtonBox.StandardButton.Ok)
        make.setText(verb)
        make.setProperty("role", "primary")
        make.setDefault(True)
        without_icons(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        heading = label(title, "heading")
        layout = column(heading, label(about, "muted", wrap=True), form, self.error, buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def accept(self) -> None:
        """Hand over what was chosen, or say under the fields why it cannot be used."""
        folder = Path(self.folder.text().strip()).expanduser()
        if not self.folder.text().strip() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            self.error.setText("This folder is not empty: choose a new one.")
            self.error.show()
            return
        super().accept()
        self.chosen.emit(self.name.text().strip(), folder)
