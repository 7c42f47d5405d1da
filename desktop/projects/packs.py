"""What the window does with labeling packs: open one that came, send back what was ranked in it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.labeling import pack
from core.machine import base_models
from core.store import Project, arenas, assignments, labelers, packed_rankings
from core.store.packed_rankings import PACK
from desktop.actions import Action
from desktop.background import with_project
from desktop.places import TabId
from desktop.projects import actions
from desktop.widgets import file_dialogs, message_boxes
from desktop.workspace import Workspace

#: Reasons that are shown for what stays in an earlier pack.
REASONS = 3


class Packs(QObject):
    def __init__(self, workspace: Workspace, window: QWidget) -> None:
        """Dialogs open over `window`."""
        super().__init__(window)
        self.workspace = workspace
        self.window = window

    def does(self) -> dict[Action, Callable[[], object]]:
        return {actions.OPEN_PACK: self.ask, actions.SEND_BACK: self.ask_back}

    @property
    def packed(self) -> bool:
        """Is a pack open, which can be sent back?"""
        session = self.workspace.session
        return session is not None and bool(session.project.setting(PACK))

    def ask(self) -> None:
        """Choose a labeling pack, to be ranked on this machine."""
        file_dialogs.ask_open(self.window, "Open a labeling pack", self.unpack, file_dialogs.PACKS)

    def unpack(self, path: Path) -> None:
        """Make a project of a pack (or take up the one that was made of it before), beside the window; then go to what
        is to be done in it."""
        if self.workspace.busy:
            return
        folder = base_models.data_folder() / "projects" / pack.folder_name(path)
        self.workspace.do_first(f"Opening {path.name} …", partial(pack.take_up, path, folder), self._open)

    def _open(self, made: tuple[Path, pack.Merged]) -> None:
        folder, earlier = made
        self.workspace.open(folder, partial(self._begin, earlier))

    def _begin(self, earlier: pack.Merged) -> None:
        if (session := self.workspace.session) is not None:
            session.navigator.open_tab(TabId.COMPARE if _only_votes(session.project) else TabId.RANK)
        if came := came_along(earlier):
            self.workspace.say(came)
        if left := stayed(earlier):
            message_boxes.show(message_boxes.box(self.window, "Not all of an earlier pack came along", left))

    def ask_back(self) -> None:
        """Choose a file for what was ranked in this pack, for whoever gave it out to merge."""
        if self.workspace.session is None:
            return
        name = f"{self.workspace.session.project.folder.name}{pack.SUFFIX}"
        file_dialogs.ask_save(self.window, "Write the pack to send back", name, self.write)

    def write(self, path: Path) -> None:
        """Write the opened pack with its rankings to `path`."""
        if self.workspace.session is None:
            return

        def done(written: tuple[int, str]) -> None:
            waiting, stays = written
            left = f" {waiting:,} prompts still wait in it." if waiting else ""
            more = f"Send it to whoever gave you the pack: they merge it under Review, Labelers. {stays}".strip()
            message_boxes.show(message_boxes.box(self.window, f"{path.name} is written.{left}", more))

        def work(project: Project) -> tuple[int, str]:
            labeler = str(project.setting(PACK))
            return pack.pack(project, path, labeler), packed_rankings.not_sent_back(project, labeler)

        with_project(self.window, self.workspace.session.project, work, done)


def _only_votes(project: Project) -> bool:
    """Is an arena all that waits in a pack?"""
    person = labelers.find(project, str(project.setting(PACK)))
    return bool(arenas.listed(project)) and (person is None or not assignments.queue(project, person.id).waiting)


def came_along(earlier: pack.Merged) -> str:
    """What of an earlier pack is in the new one, too; empty for nothing."""
    counts = {
        ("ranking", "rankings"): earlier.added,
        ("answer", "answers"): earlier.answers,
        ("begun order or answer", "begun orders and answers"): earlier.begun,
    }
    parts = [f"{count:,} {one if count == 1 else many}" for (one, many), count in counts.items() if count]
    return f"{', '.join(parts)} of an earlier pack came along." if parts else ""


def stayed(earlier: pack.Merged) -> str:
    """What of an earlier pack is not in the new one, and what to do about it; empty for nothing. Sending a pack back
    carries its rankings, and of what is begun the comments alone."""
    parts = []
    if earlier.refused or earlier.conflicts:
        ranked = "Some of what was ranked in an earlier pack is not in this one: send that one back, too."
        parts.append(f"{ranked}{_first(earlier.refused)}")
    if earlier.begun_left:
        begun = "Some of what was begun in an earlier pack is not in this one: go on with it in the earlier project."
        parts.append(f"{begun}{_first(earlier.begun_left)}")
    return "\n\n".join(parts)


def _first(reasons: list[str]) -> str:
    """A few of them, each on a line, and how many more there are."""
    more = len(reasons) - REASONS
    lines = [*reasons[:REASONS], *([f"… and {more:,} more."] if more > 0 else [])]
    return "".join(f"\n{line}" for line in lines)
