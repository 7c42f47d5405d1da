"""One thing that was done and can be taken back. Taking it back gives the step that does it again.

Rows that operations wrote are in `rows`; here is what everything else is made of: a pair of callables.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from core.errors import BadInput, known


class Refused(BadInput):
    """Others have built on the step, so it cannot be taken back. `because` says so to a person, and what to do
    `instead`."""

    because: ClassVar[str] = "other work builds on it"
    instead: ClassVar[str] = "change it by hand"


class StillTyped(Refused):
    """It would take away what somebody types something for that is not saved."""

    because = "something is typed there and not saved"


class PlaceTaken(Refused):
    """Others made the same meanwhile."""

    because = "the same was made again meanwhile"
    instead = "delete or change that first"


class PlaceGone(Refused):
    """What its rows belong to is not there."""

    because = "what it belongs to is not there"
    instead = "bring that back first"


class Reworded(Refused):
    """It would leave a prompt with answers, and rankings of them, to other words than its own."""

    because = "a prompt would say something else than what was answered"
    instead = "add a new prompt with those words"


class RowsGone(Refused):
    """What it would bring back waited among the temporary files, and is not there any more."""

    because = "what it brings back waited among the temporary files, which were cleaned"
    instead = "do it again from where it came"


@dataclass(frozen=True, kw_only=True, eq=False)
class Step(ABC):
    """`label` names it in menus ("Edit prompt"), `tables` are those that it touches. `place` is the id of the page on
    which it is seen, where it is to be seen when it is taken back. A `lasting` one needs no open project."""

    label: str
    tables: frozenset[str] = frozenset()
    place: str = ""
    lasting: bool = False

    is_long: ClassVar[bool] = False
    """It may be replayed in any thread, and takes so long that it should be."""
    holds_rows: ClassVar[bool] = False
    """It takes memory for what it brings back."""

    @property
    def gone(self) -> bool:
        """What it is about is not there any more, so that there is nothing to take back."""
        return False

    @property
    def brings_back(self) -> bool:
        """It is the only place where something of the project is that was there before."""
        return False

    @property
    def written(self) -> frozenset[str]:
        """Tables of what people write that it brings back or words as it was, and takes nothing away."""
        return frozenset()

    @abstractmethod
    def replay(self) -> "Step | None":
        """Take it back; returns what does it again, or None if nothing does.

        Raises `Refused` where others built on it; after any other error it can be tried again.
        """


def _always_there() -> bool:
    return True


@dataclass(frozen=True, kw_only=True, eq=False)
class CallableStep(Step):
    """`undo` takes it back and `redo` does it again, if it can be; `there` says whether what it is about still is."""

    undo: Callable[[], object]
    redo: Callable[[], object] | None = None
    there: Callable[[], bool] = _always_there

    @property
    def gone(self) -> bool:
        return not self.there()

    def replay(self) -> Step | None:
        try:
            self.undo()
        except sqlite3.Error as error:
            raise known(error) or error from error
        return None if self.redo is None else replace(self, undo=self.redo, redo=self.undo)
