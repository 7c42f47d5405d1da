"""Time at work: of one item, and of a labeler's whole session with items and pace. Pauses do not count; nothing of it
is a measure of worth."""

import time
from collections.abc import Callable

#: A pause longer than this is not counted as work.
IDLE_SECONDS = 120.0


class Stopwatch:
    """Seconds of work, of which each pause between two marks counts for `IDLE_SECONDS` at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._acted = clock()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """With what has passed since the last mark."""
        return self._seconds + min(self.pause, IDLE_SECONDS)

    @property
    def pause(self) -> float:
        """Seconds since the last mark, however many."""
        return self._clock() - self._acted

    def mark(self) -> None:
        """Something was done."""
        self._seconds = self.seconds
        self._acted = self._clock()


class LabelingClock:
    """Counts from when the session began. `record` is called whenever the labeler did something."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._watch = Stopwatch(clock)
        self.items = 0
        self.in_a_row = 0
        self._since_break = 0.0

    @property
    def seconds(self) -> float:
        """Seconds at work, with the present item so far."""
        return self._watch.seconds

    @property
    def an_hour(self) -> float | None:
        """Items an hour at the pace so far; None before there is a pace."""
        return self.items / self.seconds * 3600 if self.items >= 3 and self.seconds > 10 else None

    def left(self, waiting: int) -> float | None:
        """Seconds until `waiting` items are ranked at the pace so far."""
        return waiting / self.items * self.seconds if self.an_hour else None

    def record(self, *, saved: bool = False, left_out: bool = False) -> None:
        """Something was done: an item saved, left for later or for good, or just a key."""
        pause = self._watch.pause
        if pause > IDLE_SECONDS:
            self.in_a_row = self.in_a_row if saved else 0
            self._since_break = 0.0  # it was a break
        self._since_break += min(pause, IDLE_SECONDS)
        self._watch.mark()
        if saved:
            self.items += 1
            self.in_a_row += 1
        elif left_out:
            self.in_a_row = 0

    def break_due(self, minutes: int) -> bool:
        """Has it been so long since the last break? Says so once, then waits as long again."""
        if minutes and self._since_break >= 60 * minutes:
            self._since_break = 0.0
            return True
        return False
