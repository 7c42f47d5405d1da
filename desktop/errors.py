"""Errors as people see them: a known one is its sentence, anything else is a report to copy."""

import re
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from core.config.titles import setting_title
from core.errors import KnownError, explained
from core.texts import shown
from core.trust.wish import AskFirst
from desktop.widgets import consent, message_boxes

REFUSED = "This did not work"
ASKED = "May this project do that?"
REMEMBERED = (
    "It was not made here, or what it names is new or has changed. Allow it only if you know where that comes from: "
    "code can do whatever you can do on this machine. Your answer is remembered for this project."
)
BROKEN = "Something went wrong inside Plumbline"


def show(error: BaseException, parent: QWidget | None = None, again: Callable[[], object] | None = None) -> QMessageBox:
    """Open a dialog about `error`, without waiting for it to close. Where somebody must be asked first and agrees, what
    was refused is tried `again`."""
    if isinstance(error, AskFirst) and parent is not None and again is not None:
        return _ask(error, parent, again)
    found = explained(error)
    sentence = None if found is None else worded(str(found))
    report = "" if sentence is not None else shown("".join(traceback.format_exception(error)))
    if (there := _already(str(sentence or ""), report)) is not None:
        return there
    if sentence is not None:
        return message_boxes.show(message_boxes.box(parent, REFUSED, sentence))
    print(report, file=sys.stderr)  # noqa: T201
    box = message_boxes.box(parent, BROKEN, "What you saved is safe. Copy the details below into a bug report.")
    message_boxes.add_details(box, report)
    return message_boxes.show(box)


def _ask(error: AskFirst, parent: QWidget, again: Callable[[], object]) -> QMessageBox:
    def allowed() -> None:
        try:
            error.allow()
        except KnownError as missing:
            show(missing, parent)
            return
        again()

    things = sorted(error.wishes, key=lambda wish: wish.kind != "code")  # code, which can do anything, first
    return consent.ask(parent, ASKED, REMEMBERED, [wish.words for wish in things], "Allow", allowed)


def worded(sentence: str) -> str:
    """A sentence of the core in the window's words: `--batch-size` is the field *Completions a step*."""
    return re.sub(r"--([a-z][a-z0-9-]*)", lambda flag: f"“{setting_title(flag[1].replace('-', '_'))}”", sentence)


def _already(sentence: str, report: str) -> QMessageBox | None:
    """The open dialog that says the same: an error that repeats itself is told once at a time."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QMessageBox) and widget.isVisible():
            said = widget.detailedText() if report else widget.informativeText()
            if said == (report or message_boxes.said(sentence)):
                return widget
    return None


def install(app: QApplication) -> None:
    """Send exceptions that nobody caught, from slots too, to `show`."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            app.quit()
        else:
            show(error, app.activeWindow())

    sys.excepthook = hook
