"""How long a job will take for the rest of its units, from what the last ones took.

A unit (a step, a prompt) is made of phases: writing, scoring, learning, measuring, saving. Each phase is looked at by
itself, because they come at different intervals and change at different times: a measurement after every fifth step is
neither forgotten in the four steps without one nor charged to each step after it, and completions that grow longer make
the writing slower and nothing else. Of each phase only the last times count, and its first time, in which much is done
that never comes again, only where there was no other. What has stayed away comes no more often than that from now on.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import mean, variance

#: Times of a phase that count: a third of them, within these bounds.
FEWEST, MOST = 3, 12
#: A phase that has not come for so many of its intervals is taken to be over.
OVER = 3.0
#: What came in the first unit and stayed away from the next may never come again: it is taken to come so many times as
#: seldom.
MAYBE = 2
#: How many standard errors a growth must have for it to be one; for what share of the time in which it was seen it is
#: taken to go on, and by what share of the time that a phase takes now it may change that.
SURE, LASTING, FARTHEST = 1.5, 0.5, 0.25


@dataclass(frozen=True)
class _Time:
    """A phase took `seconds` within what ended when `done` units were done."""

    done: int
    seconds: float


@dataclass
class Pace:
    """Every `now` is in seconds, of one clock; `start` units were done when it began."""

    now: float
    start: int = 0
    _done: int = field(init=False)
    _what: str = field(init=False, default="")
    _spent: dict[str, float] = field(init=False, default_factory=lambda: defaultdict(float))
    _times: dict[str, list[_Time]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._done = self.start

    def begin(self, what: str, now: float) -> None:
        """The job does `what`, or still does."""
        if what != self._what:
            self._spend(now)
            self._what = what

    def skip(self, seconds: float) -> None:
        """A pause, that does not count."""
        self.now += seconds

    def finish(self, done: int, now: float) -> None:
        """So many units are done by now."""
        self._spend(now)
        self._what = ""
        if done > self._done:
            self._done = done
            for phase, seconds in self._spent.items():
                self._times[phase].append(_Time(done, seconds))
            self._spent.clear()

    def rest(self, units: int) -> float | None:
        """Seconds for so many more units; None before the first one is done."""
        if not self._times:
            return None
        return units * sum(self._for_each_unit(times, units) for times in self._times.values())

    def _spend(self, now: float) -> None:
        """How many completions are written makes no other phase of it."""
        self._spent[re.sub(r"\d+", "", self._what)] += now - self.now
        self.now = now

    def _for_each_unit(self, times: list[_Time], rest: int) -> float:
        """Seconds that the phase will take for each unit of the `rest`, those without it counted in."""
        last = times[-min(max(len(times) // 3, FEWEST), MOST, max(len(times) - 1, 1)) :]
        before = times[-len(last) - 1].done if len(times) > len(last) else self.start
        interval = (last[-1].done - before) / len(last)
        since = self._done - last[-1].done
        if since > OVER * interval:
            return 0.0
        interval = max(interval, since + 1)
        if since and last[-1].done == self.start + 1:
            interval *= MAYBE
        each = mean(time.seconds for time in last)
        return (each + _change([time.seconds for time in times[1:]], len(last), rest / interval, each)) / interval


def _change(seconds: list[float], last: int, rest: float, each: float) -> float:
    """How much longer than `each` of the `last` ones the middle one of the `rest` will take, where they grow longer or
    shorter: by a straight line, as far as it stands out from the noise, and not for long. Completions that a policy
    learns to end are soon as short as they will be."""
    half = len(seconds) // 2
    if half < FEWEST:
        return 0.0
    early, late = seconds[:half], seconds[-half:]
    growth, noise = mean(late) - mean(early), SURE * SURE * (variance(early) + variance(late)) / half
    if growth * growth <= noise:
        return 0.0
    slope = growth * (1 - noise / (growth * growth)) / (len(seconds) - half)
    ahead = (last + min(rest, LASTING * len(seconds))) / 2
    return min(max(slope * ahead, -FARTHEST * each), FARTHEST * each)
