"""What the window does with a project as a whole: archive, restore, duplicate, delete, and undo of that.

Copying runs in the background, one copy at a time, and goes on when the project closes; closing the window asks first.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QMenu

from core import humanize
from core.errors import BadInput, Stopped
from core.projects import archive, trash
from core.projects.archive import SUFFIX
from core.projects.summary import size, summary
from core.projects.trash import Deleted
from core.store.undo_steps import CallableStep
from desktop import errors, user_settings
from desktop.background import in_background
from desktop.projects.copy_dialog import CopyDialog
from desktop.projects.trash_dialog import TrashDialog
from desktop.shell.toast import Notice
from desktop.widgets import file_dialogs, message_boxes

if TYPE_CHECKING:
    from desktop.window import Window

Act = Callable[[QMenu, str, str, object], QAction]


class Projects(QObject):
    """`deleted` is what was deleted since the program started, the latest last: what undo puts back."""

    progressed = Signal(float)

    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self.window = window
        self.notice = Notice(window)
        self.progressed.connect(self.notice.show_share)
        self.deleted: list[Deleted] = []
        self.at_work = ""
        self._stopping = False

    def add_to(self, menu: QMenu, act: Act) -> list[QAction]:
        """Put the entries into the File menu; returns those that need an open project."""
        menu.addSeparator()
        archive = act(menu, "&Archive the project to a file …", "", lambda: self._on_open(self.archive))
        act(menu, "Restore an arch&ive …", "", self.restore)
        duplicate = act(menu, "D&uplicate the project …", "", lambda: self._on_open(self.duplicate))
        delete = act(menu, "Dele&te the project …", "", lambda: self._on_open(self.delete))
        self.undo_action = act(menu, "Undo deleting", "", self.undo)
        self.undo_action.setVisible(False)
        act(menu, "Deleted pro&jects and runs …", "", self.show_trash)
        menu.addSeparator()
        return [archive, duplicate, delete]

    def do(self, name: str, folder: Path) -> None:
        """What the welcome page asks for."""
        if name == "open":
            self.window.open_project(folder)
        elif name == "show":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        elif name == "forget":
            user_settings.forget_recent_project(folder)
            self.window.welcome.refresh()
        elif name == "trash":
            self.show_trash()
        else:
            {"duplicate": self.duplicate, "archive": self.archive, "delete": self.delete}[name](folder)

    def archive(self, folder: Path) -> None:
        """Choose a file and write the project to it."""
        file_dialogs.ask_save(
            self.window, "Archive the project to", f"{folder.name}{SUFFIX}", partial(self.write_archive, folder),
            f"Plumbline archives (*{SUFFIX})", SUFFIX.removeprefix("."),
        )  # fmt: skip

    def write_archive(self, folder: Path, path: Path) -> None:
        """Write the project in `folder` to `path`."""
        name = _name(folder)

        def done(written: Path) -> None:
            taken = humanize.size(written.stat().st_size)
            show = partial(self.do, "show", written.parent)
            self.notice.tell(f"“{name}” is archived in {written.name} ({taken}).", "Show folder", show)

        self._copy(f"Archiving “{name}”", partial(archive.archive, folder, path), done)

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
        name = _name(folder)
        dialog = CopyDialog(
            "Duplicate the project", f"Everything in “{name}” is copied. Jobs that wait or run do not run in the copy.",
            "Duplicate", f"{name} (copy)", self.window, named=True,
        )  # fmt: skip
        dialog.chosen.connect(
            lambda called, target: self._copy(
                f"Duplicating “{name}”",
                partial(archive.duplicate, folder, target, name=called),
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
        window = self.window
        if self.at_work:
            errors.show(BadInput(f"{self.at_work} is not done: wait for it, or stop it."), window)
            return
        if window.waiting.busy:
            errors.show(BadInput("The window is finishing something: delete the project once that is done."), window)
            return
        was_open = window.session is not None and window.session.project.folder == folder.resolve()
        tab = window.tab_stack.currentIndex() if was_open else 0
        self.notice.tell(f"Deleting “{_name(folder)}” …", stays=True)

        def done(deleted: Deleted) -> None:
            self.offer_undo(deleted)

        def failed(error: Exception) -> None:
            self.notice.hide()
            if window.closing:
                return
            if was_open and window.session is None:
                window.open_project(folder, lambda: window.open_tab(tab))
            errors.show(error, window)

        def delete() -> None:
            in_background(window, partial(trash.delete, folder), done, failed, lasting=True)

        if was_open:
            window.close_project(delete, tells=False)
        else:
            delete()

    def offer_undo(self, deleted: Deleted) -> None:
        """A project or a run was moved to the trash."""
        self.deleted.append(deleted)
        self._changed()
        if deleted.run and self.window.session is not None:
            back = partial(self.put_back, deleted)
            self.window.session.history.add(CallableStep(label=_step(deleted), undo=back))
        back = partial(self.put_back, deleted)
        self.notice.tell(f"“{deleted.name}” is in the trash.", "Undo", back, stays=True, everywhere=not deleted.run)

    def undo(self) -> None:
        """Put back what was deleted last."""
        if self.deleted:
            self.put_back(self.deleted[-1])

    def put_back(self, deleted: Deleted) -> None:
        def done(folder: Path) -> None:
            self._gone(deleted)
            self._is_back(folder, deleted)

        in_background(self.window, partial(trash.put_back, deleted), done, lasting=True)

    def show_trash(self) -> TrashDialog:
        dialog = TrashDialog(self.window)
        dialog.put_back.connect(self._is_back)
        dialog.gone.connect(self._gone)
        dialog.open()
        return dialog

    def stop(self) -> None:
        """End the copying; nothing is left of it."""
        self._stopping = True

    def may_close(self) -> bool:
        """May the window close now? While something is copied, somebody is asked, who may close it then."""
        if not self.at_work or self._stopping:
            return True
        more = "Closing now leaves nothing of the copy. The project itself stays as it is."

        def leave() -> None:
            self.stop()
            self.window.close()

        message_boxes.ask(self.window, f"{self.at_work} is not done.", more, "Stop it and close", leave, no="Wait")
        return False

    def _on_open(self, what: Callable[[Path], object]) -> None:
        if self.window.session is not None:
            what(self.window.session.project.folder)

    def _copy(self, title: str, work: "partial[Path]", done: Callable[[Path], None]) -> None:
        if self.at_work:
            errors.show(BadInput(f"{self.at_work} is not done: wait for it, or stop it."), self.window)
            return
        self.at_work, self._stopping = title, False
        self.notice.tell_progress(f"{title} …", self.stop)

        def progress(bytes_done: int, total: int) -> None:
            if self._stopping:
                raise Stopped("It was stopped: nothing is left of the copy.")
            self.progressed.emit(bytes_done / total)

        def finished(made: Path) -> None:
            self.at_work = ""
            done(made)

        def failed(error: Any) -> None:
            self.at_work = ""
            self.notice.hide()
            if isinstance(error, Stopped):
                self.notice.tell(str(error))
            else:
                errors.show(error, self.window)

        in_background(self.window, partial(work, progress=progress), finished, failed, lasting=True)

    def tell(self, text: str, action_text: str = "", action: Callable[[], object] | None = None) -> None:
        """Say something in passing, unless that would cover how far a copy is."""
        if not self.at_work:
            self.notice.tell(text, action_text, action)

    def _opened(self, folder: Path, what: str) -> None:
        """Open it where nothing is open; else offer that: somebody may be in the middle of something."""
        user_settings.add_recent_project(folder)
        said = f"“{_name(folder)}” {what}: it lies in {folder}."
        if self.window.closing:
            return
        if self.window.session is None and not self.window.waiting.busy:
            self.window.open_project(folder, lambda: self.notice.tell(said))
        else:
            self.notice.tell(said, "Open", partial(self.window.open_project, folder), stays=True)

    def _is_back(self, folder: Path, deleted: Deleted) -> None:
        if deleted.run:
            self.notice.tell(f"“{deleted.name}” is back.")
            return
        user_settings.add_recent_project(folder)
        self.window.welcome.refresh()
        self.notice.tell(f"“{_name(folder)}” is back.", "Open", partial(self.window.open_project, folder))

    def _gone(self, entry: Deleted) -> None:
        """It is not in the trash any more: there is nothing to undo."""
        self.deleted = [deleted for deleted in self.deleted if deleted.id != entry.id]
        session = self.window.session
        if entry.run and session is not None and str(session.project.folder) == entry.folder:
            session.history.remove(lambda step: step.label == _step(entry))
        self._changed()

    def _changed(self) -> None:
        self.window.welcome.refresh()
        self.undo_action.setVisible(bool(self.deleted))
        if self.deleted:
            self.undo_action.setText(f"Undo deleting “{self.deleted[-1].name.replace('&', '&&')}”")


def _step(deleted: Deleted) -> str:
    return f"Remove run {deleted.run}"


def _name(folder: Path) -> str:
    found = summary(folder)
    return found.name if found is not None else folder.name
