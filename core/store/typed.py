"""What is typed into fields and not done with yet, in settings of the project.

Several windows may type into the same fields, each of its own. So nobody writes over or clears what he did not write:
where another window's text lies, one's own goes to a place beside it, and is found there once that one is gone.
"""

from collections.abc import Callable, Iterator
from typing import Any

from core.store import Project

#: What settings begin with in which answers are begun; the numbers of labeler, group and mended completion follow.
ANSWERS = "draft/answer/"
#: The same of what is typed over a prompt, or its turns; its number follows.
OVER_PROMPTS = ("draft/prompt/", "draft/conversation/")
#: Digits of a row's number.
DIGITS = 18
PLACES = "select key from settings where key = ? or substr(key, 1, ?) = ? order by length(key), key"
UNDER = "select key from settings where substr(key, 1, ?) = ? order by length(key), key"


class Typed:
    """One such text, or several, as plain data. `key` is where they lie first; beside it are `key/2`, `key/3` ..."""

    def __init__(self, project: Project, key: str) -> None:
        self._project, self._first, self._key = project, key, key
        self.last: Any = None
        """What this window read there, or wrote."""

    def read(self, accepted: Callable[[Any], bool]) -> Any:
        """What was left by whom ever, as far as it can be `accepted`; None for nothing. What is kept from now on takes
        its place."""
        for key, found in kept_at(self._project, self._first):
            if found is not None and accepted(found):
                self._key, self.last = key, found
                return found
        return None

    def look_again(self, accepted: Callable[[Any], bool]) -> Any:
        """What another window made of one's own text since; None where that cannot be `accepted`."""
        found = self._project.setting(self._key)
        if found is None or not accepted(found):
            return None
        self.last = found
        return found

    def keep(self, value: Any) -> None:
        """Write what is in the fields now; None where that is nothing."""
        if value == self.last and (value is None or _goes_on(self._project.setting(self._key), value)):
            return  # else another window, which found it, emptied its fields or put something else there
        key = self._key
        with self._project.write():
            there = self._project.setting(key)
            if there is not None and there != self.last:
                key = self._first if value is None else self._free()
            if value is not None:
                self._project.set_setting(key, value)
            elif there == self.last:
                forget(self._project, key)
            kept = None if value is None else self._project.setting(key)
        self._key, self.last = key, kept

    def keep_again(self) -> None:
        """Its fields are about to go, with what was kept last in them: it is there, whatever another window did with it
        since."""
        self.keep(self.last)

    def _free(self) -> str:
        place = 1
        while self._project.setting(key := self._first if place == 1 else f"{self._first}/{place}") is not None:
            place += 1
        return key


def _goes_on(there: Any, kept: Any) -> bool:
    """Is all of what was `kept` in what lies `there` now?"""
    if isinstance(there, str) and isinstance(kept, str):
        return kept in there
    if isinstance(there, dict) and isinstance(kept, dict):
        return all(_goes_on(there.get(name), value) for name, value in kept.items())
    if isinstance(there, list) and isinstance(kept, list):
        return len(there) >= len(kept) and all(map(_goes_on, there, kept))
    return bool(there == kept)


def kept_at(project: Project, first: str) -> Iterator[tuple[str, Any]]:
    """Whatever lies at one such place and beside it, the first place first; and what it is called."""
    for key in project.database.column(PLACES, first, len(first) + 1, f"{first}/"):
        yield key, project.setting(key)


def kept_under(project: Project, begin: str) -> list[tuple[str, Any]]:
    """Whatever lies in settings whose names begin so, first places first; and what it is called."""
    return [(key, project.setting(key)) for key in keys_under(project, begin)]


def keys_under(project: Project, begin: str) -> list[str]:
    """The settings whose names begin so, first places first, whatever is in them."""
    return project.database.column(UNDER, len(begin), begin)


def row_number(part: str) -> int | None:
    """The row's number that a part of such a name is; None for what nobody could have typed."""
    return int(part) if part.isascii() and part.isdecimal() and len(part) <= DIGITS else None


def forget(project: Project, key: str) -> None:
    """It is done with, whoever typed it."""
    project.database.execute("delete from settings where key = ?", (key,))
