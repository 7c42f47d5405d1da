"""A data set of a hub: its address is named before anybody is asked, then a part is chosen and brought here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QHeaderView, QLineEdit, QProgressBar, QTableWidget, QWidget

from core.data import ReadOptions, hub
from core.data.hub import Part
from core.errors import KnownError, Stopped, known
from core.humanize import size
from core.machine.hub import address
from desktop.background import in_background
from desktop.instructions.import_work import COUNT_MILLISECONDS, Reading
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.tables import fill, table

#: Of a data set that has more, the command takes any of them by its names.
SHOWN = 500
STOPPED = "It was stopped: nothing of it is kept."


class HubDialog(QDialog):
    """`fetched` carries the path of the first file, how it is read (`ReadOptions`), and the `Part` that it is of."""

    fetched = Signal(object, object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Import from a hub")
        self.resize(640, 520)
        self.parts: list[Part] = []
        self._reading: Reading | None = None
        self._total = 0
        self._clock = QTimer(self, interval=COUNT_MILLISECONDS)
        self._clock.timeout.connect(self._count)
        self.about = label("", "muted", wrap=True)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Data set")
        self.name.setPlaceholderText("owner/name, or the address of its page")
        self.name.textEdited.connect(lambda: self.show_parts([]))
        self.token = QCheckBox("Send my token, which a data set with terms asks for", self)
        self.token.setToolTip("The one that `hf auth login` keeps on this machine; without this, no token is sent.")
        self.look_button = button("Look", self.look, tip="Ask for the list of its files")
        self.table = _table()
        self.table.itemSelectionChanged.connect(self._enable)
        self.table.doubleClicked.connect(lambda: self.download())
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.said = label("", "muted", wrap=True)
        self.halt = button("Stop", self.stop, tip="Keep nothing of it")
        self.shut = button("Close", self.reject)
        self.go = button("Download", self.download, role="primary", tip="Bring it here; it is imported after a look")
        line = row(self.name, self.look_button, spacing=SPACE)
        line.setStretch(0, 1)
        heading = label("A data set of a hub", "heading")
        foot = row(None, self.shut, self.halt, self.go)
        items = (heading, self.about, line, self.token, self.table, self.bar, self.said, foot)
        layout = column(*items, spacing=SPACE + 4)
        layout.setStretch(4, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self._begin()

    def _begin(self) -> None:
        self.show_parts([])
        try:
            self.about.setText(
                f"Look asks {address()} which files it has; Download fetches the part that you choose. Only files of "
                "data come, never a program, and no token of yours is sent unless you say so."
            )
        except KnownError as error:
            self._say(str(error), "error")
            self.name.setEnabled(False)
            self.look_button.setEnabled(False)

    def look(self) -> None:
        """Ask what there is of the data set that was typed."""
        try:
            name = hub.typed(self.name.text())
        except KnownError as error:
            self._say(str(error), "error")
            return
        self.show_parts([])
        token = self.token.isChecked()
        self._work(
            f"Asking {address()} for {name} …", lambda tell: hub.parts(name, token=token, tell=tell), self._found
        )

    def download(self) -> None:
        """Bring the chosen part here."""
        part = self._chosen()
        if part is None or self._reading is not None:
            return
        self._total, token = part.bytes, self.token.isChecked()
        work: Callable[[Reading], Any] = lambda tell: hub.fetch(part, token=token, tell=tell)  # noqa: E731
        self._work(f"Downloading {part.source} …", work, partial(self._came, part))

    def stop(self) -> None:
        if self._reading is not None:
            self._reading.stopped = True

    def reject(self) -> None:
        """What is at work is stopped with it."""
        self.stop()
        super().reject()

    def _work(self, sentence: str, work: Callable[[Reading], Any], done: Callable[[Any], None]) -> None:
        reading = self._reading = Reading(STOPPED)
        self.destroyed.connect(partial(_stop, reading))
        self._say(sentence, "muted")
        self._clock.start()

        def finish(found: Any) -> None:
            self._end()
            done(found)

        in_background(self, lambda: work(reading), finish, self._failed)
        self._enable()
        self.halt.setFocus()

    def _end(self) -> None:
        self._clock.stop()
        self._reading, self._total = None, 0
        self._enable()

    def _count(self) -> None:
        if self._reading is not None and self._total:
            count = self._reading.count
            self.bar.setValue(round(1000 * count / self._total))
            self._say(f"Downloading … {size(count)} of {size(self._total)}", "muted")

    def _found(self, parts: list[Part]) -> None:
        self.show_parts(parts)
        more = f" The first {SHOWN} are shown." if len(parts) > SHOWN else ""
        self._say("" if len(parts) == 1 else f"It has {len(parts):,} parts: choose one.{more}", "muted")
        (self.go if len(parts) == 1 else self.table).setFocus()

    def _came(self, part: Part, found: tuple[Path, ReadOptions]) -> None:
        self.fetched.emit(*found, part)
        self.accept()

    def _failed(self, error: Any) -> None:
        self._end()
        (self.table if self.parts else self.name).setFocus()
        self._say(str(known(error) or error), "muted" if isinstance(error, Stopped) else "error")

    def show_parts(self, parts: list[Part]) -> None:
        """Let one of these be chosen."""
        self.parts = parts[:SHOWN]
        fill(self.table, [(part.config, part.split, part.note) for part in self.parts])
        if self.parts:
            self.table.selectRow(0)
        self._enable()

    def _chosen(self) -> Part | None:
        rows = self.table.selectionModel().selectedRows()
        return self.parts[rows[0].row()] if rows and rows[0].row() < len(self.parts) else None

    def _enable(self) -> None:
        at_work = self._reading is not None
        self.halt.setVisible(at_work)
        self.bar.setVisible(bool(at_work and self._total))
        self.bar.setRange(0, 1000)
        for each in (self.name, self.token, self.look_button, self.table):
            each.setEnabled(not at_work)
        self.go.setEnabled(not at_work and self._chosen() is not None)
        (self.go if self.parts else self.look_button).setDefault(True)

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)


def _stop(reading: Reading) -> None:
    reading.stopped = True


def _table() -> QTableWidget:
    found = table("Parts of the data set", ("Configuration", "Split", "Size"))
    found.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
    for place in range(2):
        found.horizontalHeader().setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
    found.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
    return found
