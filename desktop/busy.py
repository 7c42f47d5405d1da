"""What the window does while something must be finished before it goes on: it paints, moves and can be closed."""

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop import background

#: Too short to be noticed; most of what reads a project is over by then.
MOMENT_MILLISECONDS = 30
LOOK_MILLISECONDS = 20
#: A project closes after so long also if something that reads it has not ended.
LONGEST_SECONDS = 30


class Busy(QObject):
    """`busy` while it waits; then nothing else is opened, closed or taken back."""

    began = Signal(str)
    """Something is waited for from now on: what it is, in words."""
    ended = Signal()
    """Nothing is waited for any more."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._what: list[str] = []

    @property
    def busy(self) -> bool:
        return bool(self._what)

    def do(
        self,
        text: str,
        work: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Run `work` beside the covered window, then `done` with its result or `failed` with what went wrong."""
        self._begin(text)

        def ended(result: Any) -> None:
            self._end(text)
            done(result)

        def broke(error: Exception) -> None:
            self._end(text)
            failed(error)

        background.in_background(self, work, ended, broke)

    def until_idle(self, text: str, then: Callable[[], object], *, lasting: bool = False) -> None:
        """Call `then` once no thread is at work, and every result was given: at once if that is so in a moment.

        What is `lasting` is waited for only if so said, and then as long as it takes.
        """
        background.hurry()
        if soon_idle(lasting=lasting):
            then()
            return
        self._begin(text)
        began = time.monotonic()
        timer = QTimer(self, interval=LOOK_MILLISECONDS)

        def look() -> None:
            late = not lasting and time.monotonic() - began > LONGEST_SECONDS
            last = not lasting or len(self._what) == 1  # what somebody else waits with comes before the window closes
            if late or (last and not background.busy(lasting=lasting)):
                timer.stop()
                timer.deleteLater()
                self._end(text)
                then()

        timer.timeout.connect(look)
        timer.start()

    def _begin(self, text: str) -> None:
        if not self._what:
            self.began.emit(text)
        self._what.append(text)

    def _end(self, text: str) -> None:
        self._what.remove(text)
        if not self._what:
            self.ended.emit()


def soon_idle(*, lasting: bool) -> bool:
    """Is no thread at work any more, after a moment if need be?"""
    background.wait_for_all(MOMENT_MILLISECONDS, lasting=lasting)
    return not background.busy(lasting=lasting)
