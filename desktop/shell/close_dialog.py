"""What is asked before a window closes on a job that goes on."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox, QWidget

from core.errors import KnownError
from desktop import errors
from desktop.session import Session
from desktop.widgets import message_boxes


def ask(session: Session, parent: QWidget, leave: Callable[[], object]) -> QMessageBox | None:
    """Ask whether what runs should go on in the background, and then `leave`; None where nothing runs."""
    active = session.active
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
