"""Telling somebody who looks elsewhere: a desktop notification when long work ends, progress in the task bar.

A notification goes through the system's tray, or where a desktop has none through `notify-send`. The task bar shows
the window's title everywhere; docks that know Unity's launcher interface (GNOME's, KDE's) draw a bar too.
"""

import shutil
from html import escape

from PySide6.QtCore import QObject, QProcess
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from core.humanize import duration
from core.records import ACTIVE, Job

#: Shorter jobs end while somebody still looks.
LONG_SECONDS = 30
TOLD_MILLISECONDS = 8000
ENDS = {"done": "is done", "failed": "failed", "interrupted": "was interrupted", "stopped": "stopped"}


def said_of(job: Job) -> str:
    """`Job 4, PPO, is done after 12 min.`"""
    return f"Job {job.id}, {job.name}, {ENDS[job.status]} after {duration(job.took or job.seconds)}."


class Notices(QObject):
    """Of one window; `told` holds what was said in notifications."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.window = window
        self.told: list[str] = []
        self._active: set[int] = set()
        self._tray: QSystemTrayIcon | None = None

    def follow(self, jobs: list[Job]) -> None:
        """Jobs as they are now: tell of each long one that ends, unless the window is being looked at."""
        for job in jobs:
            if job.status in ACTIVE:
                self._active.add(job.id)
            elif job.id in self._active:
                self._active.discard(job.id)
                if (job.took or job.seconds) >= LONG_SECONDS and not self.window.isActiveWindow():
                    self.tell(said_of(job))

    def tell(self, text: str) -> None:
        self.told.append(text)
        QApplication.alert(self.window)
        if QSystemTrayIcon.isSystemTrayAvailable():
            if self._tray is None:
                self._tray = QSystemTrayIcon(self.window.windowIcon(), self)
                self._tray.messageClicked.connect(self.window.activateWindow)
                self._tray.show()
            self._tray.showMessage("Plumbline", text, self.window.windowIcon(), TOLD_MILLISECONDS)
        elif program := shutil.which("notify-send"):
            QProcess.startDetached(program, ["--app-name=Plumbline", "--icon=plumbline", "Plumbline", escape(text)])

    def progress(self, share: float | None) -> None:
        """Draw how much is done (0 to 1) on the program's place in the dock; None takes the bar away."""
        bus = QDBusConnection.sessionBus()
        if bus.isConnected():
            signal = QDBusMessage.createSignal("/plumbline", "com.canonical.Unity.LauncherEntry", "Update")
            shown = {"progress": float(share or 0.0), "progress-visible": share is not None}
            signal.setArguments(["application://plumbline.desktop", shown])
            bus.send(signal)
