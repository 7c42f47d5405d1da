"""What is asked before a window closes on a job that goes on, and said where only its project closes."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox, QWidget

from core.errors import KnownError
from core.records import ACTIVE, Job
from desktop import errors
from desktop.session import Session
from desktop.widgets import message_boxes


def ask(session: Session, parent: QWidget, leave: Callable[[], object]) -> QMessageBox | None:
    """Ask whether what runs should go on in the background, and then `leave`; None where nothing runs."""
    active = _active(session)
    if not active:
        return None
    job, others = active[0], len(active) - 1
    more = f" {others} more {'waits' if others == 1 else 'wait'}." if others else ""
    count = f" ({job.done} of {job.total})" if job.total > 1 else ""
    paused = job.status == "paused"  # then those behind it wait, too
    goes_on = "It stays paused while the window is closed." if paused else "It can go on while the window is closed."
    box = message_boxes.box(
        parent,
        f"Job {job.id}, {job.name}{count}, is {job.status}.{more}",
        f"{goes_on} Open the project again to see how far it is. Or it stops after this step, and Resume goes on from "
        "there.",
    )
    go_on = box.addButton("Leave it paused" if paused else "Go on in the background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Keep the window open", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(go_on)

    def chosen() -> None:
        if box.clickedButton() is stop:
            for each in active:
                try:
                    session.stop(each.id)
                except KnownError as error:  # it has just ended by itself
                    errors.show(error, parent)
        if box.clickedButton() in (go_on, stop):
            QTimer.singleShot(0, leave)  # once the question itself is gone

    box.finished.connect(lambda _: chosen())
    return message_boxes.show(box)


def goes_on(session: Session) -> str:
    """What becomes of the jobs of a project that closes while the window stays; empty where nothing runs."""
    active = _active(session)
    if not active:
        return ""
    job, others = active[0], len(active) - 1
    how = "stays paused" if job.status == "paused" else "goes on in the background"
    more = f", and {others} more {'waits' if others == 1 else 'wait'}" if others else ""
    return f"Job {job.id}, {job.name}, {how}{more}: open “{session.project.name}” again to see how far it is."


def _active(session: Session) -> list[Job]:
    """Jobs that are not over: the one that the worker has, then those behind it."""
    active = [job for job in session.jobs()[::-1] if job.status in ACTIVE]
    return sorted(active, key=lambda job: job.status == "queued")
