"""Counts the matches of a regular expression in a process that may die of it: `re` cannot be told to stop.

`python -m core.labeling.patterns` is that process. Each line of its input is a pattern and a text, each line that it
answers a count. One serves all patterns, and ends with its input.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import warnings

from core.errors import BadInput
from core.jobs import line_process

#: Of computing, for one text.
SECONDS = 1.0
#: Letters of a pattern. The slowest ones to compile take a millisecond for three.
LONGEST = 5000
#: Of waiting for the process, starting included.
PATIENCE = 20.0


def check(pattern: str) -> None:
    """Raise `BadInput` for what is no regular expression, or one that is too long to be read here at once."""
    if len(pattern) > LONGEST:
        raise BadInput(f"{_named(pattern)} has {len(pattern):,} letters: give one of at most {LONGEST:,}.")
    try:
        _compiled(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadInput(f"{_named(pattern)} is not a regular expression: {error}.") from error


def count(pattern: str, text: str) -> int:
    """How often the pattern is in the text. Raises `BadInput` for a pattern whose search does not end."""
    return _matcher.count(pattern, text)


def _named(pattern: str) -> str:
    return repr(f"regex:{pattern}" if len(pattern) <= 200 else f"regex:{pattern[:200]}…")


def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a later Python may read otherwise is no concern of whoever typed it
        return re.compile(pattern)


class Matcher:
    """Asks the process, and starts it (again) where there is none; for one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def count(self, pattern: str, text: str) -> int:
        with self._lock:
            if self._process is None or self._process.poll() is not None or self._owner != os.getpid():
                self._process, self._owner = line_process.start("core.labeling.patterns"), os.getpid()
            found = line_process.ask(self._process, [pattern, text], PATIENCE)
            if found is None:
                line_process.end(self._process)
                self._process = None
                raise BadInput(
                    f"{_named(pattern)} takes too long on a completion: simplify it. Repeats within repeats, as in"
                    " (a+)+, are slow."
                )
            return int(found)


def main() -> None:
    for line in sys.stdin:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
        pattern, text = json.loads(line)
        found = sum(1 for _ in _compiled(pattern).finditer(text))
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(f"{found}\n")
        sys.stdout.flush()


_matcher = Matcher()

if __name__ == "__main__":
    main()
