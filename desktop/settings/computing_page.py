"""Where and how models compute: the page of the settings that the worker heeds."""

from dataclasses import asdict

from PySide6.QtWidgets import QWidget

from core.errors import KnownError
from core.jobs import presence
from core.machine import compute_settings
from core.machine.compute_settings import VARIABLES, Machine
from desktop.session import Session
from desktop.settings.form import KeepingForm
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label

TITLES = {
    "device": "Compute on",
    "dtype": "Number format",
    "threads": "CPU threads",
    "memory_gb": "Memory budget (GB)",
    "function_seconds": "Own reward functions (seconds)",
}
WORDS = {"auto": "Automatic", "cuda": "NVIDIA GPU (cuda)", "mps": "Apple GPU (mps)", "cpu": "Processor (cpu)"}


class ComputingPage(QWidget):
    """Says beside the choices what wins over them, and what the worker last chose and why."""

    def __init__(self, session: Session | None) -> None:
        super().__init__()
        self.session = session
        self.place = column()
        self.winning = label("", "warning", wrap=True)
        self.last = label("", "muted", wrap=True)
        layout = column(
            label("For all projects on this machine. A change counts from the next job on.", "muted"),
            card(column(self.place)),
            self.winning,
            column(label("What the last job computed on", "heading"), self.last, spacing=SPACE // 2),
            None,
            spacing=2 * SPACE,
        )
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self.load()

    def load(self) -> None:
        """Show what is chosen now."""
        damaged = ""
        try:
            found = compute_settings.chosen()
        except KnownError as error:
            found, damaged = Machine(), str(error)
        clear(self.place)
        self.form = KeepingForm(Machine, asdict(found), compute_settings.choose, TITLES, WORDS)
        self.place.addWidget(self.form)
        winners = [
            f"{VARIABLES[name]} is set and wins over “{TITLES[name]}”."
            for name in VARIABLES
            if compute_settings.variable(name)
        ]
        self.winning.setText("\n".join(filter(None, [damaged, *winners])))
        self.winning.setVisible(bool(self.winning.text()))
        self.last.setText(self._last())

    def _last(self) -> str:
        told = presence.last(self.session.project) if self.session else None
        if told is None or told.loaded is None:
            where = "this project" if self.session else "a project"
            return f"Nothing yet: the device is chosen when a job of {where} first loads its model."
        found = told.loaded
        threads = f", {found.threads} CPU thread{'s' if found.threads > 1 else ''}"
        return f"{found.model} on {found.device} in {found.dtype}{threads}: {found.reason}."
