"""Whether the checkpoints of runs go into an archive: asked where there are any."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QWidget

from core.humanize import size
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, without_icons

ABOUT = (
    "Checkpoints are the weights of reward models and policies, with the states of their optimizers. Without them all "
    "that was ranked, measured and written is there, but no run can be used, compared or gone on from."
)


class ArchiveDialog(QDialog):
    """`chosen` says whether they go along; `taken` are the bytes that they take."""

    chosen = Signal(bool)

    def __init__(self, taken: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Archive the project")
        self.setMinimumWidth(480)
        self.checkpoints = QCheckBox(f"With the checkpoints of all runs ({size(taken)})")
        self.checkpoints.setChecked(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        go_on = buttons.button(QDialogButtonBox.StandardButton.Ok)
        go_on.setText("Choose a file …")
        go_on.setProperty("role", "primary")
        go_on.setDefault(True)
        without_icons(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        heading = label("Archive the project", "heading")
        layout = column(heading, self.checkpoints, label(ABOUT, "muted", wrap=True), buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def accept(self) -> None:
        super().accept()
        self.chosen.emit(self.checkpoints.isChecked())
