"""What tests of the pages that hold a conversation share: a run that is done, and a person's eyes and hand."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from core.events import Result
from core.jobs.recorder import Recorder
from tests.jobs import add_job, set_job


def with_run(project, config, result):
    """The project, with a run that is done."""
    run = add_job(project, config)
    Recorder(project, run.id).record(Result(result))
    set_job(project, run.id, status="done")
    return project


def texts(widget):
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def press(widget, qtbot, title, number=0):
    found = [each for each in widget.findChildren(QPushButton) if each.text() == title and each.isVisible()]
    qtbot.mouseClick(found[number], Qt.MouseButton.LeftButton)


def boxes():
    return [box for box in QApplication.topLevelWidgets() if isinstance(box, QMessageBox) and box.isVisible()]
