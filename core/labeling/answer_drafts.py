"""Answers that a labeler began to write and did not add yet, in the project while they are typed."""

from core.store import Project, completions
from core.store.typed import ANSWERS, Typed, forget, kept_under, keys_under, row_number
from core.texts import whole

#: What stands in the place of a completion for an answer that mends none.
NEW = 0


class AnswerDrafts:
    """Those of one labeler, by group and by the completion that each mends (`NEW` for none). What another window of the
    labeler's typed for the same one stays beside it (`Typed`)."""

    def __init__(self, project: Project, labeler_id: int) -> None:
        self.project = project
        self.labeler_id = labeler_id
        self._typed: dict[tuple[int, int], Typed] = {}

    def groups(self) -> set[int]:
        """Those in which any is begun."""
        begin = f"{ANSWERS}{self.labeler_id}/"
        found = (_number(key.removeprefix(begin)) for key in keys_under(self.project, begin))
        return {number for number in found if number is not None}

    def begun(self, group_id: int) -> dict[int, str]:
        """What is begun in a group, where this window goes on with it."""
        found: dict[int, str] = {}
        for of, text in self.texts(group_id):
            found.setdefault(of, text)
        return found

    def texts(self, group_id: int) -> list[tuple[int, str]]:
        """All that is begun in a group, with the completion that each mends, first places first. A project may come
        from elsewhere: what nobody could have typed is left."""
        begin = self._key(group_id)
        found = ((_number(key.removeprefix(begin)), text) for key, text in self._kept(group_id))
        return [(of, text) for of, text in found if of is not None]

    def keys(self, group_id: int) -> list[tuple[int, str]]:
        """The settings in which anything is begun in a group, unread, with the completion that each mends."""
        begin = self._key(group_id)
        found = ((_number(key.removeprefix(begin)), key) for key in keys_under(self.project, begin))
        return [(of, key) for of, key in found if of is not None]

    def read(self, key: str) -> str | None:
        """What is begun in one of those settings; None for what nobody could have typed. Raises `ProjectError` or what
        SQLite says of a damaged one."""
        found = self.project.setting(key)
        return found if _is_text(found) else None

    def open(self, group_id: int, of: int) -> str:
        """Go on with what is begun there: from now on this window writes over it. Empty for nothing."""
        typed = self._typed.setdefault((group_id, of), self._fresh(group_id, of))
        return typed.read(_is_text) or ""

    def keep(self, group_id: int, of: int, text: str) -> None:
        """Write what is typed so far; an empty text forgets it."""
        typed = self._typed.setdefault((group_id, of), self._fresh(group_id, of))
        typed.keep(text or None)

    def beside(self, group_id: int, of: int) -> bool:
        """Did another window of the labeler's type there, too?"""
        typed = self._typed.get((group_id, of))
        return typed is not None and typed.beside

    def keep_again(self, group_id: int, of: int) -> None:
        """What is typed is not shown any more from now on: unless it is an answer by now, it is there, whatever another
        window of the labeler's did with it."""
        typed = self._typed.get((group_id, of))
        if typed is None or typed.last is None:
            return
        answers = completions.texts(self.project, completions.ids(self.project, group_id))
        if whole(typed.last) not in answers.values():
            typed.keep_again()

    def added(self, group_id: int, text: str) -> None:
        """It is an answer now, and nothing begun, whatever it was to mend; what else is being typed there stays."""
        for key, kept in self._kept(group_id):
            if whole(kept) == text:
                forget(self.project, key)
        self._typed = {place: typed for place, typed in self._typed.items() if place[0] != group_id}

    def taken_back(self, group_id: int, of: int, text: str) -> None:
        """It is no answer any more, so that it is begun, beside what is being typed there by now."""
        if text not in self.begun(group_id).values():
            self._fresh(group_id, of).keep(text)

    def _kept(self, group_id: int) -> list[tuple[str, str]]:
        return [(key, text) for key, text in kept_under(self.project, self._key(group_id)) if _is_text(text)]

    def _fresh(self, group_id: int, of: int) -> Typed:
        return Typed(self.project, f"{self._key(group_id)}{of}")

    def _key(self, group_id: int) -> str:
        return f"{ANSWERS}{self.labeler_id}/{group_id}/"


def _number(key: str) -> int | None:
    """What a key goes on with up to its next part, if that is a number."""
    return row_number(key.partition("/")[0])


def _is_text(kept: object) -> bool:
    return isinstance(kept, str) and bool(kept)
