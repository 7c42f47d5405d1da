"""Comments on questions, which go along with the votes: on disk while they are typed, each with its pair of answers."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from core.store import Project, arena_votes, packed_votes, vote_remarks
from core.store.vote_remarks import name_of
from desktop.compare.arena.voting import Pair
from desktop.widgets.drafts import Throttle, typing_goes_on

JOINED = "You commented on this pair in another window, too: here are both comments."


class Remarks(QObject):
    """`field` is where one is typed; it shows what was typed on the pair that is asked about, or else what was remarked
    with a vote on it that was taken back. What another window typed meanwhile stays; what both typed on a pair is
    `joined`."""

    joined = Signal(str)
    """A sentence about that."""

    def __init__(self, project: Project, field: QLineEdit, parent: QWidget) -> None:
        super().__init__(parent)
        self._project, self.field = project, field
        self._seen = vote_remarks.read(project)
        self._texts = dict(self._seen)
        self._shown: tuple[Pair, int] | None = None
        self._typed = set[str]()
        """On which pairs something was typed in this window."""
        self.throttle = Throttle(parent, self._write)
        field.textEdited.connect(self._type)

    def latest(self) -> str:
        """What goes along with a vote on the pair that is asked about."""
        self._look_again()
        return self.field.text().strip()

    def of(self, labeler_id: int) -> Mapping[Pair, str]:
        """What the labeler typed on pairs without a vote of theirs."""
        return vote_remarks.of(self._texts, labeler_id)

    def on(self, pair: Pair, labeler_id: int) -> str:
        """What the labeler typed on a pair, or else remarked with a vote on it that was taken back."""
        typed = self._texts.get(name_of(pair, labeler_id))
        return arena_votes.comment_taken_back(self._project, labeler_id, *pair) if typed is None else typed.strip()

    def is_typed(self, pairs: Iterable[Pair], labeler_id: int) -> bool:
        """Did the labeler type on one of these what is in no vote of theirs?"""
        return any(self._texts.get(name_of(pair, labeler_id), "").strip() for pair in pairs)

    def show_pair(self, pair: Pair, labeler_id: int) -> None:
        """Another question, or another labeler, is on the table."""
        self._look_again()
        self._shown = pair, labeler_id
        if (former := self._texts.pop(name_of(pair), None)) is not None:
            self._texts.setdefault(name_of(pair, labeler_id), former)
            self.throttle.touch()
        typed = self._texts.get(name_of(pair, labeler_id))
        self.field.setText(self.on(pair, labeler_id) if typed is None else typed)

    def forget(self, pair: Pair, labeler_id: int) -> None:
        """It is written with the vote."""
        for name in (name_of(pair, labeler_id), name_of(pair)):
            self._texts.pop(name, None)
            self._typed.discard(name)
        self.throttle.now()

    def leave(self) -> None:
        """The project is about to close. What was typed here and is shown is there after it, though another window
        emptied it, unless it is in a vote."""
        self.throttle.end()
        if self._shown is None or (name := name_of(*self._shown)) not in self._typed:
            return
        pair, labeler_id = self._shown
        with typing_goes_on():
            if not packed_votes.stands(self._project, labeler_id, *pair):
                self._seen.pop(name, None)
                self._write()

    def _type(self, text: str) -> None:
        if self._shown is not None:
            self._texts[name_of(*self._shown)] = text
            self._typed.add(name_of(*self._shown))
            self.throttle.touch()

    def _write(self) -> None:
        self._take_over(vote_remarks.write(self._project, self._texts, self._seen))

    def _look_again(self) -> None:
        """What waits is written; and another window may have typed since."""
        self.throttle.flush()
        if not self.throttle.waiting:
            with typing_goes_on():
                self._take_over(vote_remarks.read(self._project))

    def _take_over(self, found: dict[str, str]) -> None:
        before, self._texts, self._seen = self._texts, dict(found), dict(found)
        name = name_of(*self._shown) if self._shown is not None else ""
        if name in found and found[name] != before.get(name):
            self.field.setText(found[name])
            if name in self._typed:
                self.joined.emit(JOINED)
