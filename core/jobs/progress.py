"""What a running job does right now, in words and a count, between two of its events.

A step may take minutes, and the first one says nothing until it is done. So whatever works inside of it reports what it
does, as often as it likes; only a few reports a second reach the job's row (`doing`, beside its stage). The next
`Progress` takes them away again.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

#: Reports that are written in any one second, so that a change from one thing to another is never held back for long.
A_SECOND = 4
#: Seconds between two counts of the same thing.
COUNT = 1.0


class ReportStatus(Protocol):
    def __call__(self, what: str, unit: str = "", done: int = 0, total: int = 0) -> None:
        """`Scoring`, or where there are several of a unit `Learning, pass 2 of 4`."""


def no_report(what: str, unit: str = "", done: int = 0, total: int = 0) -> None:
    """Nobody listens."""


class StatusReporter:
    """Hands on to `write` what is reported, unless it comes too often: what is held back is lost. `begin` hears
    all of it."""

    def __init__(self, write: Callable[[str], None], begin: Callable[[str], None] = lambda what: None) -> None:
        self._write, self._begin = write, begin
        self._thing = ("", "")
        self._at: deque[float] = deque([float("-inf")] * A_SECOND, maxlen=A_SECOND)

    def __call__(self, what: str, unit: str = "", done: int = 0, total: int = 0) -> None:
        self._begin(what)
        now = time.monotonic()
        if now - self._at[0] < 1.0 or ((what, unit) == self._thing and now - self._at[-1] < COUNT):
            return
        self._thing = (what, unit)
        self._at.append(now)
        self._write(f"{what}, {unit} {done} of {total}" if total > 1 else what)
