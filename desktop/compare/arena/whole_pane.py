"""Voting by whole orders: what a voter does with the prompt on the table. An order is on disk before the next is asked
for, and what is begun of it with each letter."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.arena.asking import Table
from core.arena.whole import Outdated, WholeVoting
from core.errors import KnownError, known
from core.labeling.ordering import Ordering
from core.store import Changes, arena_votes, labelers, packed_rankings
from core.store.arenas import Arena
from desktop.compare.arena.voting import LAST, Pair, forget_others
from desktop.compare.arena.whole_board import WholeBoard
from desktop.compare.arena.whole_draft import WholeDraft
from desktop.compare.arena.words import counted
from desktop.session import Session
from desktop.widgets.basics import column
from desktop.widgets.drafts import typing_goes_on
from desktop.widgets.empty import Empty

DONE = "Nothing is left to order as a whole"
NEXT = (
    "Every prompt has a vote of yours, or its answers say the same words, or fewer than two policies have answered. "
    "Pairs that are left are asked two at a time."
)


class WholePane(QWidget):
    """`voting` is None while nobody can vote; `owner` is who is not told of what is done here."""

    asked = Signal()
    """What is on the table, or known of it, is another."""
    voted = Signal()
    kept = Signal(object, int)
    """What the labeler of this number typed on this pair is on disk with the order."""

    def __init__(self, session: Session, owner: QObject, parent: QWidget) -> None:
        super().__init__(parent)
        self.session, self._owner = session, owner
        self.voting: WholeVoting | None = None
        self.remark_on: Callable[[Pair, int], str] = lambda pair, labeler: ""
        """What the labeler of this number remarked on a pair, and is in no vote that counts."""
        self.is_typed: Callable[[Iterable[Pair], int], bool] = lambda pairs, labeler: False
        """Did that labeler type it on one of these?"""
        self._shown: Table | None = None
        self._draft: WholeDraft | None = None
        """What is begun of the order on the table."""
        self.board = WholeBoard(self)
        self.done = Empty(DONE, NEXT)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self.board)
        self.stack.addWidget(self.done)
        self.setLayout(column(self.stack))
        self.board.saving.connect(self._save)
        self.board.placed.connect(self._keep)
        self.board.all_bad.connect(lambda: self._vote(lambda voting: voting.all_bad(comments=self._comments(voting))))
        self.board.putting_off.connect(self._put_off)
        self.board.taking_back.connect(lambda: self._vote(WholeVoting.undo, back=True))

    @property
    def told(self) -> str:
        """How much is left."""
        return f"{counted(self.voting.left, 'prompt')} left to order" if self.voting is not None else ""

    def begin(self, arena: Arena, name: str) -> None:
        """Let the voter called `name` vote in an arena, or go on. Raises `KnownError` for a name or an arena that
        cannot be used."""
        who = labelers.named(self.session.project, packed_rankings.labeler_here(self.session.project, name))
        if self.voting is not None and (self.voting.arena, self.voting.labeler) == (arena, who):
            self.voting.look_again()
        else:
            self.voting = self._shown = None
            self.voting = WholeVoting(self.session.project, arena, who)
            forget_others(self.session, who.id)
        self._show()

    def stop(self) -> None:
        """Nobody can vote now."""
        self.voting = None

    def _keep(self, ordering: Ordering) -> None:
        if self._draft is None:
            return
        try:
            self._draft.keep(ordering)
        except (KnownError, sqlite3.Error, OSError) as error:
            if (sentence := known(error)) is None:
                raise
            self.board.say(str(sentence))

    def _save(self, tiers: Sequence[Sequence[int]]) -> None:
        self._vote(lambda voting: voting.vote(tiers, comments=self._comments(voting)))

    def _comments(self, voting: WholeVoting) -> Mapping[Pair, str]:
        """On two of the answers on the table."""
        table = voting.question
        pairs = table.pairs if table is not None else []
        found = {pair: self.remark_on(pair, voting.labeler.id) for pair in pairs}
        return {pair: text for pair, text in found.items() if text}

    def _put_off(self) -> None:
        if self.voting is not None and self.voting.put_off():
            self._show()
        else:
            self.board.say(LAST)

    def _vote(self, write: Callable[[WholeVoting], Changes], *, back: bool = False) -> None:
        """If it cannot be written, why is said, and nothing is changed. `back` where it takes an order back."""
        if self.voting is None:
            return
        typed = {} if back else self._comments(self.voting)
        try:
            changes = write(self.voting)
        except Outdated as error:
            self.voting.refresh()
            self._show()
            self.board.say(str(error))
            return
        except (KnownError, sqlite3.Error, OSError) as error:
            if (sentence := known(error)) is None:
                raise
            self.board.say(str(sentence))
            return
        if self._draft is not None and not back:
            with typing_goes_on():
                self._draft.forget()
        pairs = arena_votes.pairs(self.session.project, changes.ids)
        is_typed = partial(self.is_typed, pairs, self.voting.labeler.id)
        self.session.history.add(self.voting.step(changes, is_typed, back=back))
        self.session.announce(changes, self._owner, undoable=False)  # it is a step of the history already
        for pair in typed:
            self.kept.emit(pair, self.voting.labeler.id)
        self.voted.emit()
        self._show()

    def _show(self) -> None:
        """What is read now is not moved, nor what is placed."""
        voting = self.voting
        if voting is None:
            return
        on, another = voting.question, voting.question != self._shown
        self._shown = on
        if another and on is not None and voting.prompt is not None:
            self._draft = WholeDraft(self.session.project, voting.labeler.id, on.prompt_id)
            begun = self._draft.read([answer.id for answer in voting.answers])
            self.board.show_table(voting.prompt.conversation, voting.answers, begun)
            if said := self._comments(voting).values():
                self.board.say(f"With the order goes what you said of two of them: {'; '.join(said)}", "muted")
        mine = arena_votes.newest_of(self.session.project, voting.arena.id, voting.labeler.id)
        self.board.take_back.setEnabled(bool(mine))
        self.stack.setCurrentWidget(self.board if on is not None else self.done)
        if another:
            self.take_focus()
        self.asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Without a prompt on the table, the last order can still be taken back."""
        if event.key() == Qt.Key.Key_Backspace and self.stack.currentWidget() is self.done:
            self._vote(WholeVoting.undo, back=True)
        else:
            super().keyPressEvent(event)

    @property
    def keyed(self) -> QWidget:
        """What has the keys: the board, or this where the last order can still be taken back."""
        return self.board if self.stack.currentWidget() is self.board else self

    def take_focus(self) -> None:
        if self.isVisible():
            self.keyed.setFocus()
