"""What is typed into fields and not done with yet, in settings of the project.

Several windows may type into the same fields, each of its own. So nobody writes over or clears what he did not write:
where another window's text lies, one's own goes to a place beside it, and is found there once that one is gone. What a
window only read is not written by it again, whatever becomes of it: it may be older than what is there by now.
"""

from collections.abc import Callable, Iterator
from typing import Any

from core.store import Project

#: What settings begin with in which answers are begun; the numbers of labeler, group and mended completion follow.
ANSWERS = "draft/answer/"
#: The same of what is typed over a prompt, or its turns; its number follows.
OVER_PROMPTS = ("draft/prompt/", "draft/conversation/")
#: The same of orders of all answers to a prompt of an arena; the numbers of labeler and prompt follow.
WHOLE = "draft/whole/"
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
        self._is_mine = False
        """Was that typed in this window?"""
        self._other = ""
        """The place in which another window's text lay when this one's was written beside it."""

    @property
    def beside(self) -> bool:
        """Did another window type here, too, so that there are two texts now?"""
        return bool(self._other) and self._project.setting(self._other) is not None

    def read(self, accepted: Callable[[Any], bool]) -> Any:
        """What was left by whom ever, as far as it can be `accepted`; None for nothing. What is kept from now on takes
        its place."""
        for key, found in kept_at(self._project, self._first):
            if found is not None and accepted(found):
                self._key = key
                self._note(found)
                return found
        self._key = self._first
        self._note(None)
        return None

    def look_again(self, accepted: Callable[[Any], bool]) -> Any:
        """What another window made of one's own text since; None where that cannot be `accepted`."""
        found = self._project.setting(self._key)
        if found is None or not accepted(found):
            return None
        self._note(found)
        return found

    def _note(self, found: Any) -> None:
        self._is_mine, self.last = self._is_mine and found == self.last, found

    def keep(self, value: Any) -> None:
        """Write what is in the fields now, if that was typed here; None where that is nothing."""
        untouched = value is None or not self._is_mine or _goes_on(self._project.setting(self._key), value)
        if value == self.last and untouched:
            return  # else another window, which found it, emptied its fields or put something else there
        key = self._key
        with self._project.write():
            there = self._project.setting(key)
            if there is not None and there != self.last:
                key = self._first if value is None else free_place(self._project, self._first)
                self._other = self._key
            if value is not None:
                self._project.set_setting(key, value)
            elif there == self.last:
                forget(self._project, key)
            kept = None if value is None else self._project.setting(key)
        self._key, self.last, self._is_mine = key, kept, kept is not None
        self._other = self._other if self._is_mine else ""

    def keep_again(self) -> None:
        """Its fields are about to go, with what was kept last in them: if that was typed here, it is there, whatever
        another window did with it since."""
        self.keep(self.last)


def _goes_on(there: Any, kept: Any) -> bool:
    """Is all of what was `kept` in what lies `there` now?"""
    if isinstance(there, str) and isinstance(kept, str):
        return kept in there
    if isinstance(there, dict) and isinstance(kept, dict):
        return all(_goes_on(there.get(name), value) for name, value in kept.items())
    if isinstance(there, list) and isinstance(kept, list):
        return len(there) >= len(kept) and all(map(_goes_on, there, kept))
    return bool(there == kept)


def both(there: str, typed: str) -> str:
    """A comment that is `there`, and another one that was `typed` without seeing it: neither gives way."""
    if there in typed:
        return typed
    return there if typed in there else f"{there}\n{typed}"


def free_place(project: Project, first: str) -> str:
    """The first such place, or else the next one beside it, in which nothing lies."""
    place = 1
    while project.setting(key := first if place == 1 else f"{first}/{place}") is not None:
        place += 1
    return key


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
