"""The folder of a project that is to be made: it follows the project's name until somebody chooses one."""

import re
from itertools import count
from pathlib import Path

from PySide6.QtWidgets import QLineEdit

from core.machine import base_models
from desktop.widgets import file_dialogs


class FolderField(QLineEdit):
    def __init__(self, name: str) -> None:
        super().__init__(str(_unused(name)))
        self.setAccessibleName("Folder")
        self._theirs = False
        self.textEdited.connect(self._choose)

    def follow(self, name: str) -> None:
        """The project is called `name` now."""
        if not self._theirs:
            self.setText(str(_unused(name)))

    def ask(self) -> None:
        """Choose an empty folder."""
        file_dialogs.ask_folder(self.window(), "Choose an empty folder", self._chosen, Path(self.text()))

    def _chosen(self, folder: Path) -> None:
        self.setText(str(folder))
        self._choose()

    def _choose(self) -> None:
        self._theirs = True


def _unused(name: str) -> Path:
    """A folder for a project of this name that is not there yet."""
    word = "-".join(re.findall(r"\w+", name.lower())) or "project"
    folders = base_models.data_folder() / "projects"
    names = (word if number == 1 else f"{word}-{number}" for number in count(1))
    return next(folders / found for found in names if not (folders / found).exists())
