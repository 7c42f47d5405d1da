"""Where the data lie, and the models that were brought here: the page of the settings to make room with."""

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from core.humanize import size
from core.machine import base_models, model_cache
from core.machine.model_cache import CachedModel
from desktop import errors, user_settings
from desktop.background import in_background
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import button, card, clear, column, label, row, rule, scrolled
from desktop.widgets.strangers import tip

MOVE = (
    "To move it, close Plumbline, copy the folder, set the environment variable PLUMBLINE_DATA to its new place, and "
    "start Plumbline again. Projects that lie elsewhere stay where they are."
)


class ModelsPage(QWidget):
    """Sizes and users of the models are found in the background."""

    def __init__(self, session: Session | None) -> None:
        super().__init__()
        self.session = session
        folder = label(str(base_models.data_folder()), wrap=True)
        folder.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        folder.setAccessibleName("Data folder")
        chosen = "It was chosen by PLUMBLINE_DATA. " if os.environ.get("PLUMBLINE_DATA") else ""
        open_button = button("Open", self._open, tip="Show the folder in the file manager")
        top = row(column(label("Data folder", "heading"), folder, spacing=4), open_button, spacing=2 * SPACE)
        top.setStretch(0, 1)
        top.setAlignment(open_button, Qt.AlignmentFlag.AlignTop)
        self.total = label("Looking …", "muted")
        self.list = column(spacing=SPACE)
        inner = QWidget()
        inner.setLayout(column(self.list, None))
        models = card(column(row(label("Models on this machine", "heading"), None, self.total), scrolled(inner)))
        layout = column(
            card(column(top, label(chosen + MOVE, "small", wrap=True))),
            models,
            spacing=2 * SPACE,
        )
        layout.setStretch(1, 1)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self.load()

    @property
    def projects(self) -> list[Path]:
        """The projects that are asked which models they use: the recent ones and the open one."""
        mine = [self.session.project.folder] if self.session else []
        return list(dict.fromkeys([*mine, *user_settings.recent_projects()]))

    def load(self) -> None:
        """Look again."""
        projects = self.projects
        in_background(self, lambda: model_cache.listed(projects), self._show)

    def _show(self, found: list[CachedModel]) -> None:
        clear(self.list)
        self.total.setText(size(sum(model.bytes for model in found)) if found else "")
        for number, model in enumerate(found):
            if number:
                self.list.addWidget(rule())
            self.list.addWidget(self._row(model))
        if not found:
            self.list.addWidget(label("None yet: a model is brought here when it is first needed.", "muted"))

    def _row(self, model: CachedModel) -> QWidget:
        users = ", ".join(project.name for project in model.users)
        used = label(f"used by {users}" if users else "no recent project uses it", "small", wrap=True)
        used.setToolTip(tip("\n".join(str(project) for project in model.users)))
        title = label(model.title, wrap=True)
        title.setToolTip(tip(str(model.folder)))
        delete = button("Delete …", partial(self.ask, model), tip="Delete it from this machine")
        delete.setAccessibleName(f"Delete {model.title}")
        found = QWidget()
        layout = row(column(title, used, spacing=2), label(size(model.bytes), "muted"), delete, spacing=2 * SPACE)
        layout.setStretch(0, 1)
        found.setLayout(layout)
        return found

    def ask(self, model: CachedModel) -> None:
        """Ask before a model is deleted."""
        count = len(model.users)
        needed = f"{count} recent project{'s need' if count > 1 else ' needs'} it. " if count else ""
        more = f"{needed}A job that needs it fetches it again. Runs and adapters are kept."
        text = f"Delete {model.title} ({size(model.bytes)})?"
        message_boxes.ask(self, text, more, "Delete", lambda: self.delete(model))

    def delete(self, model: CachedModel) -> None:
        """Delete a model unless a worker is using it."""
        projects = self.projects
        self.total.setText("Deleting …")
        in_background(self, lambda: model_cache.delete(model.folder, projects), lambda _: self.load(), self._refused)

    def _refused(self, error: Exception) -> None:
        self.load()
        errors.show(error, self)

    def _open(self) -> None:
        folder = base_models.data_folder()
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
