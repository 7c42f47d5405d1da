"""What the window does with labeling packs: open one that came, send back what was ranked in it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from core.errors import KnownError
from core.labeling import pack
from core.machine import base_models
from core.store.packed_rankings import PACK
from desktop import errors, user_settings
from desktop.widgets import file_dialogs, message_boxes

if TYPE_CHECKING:
    from desktop.window import Window


class Packs(QObject):
    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self.window = window

    def add_to(self, menu: QMenu, act: Callable[[QMenu, str, str, object], QAction]) -> None:
        """Put the entries into the File menu."""
        act(menu, "Open a &labeling pack …", "", self.ask)
        self.back_action = act(menu, "Send the labeling pack &back …", "", self.ask_back)

    def show_state(self) -> None:
        """A pack can be sent back while one is open."""
        session = self.window.session
        self.back_action.setVisible(session is not None and bool(session.project.setting(PACK)))

    def ask(self) -> None:
        """Choose a labeling pack, to be ranked on this machine."""
        file_dialogs.ask_open(self.window, "Open a labeling pack", self.unpack, file_dialogs.PACKS)

    def unpack(self, path: Path) -> None:
        """Make a project of a pack (or take up the one that was made of it before) and go to the Rank tab."""
        try:
            labeler = pack.labeler_of(path)
            folder = pack.unpack(path, base_models.data_folder() / "projects" / path.stem)
        except KnownError as error:
            errors.show(error, self.window)
            return
        if labeler:
            user_settings.set_labeler_name(labeler)
        self.window.open_project(folder, lambda: self.window.show_tab_called("Rank"))

    def ask_back(self) -> None:
        """Choose a file for what was ranked in this pack, for whoever gave it out to merge."""
        if self.window.session is None:
            return
        name = f"{self.window.session.project.folder.name}{pack.SUFFIX}"
        file_dialogs.ask_save(self.window, "Write the pack to send back", name, self.write)

    def write(self, path: Path) -> None:
        """Write the opened pack with its rankings to `path`."""
        if self.window.session is None:
            return
        project = self.window.session.project
        try:
            waiting = pack.pack(project, path, str(project.setting(PACK)))
        except KnownError as error:
            errors.show(error, self.window)
            return
        left = f" {waiting:,} prompts still wait in it." if waiting else ""
        more = "Send it to whoever gave you the pack: they merge it under Review, Labelers."
        message_boxes.show(message_boxes.box(self.window, f"{path.name} is written.{left}", more))
