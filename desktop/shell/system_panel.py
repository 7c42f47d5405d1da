"""What the machine and the worker do now: load, memory, GPUs, the model that is held, tokens a second."""

import sys
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from core.jobs import lock, presence, speed
from core.jobs.presence import Presence
from core.machine import monitor
from core.machine.monitor import Gpu, Reading
from desktop.background import in_background
from desktop.session import Session
from desktop.shell.sparkline import Sparkline
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label
from desktop.widgets.strangers import Label

INTERVAL = 1000
NO_GPU = "No NVIDIA GPU was found."
APPLE = "Apple tells programs neither load nor memory of its GPU."
UNWATCHED = "There is an NVIDIA GPU: install Plumbline with the extra `gpu` to watch it."


class Meters(QWidget):
    """Rows of name, history and value."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(2 * SPACE)
        self.grid.setVerticalSpacing(SPACE // 2)
        self.grid.setColumnStretch(1, 1)
        self.grid.setColumnMinimumWidth(2, 112)
        self.rows: dict[str, tuple[Sparkline, Label]] = {}

    def show_value(
        self, name: str, text: str, value: float | None, *, top: float | None = 1.0, tip: str = ""
    ) -> None:  # fmt: skip
        """Put a value into its row, which is made when it is first needed."""
        if name not in self.rows:
            number = self.grid.rowCount()
            line, said = Sparkline(top), label("")
            said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, widget in enumerate((label(name, "muted"), line, said)):
                self.grid.addWidget(widget, number, place)
            self.rows[name] = (line, said)
        line, said = self.rows[name]
        line.add(value)
        said.setText(text)
        said.setAccessibleName(f"{name}: {text}")
        line.setToolTip(f"The last two minutes. {tip}")
        said.setToolTip(tip)


class SystemPanel(QDialog):
    """Stays open beside the work; reads once a second while it is seen. `session` gives the open project's."""

    def __init__(self, session: Callable[[], Session | None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("System")
        self.resize(440, 420)
        self.session = session
        self.sampler = monitor.Sampler()
        self.reading = False
        self.model, self.place, self.reason = label("", wrap=True), label("", "muted"), label("", "small", wrap=True)
        self.meters = Meters()
        why = APPLE if sys.platform == "darwin" else UNWATCHED if monitor.unwatched_gpu() else NO_GPU
        self.no_gpu = label(why, "small", wrap=True)
        layout = column(
            label("Worker", "heading"),
            card(column(self.model, self.place, self.reason, spacing=4)),
            label("This machine", "heading"),
            card(column(self.meters, self.no_gpu, spacing=SPACE)),
            None,
            spacing=SPACE + 4,
        )
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self._timer = QTimer(self, interval=INTERVAL)
        self._timer.timeout.connect(self.tick)

    def toggle(self) -> None:
        self.setVisible(not self.isVisible())

    def showEvent(self, event: object) -> None:
        self.tick()
        self._timer.start()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    def tick(self) -> None:
        """Say what the worker told, and read the machine in the background, where a sleeping card may take its time."""
        session = self.session()
        told = presence.last(session.project) if session else None
        alive = session is not None and told is not None and lock.held(session.project.folder)
        self._show_worker(told, alive)
        self.pace = speed.tokens_per_second(session.project) if session and alive else None
        pid = told.pid if told and alive else None
        if not self.reading:
            self.reading = True
            in_background(self, lambda: self.sampler.read(pid), self._show)

    def _show_worker(self, told: Presence | None, alive: bool) -> None:
        loaded = told.loaded if told else None
        if not alive or told is None:
            self.model.setText("Not running: it starts with the next job.")
            self.place.setText("")
            self.reason.setText("")
        elif loaded is None:
            self.model.setText("Running, no model loaded")
            self.place.setText(f"process {told.pid}")
            self.reason.setText("")
        else:
            threads = f"{loaded.threads} CPU thread{'s' if loaded.threads > 1 else ''}"
            self.model.setText(loaded.model)
            self.place.setText(f"{loaded.dtype} on {loaded.device}, {threads}, process {told.pid}")
            self.reason.setText(f"Why there: {loaded.reason}")
        for line in (self.place, self.reason):
            line.setVisible(bool(line.text()))

    def _show(self, found: Reading) -> None:
        self.reading = False
        show = self.meters.show_value
        show("Processor", f"{found.cpu:.0%}", found.cpu)
        show("Memory", _of(found.used, found.total), found.used / found.total)
        held = found.worker
        show("Worker's memory", "–" if held is None else _of(held), None if held is None else held / found.total)
        show("Tokens a second", "–" if self.pace is None else f"{self.pace:,.0f}", self.pace, top=None)
        for number, gpu in enumerate(found.gpus, 1):
            self._show_gpu(gpu, f"GPU {number}" if len(found.gpus) > 1 else "GPU")
        self.no_gpu.setVisible(not found.gpus)

    def _show_gpu(self, gpu: Gpu, name: str) -> None:
        show = partial(self.meters.show_value, tip=gpu.name)
        show(name, "–" if gpu.load is None else f"{gpu.load:.0%}", gpu.load)
        share = gpu.used / gpu.total if gpu.used is not None and gpu.total else None
        show(f"{name} memory", "–" if gpu.used is None or gpu.total is None else _of(gpu.used, gpu.total), share)
        power = "–" if gpu.watts is None else f"{gpu.watts:.0f} W" + (f" of {gpu.limit:.0f}" if gpu.limit else "")
        show(f"{name} power", power, gpu.watts / gpu.limit if gpu.watts is not None and gpu.limit else None)


def _of(count: int, total: int | None = None) -> str:
    """`5.1 of 16.8 GB`."""
    return f"{count / 1e9:.1f} GB" if total is None else f"{count / 1e9:.1f} of {total / 1e9:.1f} GB"
