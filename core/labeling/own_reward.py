"""A person's own reward function, asked in a process of its own, which may be slow, be wrong or die of a completion.

It then costs that completion, which has no value: a `Lost` says why.
"""

import os
import signal
import subprocess
import sys
import time
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.jobs import line_process
from core.machine import compute_settings
from core.store import Project
from core.trust import code, gate

#: Seconds in which the code must be loaded: it may read a model of its own.
LOADING = 600.0
#: Times in a row that the process may be lost.
MOST_ENDS = 10
#: Different reasons that are told of one function.
FIRST = 5


@dataclass(frozen=True)
class Lost:
    """A completion without a value: what its function did."""

    function: str
    why: str

    def __str__(self) -> str:
        return f"{self.function} {self.why}"


class StepRewards(float):
    """The value of a completion whose function rewards its steps (process rewards: Uesato et al. 2022, arXiv
    2211.14275; Lightman et al. 2023, arXiv 2305.20050): their sum, wherever one number is asked for."""

    steps: tuple[tuple[int, float], ...]
    """Of each how many characters of the completion there are up to its end, and its reward."""

    @classmethod
    def of(cls, steps: Iterable[tuple[int, float]]) -> "StepRewards":
        kept = tuple((int(end), float(reward)) for end, reward in steps)
        found = cls(sum(reward for _, reward in kept))
        found.steps = kept
        return found


class OwnReward:
    """The function that `text` names. Its process is started once, again only where it ended, and ends with this."""

    def __init__(self, project: Project, text: str) -> None:
        """Raises `BadInput` unless a person allowed it for this project, before any of it is run, and for what cannot
        be loaded."""
        self.project, self.text = project, text
        self.seconds = compute_settings.chosen().function_seconds
        self._process: subprocess.Popen[str] | None = None
        self._ends = 0
        self._lost, self._told = Counter[str](), set[str]()
        self._failed: list[str] = []
        """What a function of lists did when it was asked for several at once."""
        self._takes_lists = False
        self._started()

    def __call__(self, prompt: str, completion: str) -> float:
        """Of one completion. Raises `BadInput` where there is none."""
        value = self.values([(prompt, completion)])[0]
        if isinstance(value, Lost):
            raise BadInput(f"{value}: mend it.")
        return value

    def values(self, pairs: Sequence[tuple[str, str]]) -> list[float | Lost]:
        """Of (prompt, completion) pairs; `StepRewards` where steps are rewarded. A function of lists is asked once;
        where that fails as a whole, and one of a single completion always, it is asked for each alone.

        Raises `BadInput` where the process ended too often in a row, or its code is another by now.
        """
        found = self._asked(pairs) if self._takes_lists and len(pairs) > 1 else None
        if isinstance(found, Lost):
            self._failed.append(f"{found}: each completion was asked for alone then.")
        if not isinstance(found, list):
            alone = (self._asked([pair]) for pair in pairs)
            found = [each if isinstance(each, Lost) else each[0] for each in alone]
        self._lost.update(value.why for value in found if isinstance(value, Lost))
        return found

    def told(self) -> list[str]:
        """What there is to say of what was lost since this was last asked: the first reasons, each once."""
        room = max(0, FIRST - len(self._told))
        found = [text for text in self._failed if text not in self._told][: min(room, 1)]
        new = [why for why in self._lost if why not in self._told][: room - len(found)]
        self._told.update(found, new)
        if new:
            many = self._lost.total()
            which = "a completion, which is" if many == 1 else f"{many} completions, which are"
            found.append(f"{self.text} gave no value for {which} left out: it {'; it '.join(new)}.")
        self._lost.clear()
        self._failed.clear()
        return found

    def _asked(self, pairs: Sequence[tuple[str, str]]) -> list[float | Lost] | Lost:
        """What the process answers, or why it has no list."""
        process = self._process or self._started()
        began = time.monotonic()
        question = {"prompts": [prompt for prompt, _ in pairs], "completions": [text for _, text in pairs]}
        try:
            answer = line_process.ask(process, question, self.seconds or None)
        except BaseException:  # its answer would be the next question's
            self.close()
            raise
        if answer is None:
            late = self.seconds and time.monotonic() - began >= self.seconds
            return self._ended(f"took longer than {self.seconds:g} seconds" if late else _end_of(process))
        self._ends = 0
        if "lost" in answer:
            return Lost(self.text, answer["lost"])
        return [self._value(value) for value in answer["values"]]

    def _value(self, value: float | str | list[tuple[int, float]]) -> float | Lost:
        if isinstance(value, list):
            return StepRewards.of(value)
        return Lost(self.text, value) if isinstance(value, str) else value

    def _ended(self, why: str) -> Lost:
        self.close()
        self._ends += 1
        if self._ends == MOST_ENDS:
            raise BadInput(f"{self.text} {why}, and ended so {MOST_ENDS} times in a row: mend it, then try again.")
        return Lost(self.text, why)

    def _started(self) -> "subprocess.Popen[str]":
        """A process that has loaded the code, which is asked for again if it changed."""
        wish = gate.granted(self.project, code.wish_of(self.text))
        place = {"file": str(wish.file), "module": wish.module, "digest": wish.digest}
        asked = place | {"function": self.text.rpartition(":")[2], "path": sys.path, "cwd": _here()}
        process = line_process.start("core.trust.function_process")
        try:
            found: dict[str, Any] | None = line_process.ask(process, asked, LOADING)
            if found is None or "error" in found:
                why = found["error"] if found else f"it {_end_of(process)}"
                raise BadInput(f"The reward {self.text!r} cannot be loaded ({why}).")
        except BaseException:
            line_process.end(process)
            raise
        self._takes_lists = found["takes_lists"]
        self._process = process
        self._finish = weakref.finalize(self, line_process.end, process)
        return process

    def close(self) -> None:
        """End the process; the next question starts another."""
        self._finish()
        self._process = None


def _here() -> str:
    """Where the function finds what it names by a part of a path; nowhere, if that is gone."""
    with suppress(FileNotFoundError):
        return os.getcwd()
    return ""


def _end_of(process: "subprocess.Popen[str]") -> str:
    """How a process that does not answer any more has ended."""
    try:
        status = process.wait(1.0)
    except subprocess.TimeoutExpired:
        return "closed its answers"
    if status < 0:
        known = {each.value: each.name for each in signal.Signals}
        return f"was ended by {known.get(-status, f'signal {-status}')}"
    return f"ended its process with status {status}"
