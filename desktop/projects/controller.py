"""What the window does with a project as a whole: archive, restore, duplicate, delete, and undo of that.

Copying runs in the background, one copy at a time, and goes on when the project closes; closing the window asks first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from core import humanize
from core.errors import BadInput, Stopped
from core.projects import archive, trash
from core.projects.archive import SUFFIX
from core.projects.source import Source
from core.projects.summary import size, size_of, summary
from core.projects.trash import Deleted
from core.store import Project
from core.store.files.own import RUNS
from core.store.undo.steps import CallableStep
from desktop import errors, user_settings
from desktop.actions import Action
from desktop.background import in_background
from desktop.projects import actions
from desktop.projects.archive_dialog import ArchiveDialog
from desktop.projects.copy_dialog import CopyDialog
from desktop.projects.trash_dialog import TrashDialog
from desktop.session import Session
from desktop.widgets import file_dialogs, message_boxes
from desktop.workspace import Said, Workspace


@dataclass(frozen=True, kw_only=True, eq=False)
class DeletionStep(CallableStep):
    """A project or a run was moved to the trash: undo puts it back, whatever is open by then."""

    deleted: Deleted


class Projects(QObject):
    """What is done with projects as wholes; a deletion is a step of the window's history."""

    def __init__(self, workspace: Workspace, window: QWidget) -> None:
        """Dialogs open over `window`."""
        super().__init__(window)
        self.workspace = workspace
        self.window = window
        self._stopping = False
        workspace.opened.connect(self._opened_session)

    def does(self) -> dict[Action, Callable[[], object]]:
        """What each action of a project does."""
        return {
            actions.ARCHIVE: lambda: self._on_open(self.archive),
            actions.RESTORE: self.restore,
            actions.DUPLICATE: lambda: self._on_open(self.duplicate),
            actions.DELETE: lambda: self._on_open(self.delete),
            actions.UNDO_DELETING: self.undo,
            actions.SHOW_TRASH: self.show_trash,
            actions.REPORT: self.report,
        }

    @property
    def deleted(self) -> list[Deleted]:
        """What was deleted since the program started and not put back yet, the latest last."""
        return [step.deleted for step in self.workspace.history.undoable if isinstance(step, DeletionStep)]

    @property
    def last_deleted(self) -> str:
        """The name of what was deleted last; empty for nothing."""
        return self.deleted[-1].name if self.deleted else ""

    def _opened_session(self, session: Session) -> None:
        session.run_removed.connect(self.offer_undo)

    def report(self) -> None:
        """Write the whole experiment as one page to send."""
        if self.workspace.session is not None:
            from desktop.projects import experiment_dialog  # what it measures with is imported when first asked for

            experiment_dialog.choose(self.workspace.session, self.window)

    def do(self, name: str, folder: Path) -> None:
        """What the welcome page asks for."""
        if name == "open":
            self.workspace.open(folder)
        elif name == "show":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        elif name == "forget":
            user_settings.forget_recent_project(folder)
            self.workspace.listed.emit()
        elif name == "trash":
            self.show_trash()
        else:
            {"duplicate": self.duplicate, "archive": self.archive, "delete": self.delete}[name](folder)

    def archive(self, folder: Path) -> None:
        """Ask whether checkpoints go along, where there are any; choose a file and write the project to it."""
        runs = folder / RUNS
        if runs.is_dir() and any(runs.iterdir()):
            in_background(self.window, lambda: size_of(runs), lambda taken: self._ask_archive(folder, taken))
        else:
            self._ask_archive_file(folder)

    def _ask_archive(self, folder: Path, taken: int) -> None:
        dialog = ArchiveDialog(taken, self.window)
        dialog.chosen.connect(partial(self._ask_archive_file, folder))
        dialog.open()

    def _ask_archive_file(self, folder: Path, with_checkpoints: bool = True) -> None:
        file_dialogs.ask_save(
            self.window, "Archive the project to", f"{folder.name}{SUFFIX}",
            lambda path: self.write_archive(folder, path, with_checkpoints=with_checkpoints),
            f"Plumbline archives (*{SUFFIX})", SUFFIX.removeprefix("."),
        )  # fmt: skip

    def write_archive(self, folder: Path, path: Path, *, with_checkpoints: bool = True) -> None:
        """Write the project in `folder` to `path`."""
        name = _name(folder)

        def done(written: Path) -> None:
            taken = humanize.size(written.stat().st_size)
            show = partial(self.do, "show", written.parent)
            self._say(f"“{name}” is archived in {written.name} ({taken}).", "Show folder", show)

        work = partial(archive.archive, self._source(folder), path, with_checkpoints=with_checkpoints)
        self._copy(f"Archiving “{name}”", work, done)

    def restore(self) -> None:
        """Choose an archive, then a folder for it."""
        kinds = f"Plumbline archives (*{SUFFIX});;All files (*)"
        file_dialogs.ask_open(self.window, "Restore an archive", self.restore_from, kinds)

    def restore_from(self, path: Path) -> CopyDialog:
        """Ask for a folder for the archive `path`, and make a project there."""
        dialog = CopyDialog(
            "Restore an archive", f"A project is made of {path.name} in a folder of its own.", "Restore",
            path.name.removesuffix(".zip").removesuffix(".plumbline"), self.window, named=False,
        )  # fmt: skip
        dialog.chosen.connect(
            lambda _, folder: self._copy(
                f"Restoring {path.name}",
                partial(archive.restore, path, folder),
                lambda made: self._opened(made, "is restored"),
            )
        )
        dialog.open()
        return dialog

    def duplicate(self, folder: Path) -> CopyDialog:
        """Ask for a name and a folder, copy the project there, and open the copy."""
        name, source = _name(folder), self._source(folder)
        dialog = CopyDialog(
            "Duplicate the project", f"Everything in “{name}” is copied. Jobs that wait or run do not run in the copy.",
            "Duplicate", f"{name} (copy)", self.window, named=True,
        )  # fmt: skip
        dialog.chosen.connect(
            lambda called, target: self._copy(
                f"Duplicating “{name}”",
                partial(archive.duplicate, source, target, name=called),
                lambda made: self._opened(made, "is the copy"),
            )
        )
        dialog.open()
        return dialog

    def delete(self, folder: Path) -> None:
        """Ask once, naming the folder and its size; then move the project to the trash."""
        in_background(self.window, lambda: (_name(folder), size(folder)), lambda found: self._ask(folder, *found))

    def _ask(self, folder: Path, name: str, taken: int) -> None:
        more = (
            f"{folder} ({humanize.size(taken)}) goes to Plumbline’s trash, from where it can be put back. "
            "Files in the folder that are not the project’s own stay there."
        )
        message_boxes.ask(self.window, f"Delete “{name}”?", more, "Delete", lambda: self.put_in_trash(folder))

    def put_in_trash(self, folder: Path) -> None:
        """Delete the project, after closing it; one that cannot be deleted is shown again."""
        workspace = self.workspace
        if workspace.copying:
            self._refuse()
            return
        if workspace.busy:
            said = "The window is finishing something: delete the project once that is done."
            errors.show(BadInput(said), self.window)
            return
        source, was_open = self._source(folder), workspace.is_open(folder)
        if isinstance(source, Project) and source.has_moved:
            errors.show(source.moved(), self.window)
            return
        self._say(f"Deleting “{_name(folder)}” …", stays=True, everywhere=True)

        def failed(error: Exception) -> None:
            workspace.said.emit(None)
            if workspace.ending:
                return
            if was_open and workspace.session is None:
                workspace.open(folder)
            errors.show(error, self.window)

        def delete() -> None:
            in_background(self.window, partial(trash.delete, folder), self.offer_undo, failed, lasting=True)

        if was_open:
            workspace.close(delete, tells=False)
        else:
            delete()

    def offer_undo(self, deleted: Deleted) -> None:
        """A project or a run was moved to the trash."""
        self._remember(deleted)
        back = partial(self.put_back, deleted)
        self._say(f"“{deleted.name}” is in the trash.", "Undo", back, stays=True, everywhere=not deleted.run)

    def _remember(self, deleted: Deleted) -> None:
        label = "Remove" if deleted.run else "Delete"
        undo = partial(self.put_back, deleted)
        self.workspace.history.add(
            DeletionStep(label=f"{label} “{deleted.name}”", undo=undo, deleted=deleted, lasting=True)
        )
        self.workspace.listed.emit()

    def undo(self) -> None:
        """Put back what was deleted last, whatever was done since."""
        if self.deleted:
            self.put_back(self.deleted[-1])

    def put_back(self, deleted: Deleted) -> None:
        """Put it back beside the window; what cannot be put back stays a step that can be tried again."""

        def done(folder: Path) -> None:
            self.workspace.returning -= 1
            self._gone(deleted)
            self._is_back(folder, deleted)

        def failed(error: Exception) -> None:
            self.workspace.returning -= 1
            if deleted not in self.deleted:
                self._remember(deleted)
            if not self.workspace.ending:
                errors.show(error, self.window)

        self.workspace.returning += 1
        in_background(self.window, partial(trash.put_back, deleted, self._opened_folder), done, failed, lasting=True)

    def show_trash(self) -> TrashDialog:
        dialog = TrashDialog(self.window, self._opened_folder)
        dialog.put_back.connect(self._is_back)
        dialog.gone.connect(self._gone)
        dialog.open()
        return dialog

    def stop(self) -> None:
        """End the copying; nothing is left of it."""
        self._stopping = True

    def may_close(self) -> bool:
        """May the window close now? While something is copied, somebody is asked, who may close it then."""
        if not self.workspace.copying or self._stopping:
            return True
        more = "Closing now leaves nothing of the copy. The project itself stays as it is."

        def leave() -> None:
            self.stop()
            self.window.close()

        message_boxes.ask(
            self.window, f"{self.workspace.copying} is not done.", more, "Stop it and close", leave, no="Wait"
        )
        return False

    @property
    def _opened_folder(self) -> Path | None:
        return self.workspace.session.project.folder if self.workspace.session is not None else None

    def _source(self, folder: Path) -> Source:
        """The project that is open in it, so that nothing is done with a copy that took its place."""
        session = self.workspace.session
        return session.project if session is not None and self.workspace.is_open(folder) else folder

    def _on_open(self, what: Callable[[Path], object]) -> None:
        if self.workspace.session is not None:
            what(self.workspace.session.project.folder)

    def _copy(self, title: str, work: "partial[Path]", done: Callable[[Path], None]) -> None:
        if self.workspace.copying:
            self._refuse()
            return
        self.workspace.copying, self._stopping = title, False
        self._say(f"{title} …", "Stop", self.stop, stays=True, everywhere=True, progress=True)

        def progress(bytes_done: int, total: int) -> None:
            if self._stopping:
                raise Stopped("It was stopped: nothing is left of the copy.")
            self.workspace.progressed.emit(bytes_done / total)

        def finished(made: Path) -> None:
            self.workspace.copying = ""
            done(made)

        def failed(error: Any) -> None:
            self.workspace.copying = ""
            self.workspace.said.emit(None)
            if isinstance(error, Stopped):
                self._say(str(error))
            else:
                errors.show(error, self.window)

        in_background(self.window, partial(work, progress=progress), finished, failed, lasting=True)

    def _refuse(self) -> None:
        errors.show(BadInput(f"{self.workspace.copying} is not done: wait for it, or stop it."), self.window)

    def _say(
        self,
        text: str,
        action_text: str = "",
        action: Callable[[], object] | None = None,
        *,
        stays: bool = False,
        everywhere: bool = False,
        progress: bool = False,
    ) -> None:
        self.workspace.said.emit(Said(text, action_text, action, stays, everywhere, progress))

    def _opened(self, folder: Path, what: str) -> None:
        """Open it where nothing is open; else offer that: somebody may be in the middle of something."""
        user_settings.add_recent_project(folder)
        said = f"“{_name(folder)}” {what}: it lies in {folder}."
        workspace = self.workspace
        if workspace.ending:
            return
        if workspace.session is None and not workspace.busy:
            workspace.open(folder, lambda: self._say(said))
        else:
            self._say(said, "Open", partial(workspace.open, folder), stays=True, everywhere=True)

    def _is_back(self, folder: Path, deleted: Deleted) -> None:
        if deleted.run:
            self._say(f"“{deleted.name}” is back.")
            return
        user_settings.add_recent_project(folder)
        self.workspace.listed.emit()
        self._say(f"“{_name(folder)}” is back.", "Open", partial(self.workspace.open, folder))

    def _gone(self, entry: Deleted) -> None:
        """It is not in the trash any more: there is nothing to undo."""
        self.workspace.history.remove(lambda step: isinstance(step, DeletionStep) and step.deleted.id == entry.id)
        self.workspace.listed.emit()


def _name(folder: Path) -> str:
    found = summary(folder)
    return found.name if found is not None else folder.name
