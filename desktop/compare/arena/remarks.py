"""Comments on questions, which go along with the votes: on disk while they are typed, each with its pair of answers."""

import re
from collections.abc import Iterable, Mapping

from PySide6.QtWidgets import QLineEdit, QWidget

from core.store import Project, arena_votes
from core.store.typed import Typed
from desktop.compare.arena.voting import Pair
from desktop.widgets.drafts import Throttle, typing_goes_on

#: The project's setting: what is typed and not voted with yet, by the labeler and the pair.
DRAFT = "draft/arena"
#: `labeler:first/second`, each a number of the project; of earlier versions, the pair alone.
KEY = re.compile(r"(?:([0-9]{1,18}):)?([0-9]{1,18})/([0-9]{1,18})", re.ASCII)


class Remarks:
    """`field` is where one is typed; it shows what was typed on the pair that is asked about, or else what was remarked
    with a vote on it that was taken back."""

    def __init__(self, project: Project, field: QLineEdit, parent: QWidget) -> None:
        self._project, self._typed, self.field = project, Typed(project, DRAFT), field
        self._texts: dict[str, str] = self._typed.read(_are_remarks) or {}
        self._key = ""
        self.throttle = Throttle(parent, self._write)
        field.textEdited.connect(self._type)

    @property
    def text(self) -> str:
        return self.field.text().strip()

    def of(self, labeler_id: int) -> Mapping[Pair, str]:
        """What the labeler typed on pairs without a vote of theirs."""
        found = {}
        for key, text in self._texts.items():
            if (parts := KEY.fullmatch(key)) and parts[1] == str(labeler_id) and text.strip():
                found[frozenset((int(parts[2]), int(parts[3])))] = text.strip()
        return found

    def on(self, pair: Pair, labeler_id: int) -> str:
        """What the labeler typed on a pair, or else remarked with a vote on it that was taken back."""
        typed = self._texts.get(_key(pair, labeler_id))
        return arena_votes.comment_taken_back(self._project, labeler_id, *pair) if typed is None else typed.strip()

    def is_typed(self, pairs: Iterable[Pair], labeler_id: int) -> bool:
        """Did the labeler type on one of these what is in no vote of theirs?"""
        return any(self._texts.get(_key(pair, labeler_id), "").strip() for pair in pairs)

    def show_pair(self, pair: Pair, labeler_id: int) -> None:
        """Another question, or another labeler, is on the table."""
        self.throttle.flush()
        self._key = _key(pair, labeler_id)
        if (former := self._texts.pop(_key(pair), None)) is not None:
            self._texts.setdefault(self._key, former)
        typed = self._texts.get(self._key)
        self.field.setText(self.on(pair, labeler_id) if typed is None else typed)

    def forget(self, pair: Pair, labeler_id: int) -> None:
        """It is written with the vote."""
        for key in (_key(pair, labeler_id), _key(pair)):
            self._texts.pop(key, None)
        self.throttle.now()

    def leave(self) -> None:
        """The project is about to close."""
        self.throttle.end()
        with typing_goes_on():
            self._typed.keep_again()

    def _type(self, text: str) -> None:
        self._texts[self._key] = text
        self.throttle.touch()

    def _write(self) -> None:
        self._typed.keep(dict(self._texts) or None)


def _key(pair: Pair, labeler_id: int | None = None) -> str:
    of = "" if labeler_id is None else f"{labeler_id}:"
    return of + "/".join(map(str, sorted(pair)))


def _are_remarks(kept: object) -> bool:
    """A project may come from elsewhere."""
    return isinstance(kept, dict) and all(isinstance(text, str) and KEY.fullmatch(key) for key, text in kept.items())
