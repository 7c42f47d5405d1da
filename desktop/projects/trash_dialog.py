"""The projects and runs in Plumbline's trash: put one back, or delete it for good."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QWidget

from core.humanize import size
from core.projects import trash
from core.projects.trash import Deleted
from desktop import errors
from desktop.background import in_background
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.dates import local_time
from desktop.widgets.tables import fill, table

COLUMNS = ("What", "Folder", "Deleted", "Size")


class TrashDialog(QDialog):
    """`put_back` carries the folder of a project that is there again, or has a run again, and what was its entry;
    `gone` an entry once it is not in the trash any more."""

    put_back = Signal(object, object)
    gone = Signal(object)

    def __init__(self, parent: QWidget, opened: Path | None = None) -> None:
        """`opened` is the project that is open: a run of it goes there, wherever it was before."""
        super().__init__(parent)
        self.opened = opened
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Deleted projects and runs")
        self.resize(820, 420)
        self.entries: list[Deleted] = []
        self.about = label("Looking into the trash …", "muted", wrap=True)
        self.list = table("Deleted projects and runs", COLUMNS)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.list.itemSelectionChanged.connect(self._enable)
        self.back_button = button("Put back", self.restore, role="primary", tip="To the folder where it was")
        self.delete_button = button("Delete for good …", self.ask, tip="This cannot be undone")
        foot = row(self.delete_button, None, button("Close", self.reject), self.back_button)
        layout = column(label("Deleted projects and runs", "heading"), self.about, self.list, foot, spacing=SPACE + 4)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.refresh()

    def refresh(self) -> None:
        self._enable()
        in_background(self, trash.listed, self._show)

    @property
    def chosen(self) -> Deleted | None:
        rows = self.list.selectionModel().selectedRows() if self.list.selectionModel() else []
        return self.entries[rows[0].row()] if rows and rows[0].row() < len(self.entries) else None

    def restore(self) -> None:
        """Put what is chosen back where it was."""
        if (chosen := self.chosen) is not None:
            self._work(
                chosen, partial(trash.put_back, chosen, self.opened), lambda folder: self.put_back.emit(folder, chosen)
            )

    def ask(self) -> None:
        if (chosen := self.chosen) is None:
            return
        message_boxes.ask(
            self, f"Delete “{chosen.name}” for good?", f"{size(chosen.bytes)} are freed. This cannot be undone.",
            "Delete for good", lambda: self.delete(chosen),
        )  # fmt: skip

    def delete(self, chosen: Deleted) -> None:
        """Delete it for good."""
        self._work(chosen, partial(trash.delete_for_good, chosen), lambda _: None)

    def _work(self, entry: Deleted, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        def finished(result: Any) -> None:
            self.gone.emit(entry)
            done(result)
            self.refresh()

        def failed(error: Any) -> None:
            errors.show(error, self)
            self.refresh()

        self.back_button.setEnabled(False)
        self.delete_button.setEnabled(False)
        in_background(self, work, finished, failed, lasting=True)

    def _show(self, entries: list[Deleted]) -> None:
        self.entries = entries
        fill(self.list, [_texts(entry) for entry in entries])
        self.list.resizeColumnsToContents()
        self.list.setColumnWidth(0, min(self.list.columnWidth(0), 260))
        self.list.setVisible(bool(entries))
        total = size(sum(entry.bytes for entry in entries))
        where = f"{total} in Plumbline’s own trash. They stay until you delete them for good."
        self.about.setText(where if entries else "Nothing is deleted.")
        if entries:
            self.list.selectRow(0)
        self._enable()

    def _enable(self) -> None:
        for each in (self.back_button, self.delete_button):
            each.setEnabled(self.chosen is not None)


def _texts(entry: Deleted) -> tuple[str, ...]:
    return entry.name, entry.folder, local_time(entry.deleted_at), size(entry.bytes)
