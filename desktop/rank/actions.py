"""What a labeler does with the item on the table, each as one method: keys, buttons and menus call them.

Whatever may write is on disk before the next item is painted; what cannot be written is said and not shown.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

from core.errors import KnownError, known
from core.labeling.clock import LabelingClock
from core.labeling.ordering import Ordering
from core.labeling.session import Labeling
from core.store import Changes
from desktop.rank.board import RankingBoard
from desktop.session import Session
from desktop.tab import TabWidget
from desktop.widgets.dates import local_time

NOTHING = "Nothing is ranked yet: place at least one completion, or flag it (X)."


class LabelingActions(TabWidget):
    """The part of the Rank tab that acts; the tab itself shows. `labeling` is None while the labeler's name cannot be
    used."""

    session: Session
    board: RankingBoard
    labeling: Labeling | None
    clock: LabelingClock
    _announcing = False
    """Its own change is being told to the others: there is nothing to read again."""
    _calibrated = False
    """The result of the calibration set is shown."""

    def _show_item(self, *, focus: bool = True) -> None:
        raise NotImplementedError

    def _show_ordering(self) -> None:
        raise NotImplementedError

    def _show_calibration(self) -> None:
        raise NotImplementedError

    def begin_ranking(self) -> None:
        raise NotImplementedError

    def _reload(self) -> None:
        raise NotImplementedError

    def _load_history(self) -> None:
        raise NotImplementedError

    def save(self) -> None:
        """Store what the labeler made, then show the next item. An order that nobody made is not stored."""
        if self.labeling is None or self.labeling.group is None:
            return
        if self._next_criterion():
            return
        if not self.labeling.saveable:
            source = self.labeling.source
            by_script = source is not None and source.labeler.kind == "scripted"
            self.board.say("A script made this order: change it to make it yours." if by_script else NOTHING)
            if self.labeling.ordering.question is not None:
                self.board.say("There are questions left: ← or → for the better one, ↓ for neither.")
            if source is not None and not by_script:
                self.board.say("Nothing is changed yet, so there is nothing new to save. S goes on.")
            return
        ends_calibration = self.labeling.ends_calibration
        if self._operate(self.labeling.save, saved=True) and ends_calibration:
            self._show_calibration()

    def calibrate(self, ranking_id: int) -> None:
        """Make an earlier ranking part of the calibration set."""
        if self.labeling and self._operate(partial(self.labeling.calibrate, ranking_id)):
            self.board.say("It is in the calibration set now: new labelers rank it first.")

    def _next_criterion(self) -> bool:
        """Go on to the next criterion that has no order yet; False when there is none, or none so far."""
        labeling = self.labeling
        if labeling is None or not labeling.criteria or labeling.ordering.flag or not labeling.ordering.tiers:
            return False
        following = labeling.next_criterion
        if following is None:
            return False
        self.switch(following)
        self.board.say(f"Now the order by: {following}." if following else "Now the overall order.")
        return True

    def skip(self) -> None:
        """Leave the item for later: it comes back at the end."""
        if self.labeling and not self.labeling.skip():
            self.board.say("This is the last one: there is no other to go on with.")
        else:
            self.clock.tell(left_out=True)
            self._show_item()

    def skip_for_good(self) -> None:
        """Leave the item unranked; undo brings it back."""
        if self.labeling and self.labeling.group is not None:
            self._operate(self.labeling.skip_for_good)
            self.clock.tell(left_out=True)
            self.board.say("Skipped for good: Ctrl+Z brings it back.")

    def unskip(self) -> None:
        """Bring back everything that this labeler skipped for good."""
        if self.labeling and self._operate(self.labeling.unskip):
            self._reload()

    def switch(self, criterion: str) -> None:
        """Show the order by another criterion."""
        if self.labeling:
            self.labeling.switch(criterion)
            self._show_ordering()

    def use_method(self, method: str) -> None:
        """Rank in another way from now on."""
        if self.labeling:
            self._operate(lambda: self.labeling.use(method) if self.labeling else None)

    def undo(self) -> None:
        if self.labeling and self.labeling.can_undo:
            self._operate(self.labeling.undo)
        else:
            self.board.say("There is nothing to undo.")

    def redo(self) -> None:
        if self.labeling and self.labeling.can_redo:
            self._operate(self.labeling.redo)
        else:
            self.board.say("There is nothing to redo.")

    def open_ranking(self, ranking_id: int) -> None:
        """Show an earlier ranking, which can be revised: a revision is a new ranking."""
        if self.labeling:
            self._calibrated = False
            self.labeling.revise(ranking_id)
            self._show_item()

    def adjudicate(self, group_id: int) -> None:
        """Show a prompt on which labelers disagree: what is saved now counts instead of their rankings."""
        if self.labeling:
            self._calibrated = False
            self.labeling.adjudicate(group_id)
            self._show_item()

    def go_on(self) -> None:
        """From the result of the calibration set to the next item."""
        self._calibrated = False
        self._show_item()

    def _operate(self, step: Callable[[], Changes | None], *, saved: bool = False) -> bool:
        """Run a step that may write; only once it is on disk is the next item painted. False if it failed."""
        try:
            changes = step()
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            self.board.say(f"Not saved: {sentence}")
            return False
        self.clock.tell(saved=saved)
        self._show_item()
        if changes is not None:
            self._announcing = True
            try:
                self.session.do(changes, self, undoable=False)
            finally:
                self._announcing = False
            self._load_history()
        return True

    def _change(self, ordering: Ordering) -> None:
        if self.labeling is not None:
            self._write(partial(self.labeling.change, ordering), self._show_ordering)
            self.begin_ranking()

    def _comment(self, text: str) -> None:
        if self.labeling is not None:
            self._write(partial(self.labeling.set_comment, text), lambda: None)

    def _write(self, step: Callable[[], object], show: Callable[[], None]) -> None:
        """Keep what is begun on disk, then show it; what cannot be kept is said and not shown."""
        try:
            step()
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            self.board.say(f"Not saved: {sentence}")
            return
        self.clock.tell()
        show()

    def _note(self) -> str:
        if self.labeling is not None and self.labeling.adjudicating:
            return "Adjudication: what you save here counts instead of everybody else's rankings of this prompt."
        source = self.labeling.source if self.labeling else None
        if source is None:
            return ""
        when = local_time(source.created_at)
        if source.labeler.kind == "scripted":
            reward = source.labeler.detail
            return (
                f"Ranked by a script with the gold reward {reward}, {when}. Change the order to store one of your own."
            )
        return f"Your ranking of {when}. If you change it, it is saved as a new one."
