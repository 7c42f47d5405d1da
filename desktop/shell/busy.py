"""What the window does while something must be finished before it goes on: it paints, moves and can be closed."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from core.errors import KnownError
from desktop import background, errors
from desktop.shell.busy_overlay import Cover

if TYPE_CHECKING:
    from desktop.window import Window

#: Too short to be noticed; most of what reads a project is over by then.
MOMENT_MILLISECONDS = 30
LOOK_MILLISECONDS = 20
#: A project closes after so long also if something that reads it has not ended.
LONGEST_SECONDS = 30


class Waiting(QObject):
    """`busy` while it waits; then nothing else is opened, closed or taken back."""

    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self._window = window
        self._cover = Cover(window)
        self._what: list[str] = []

    @property
    def busy(self) -> bool:
        return bool(self._what)

    def do(self, text: str, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """Run `work` beside the covered window, then `done` with its result; errors are shown."""
        self._begin(text)

        def ended(result: Any) -> None:
            self._end(text)
            if self._window.closing:
                return
            try:
                done(result)
            except KnownError as error:
                errors.show(error, self._window)

        def failed(error: Any) -> None:
            self._end(text)
            if not self._window.closing:
                errors.show(error, self._window)

        background.in_background(self._window, work, ended, failed)

    def until_idle(self, text: str, then: Callable[[], object], *, lasting: bool = False) -> None:
        """Call `then` once no thread is at work, and every result was given: at once if that is so in a moment.

        What is `lasting` is waited for only if so said, and then as long as it takes.
        """
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
            self._cover.lie(text)
        self._what.append(text)

    def _end(self, text: str) -> None:
        self._what.remove(text)
        if not self._what:
            self._cover.go()


def soon_idle(*, lasting: bool) -> bool:
    """Is no thread at work any more, after a moment if need be?"""
    background.wait_for_all(MOMENT_MILLISECONDS, lasting=lasting)
    return not background.busy(lasting=lasting)
