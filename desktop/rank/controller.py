"""What a labeler does with the item on the table, each as one method: keys, buttons and menus call them.

Whatever may write is on disk before the next item is painted; what cannot be written is said and not shown.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.errors import BadInput, KnownError, known
from core.labeling.clock import LabelingClock
from core.labeling.drafts import ChangedElsewhere, CommentsJoined
from core.labeling.editor import PLACE
from core.labeling.ordering import Ordering
from core.labeling.session import LabelingSession
from core.preferences import agreement
from core.preferences.agreement import Calibration
from core.preferences.judged_groups import OVERALL
from core.store import Changes, labelers, packed_rankings
from core.store.undo import Direction, nothing_earlier
from core.store.undo.steps import Step
from desktop import user_settings
from desktop.rank.keys import BINDINGS
from desktop.session import Session
from desktop.widgets.dates import local_time

NOTHING = "Nothing is ranked yet: place at least one completion, judge it (+ or -), or flag it (X)."
PUT_ASIDE = (
    f"What you began is put aside: it is there again when {BINDINGS['method'].shown} has gone round,"
    f" or with {BINDINGS['undo'].shown}."
)


class RankingController(QObject):
    """Acts on the labeler's session and tells the page what to show. `labeling` is None while the labeler's name
    cannot be used."""

    item_changed = Signal()
    """Another item is on the table, or none."""
    order_changed = Signal()
    """It is ordered in another way."""
    order_begun = Signal()
    """Something was placed by hand."""
    stored = Signal()
    """Rankings are other ones."""
    kept = Signal(int)
    """Of the item of this group all is on disk, its comment, too."""
    left_out = Signal(object)
    """What has no place in the order that is to be saved: somebody is asked about it before."""
    hinted = Signal(str)
    """A sentence for the labeler."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.labeling: LabelingSession | None = None
        self.clock = LabelingClock()
        self._asked: tuple[int, tuple[int, ...]] | None = None
        """The group and the completions without a place that were asked about last."""
        self.calibration: Calibration | None = None
        """The result of the calibration set, until the labeler goes on."""
        session.replayed.connect(self._replayed)

    def begin(self, name: str) -> None:
        """Take up work as the labeler called `name`. Raises `KnownError` if that cannot be."""
        project = self.session.project
        labeler = labelers.named(project, packed_rankings.labeler_here(project, name))
        if self.labeling is not None:
            self.labeling.close()
        self.labeling = LabelingSession(self.session.project, labeler, self.session.history)
        self.labeling.editor.method = user_settings.ranking_method()

    def reach_back(self, on: bool) -> None:
        """While rankings are seen, undo goes on with those from before the window was opened."""
        self.session.history.earlier = self._earlier if on else nothing_earlier

    def save(self) -> None:
        """Store what the labeler made, then show the next item. An order that nobody made is not stored."""
        labeling = self.labeling
        if labeling is None or labeling.group is None or self._next_criterion(labeling):
            return
        if not labeling.saveable:
            self.hinted.emit(why_not_saved(labeling))
            return
        if self._asks(labeling.group.id, labeling.ordering.left_out):
            return
        ends_calibration = labeling.ends_calibration
        if self._operate(labeling.save, saved=True) and ends_calibration:
            self._show_calibration(labeling)

    def _asks(self, group_id: int, left_out: tuple[int, ...]) -> bool:
        """Ask once whether these are to count as worse than what has a place."""
        if not left_out or self._asked == (group_id, left_out) or not user_settings.card_view("left_out"):
            return False
        self._asked = (group_id, left_out)
        self.left_out.emit(left_out)
        return True

    def calibrate(self, ranking_id: int) -> None:
        """Make an earlier ranking part of the calibration set."""
        if self.labeling and self._operate(partial(self.labeling.calibrate, ranking_id)):
            self.hinted.emit("It is in the calibration set now: new labelers rank it first.")

    def skip(self) -> None:
        """Leave the item for later: it comes back at the end."""
        if self.labeling and not self.labeling.skip():
            self.hinted.emit("This is the last one: there is no other to go on with.")
        else:
            self.clock.record(left_out=True)
            self.item_changed.emit()

    def skip_for_good(self) -> None:
        """Leave the item unranked; undo brings it back."""
        if self.labeling and self.labeling.group is not None and self._operate(self.labeling.skip_for_good):
            self.clock.record(left_out=True)
            self.hinted.emit(f"Skipped for good: {BINDINGS['undo'].shown} brings it back.")

    def unskip(self) -> None:
        """Bring back everything that this labeler skipped for good."""
        if self.labeling:
            self._operate(self.labeling.unskip)

    def switch(self, criterion: str) -> None:
        """Show the order by another criterion."""
        if self.labeling:
            self.labeling.editor.switch(criterion)
            self.order_changed.emit()

    def use_method(self, method: str) -> None:
        """Rank in another way from now on."""
        if self.labeling:
            editor = self.labeling.editor
            begun = editor.ordering.begun
            if self._operate(lambda: editor.use(method)) and begun and not editor.ordering.begun:
                self.hinted.emit(PUT_ASIDE)

    def undo(self) -> None:
        self._replay("undo")

    def redo(self) -> None:
        self._replay("redo")

    def open_ranking(self, ranking_id: int) -> None:
        """Show an earlier ranking, which can be revised: a revision is a new ranking."""
        if self.labeling:
            self.labeling.editor.revise(ranking_id)
            self.go_on()

    def adjudicate(self, group_id: int) -> None:
        """Show a prompt on which labelers disagree: what is saved now counts instead of their rankings."""
        if self.labeling:
            self.labeling.editor.adjudicate(group_id)
            self.go_on()

    def open_group(self, group_id: int) -> None:
        """Show a prompt now, wherever it stands in the queue, as its labeler left it; what was begun stays a draft."""
        if self.labeling:
            self.labeling.reload()
            try:
                self.labeling.editor.take_up(group_id)
            except BadInput as error:  # it was taken back meanwhile
                self.hinted.emit(str(error))
            else:
                self.go_on()

    def go_on(self) -> None:
        """From the result of the calibration set to the item on the table."""
        self.calibration = None
        self.item_changed.emit()

    def change(self, ordering: Ordering) -> None:
        """Take over an ordering made by hand."""
        labeling = self.labeling
        if labeling is not None and self._write(partial(labeling.editor.change, ordering)):
            if labeling.group is not None:
                self.kept.emit(labeling.group.id)
            self.order_changed.emit()
        self.order_begun.emit()

    def write(self, text: str, of: int | None) -> str:
        """Add an answer of the labeler's own, or one made of the completion `of`. Says why it cannot be added."""
        labeling = self.labeling
        if labeling is None:
            return "Nobody is named who writes it: type your name above."
        try:
            changes = labeling.editor.write(text, of)
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            return str(sentence)
        self.clock.record()
        self.item_changed.emit()
        self.session.announce(changes, self.parent(), undoable=False)  # it is a step of the history already
        return ""

    def comment(self, text: str) -> bool:
        """Is it on disk?"""
        return self.labeling is None or self._write(partial(self.labeling.editor.set_comment, text))

    @property
    def note(self) -> str:
        """A sentence above the cards: what is special about the item on the table."""
        item = self.labeling.editor.item if self.labeling is not None else None
        if item is None:
            return ""
        if item.adjudicating:
            return "Adjudication: what you save here counts instead of everybody else's rankings of this prompt."
        if item.source is None:
            return ""
        when = local_time(item.source.created_at)
        if item.source.labeler.kind == "scripted":
            reward = item.source.labeler.detail
            return (
                f"Ranked by a script with the gold reward {reward}, {when}. Change the order to store one of your own."
            )
        if item.source.labeler.kind == "judge":
            judge = item.source.labeler.detail
            return f"Ranked by a judge ({judge}), {when}. Change the order to store one of your own."
        return f"Your ranking of {when}. If you change it, it is saved as a new one."

    def _next_criterion(self, labeling: LabelingSession) -> bool:
        """Go on to the next criterion that has no order yet; False when there is none, or none so far."""
        editor = labeling.editor
        if not editor.criteria or editor.ordering.flag or not editor.ordering.tiers:
            return False
        following = editor.next_criterion
        if following is None:
            return False
        self.switch(following)
        self.hinted.emit("Now the overall order." if following == OVERALL else f"Now the order by: {following}.")
        return True

    def _show_calibration(self, labeling: LabelingSession) -> None:
        """After the last item of the calibration set: how far the labeler reads the guidelines as its author does."""
        found = agreement.against_calibration(self.session.project, labeling.labeler.id)
        if found.ranked:
            self.calibration = found
            self.item_changed.emit()

    def _operate(self, operation: Callable[[], Changes | None], *, saved: bool = False) -> bool:
        """Run what may write; only once it is on disk is the next item painted. False if it failed."""
        done: list[Changes | None] = []
        if not self._write(lambda: done.append(operation()), saved=saved):
            return False
        self.item_changed.emit()
        if (changes := done[0]) is not None:
            self.session.announce(changes, self.parent(), undoable=False)  # it is a step of the history already
            self.stored.emit()
        return True

    def _write(self, operation: Callable[[], object], *, saved: bool = False) -> bool:
        """Run what may write. What cannot be kept is said; False then."""
        group = self.labeling.group if self.labeling is not None else None
        try:
            operation()
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            if isinstance(sentence, ChangedElsewhere):
                self.item_changed.emit()
            self.hinted.emit(str(sentence) if isinstance(sentence, CommentsJoined) else f"Not saved: {sentence}")
            return False
        if saved and group is not None:
            self.kept.emit(group.id)
        self.clock.record(saved=saved)
        return True

    def _replay(self, direction: Direction) -> None:
        try:
            self.session.replay(direction)
        except KnownError as error:
            self.hinted.emit(str(error) if isinstance(error, BadInput) else f"Not saved: {error}")

    def _replayed(self, step: Step, changes: Changes) -> None:
        if step.place == PLACE:
            self.clock.record()
            self.item_changed.emit()
            self.hinted.emit(f"{changes.label}.")
            if changes.tables:
                self.stored.emit()

    def _earlier(self) -> Step | None:
        return self.labeling.latest_saved() if self.labeling is not None else None


def why_not_saved(labeling: LabelingSession) -> str:
    """Why there is nothing to store, and what to do."""
    source = labeling.editor.item.source if labeling.editor.item is not None else None
    unfinished = labeling.ordering.unfinished
    if unfinished not in (None, labeling.ordering.criterion):
        order = "the overall order" if unfinished == OVERALL else f"the order by {unfinished}"
        return f"There are questions left in {order}: answer them, or rank in another way."
    if source is not None and source.labeler.kind == "person" and unfinished is None:
        return "Nothing is changed yet, so there is nothing new to save. S goes on."
    if labeling.ordering.question is not None:
        return "There are questions left: ← or → for the better one, ↓ for neither."
    if source is None:
        return NOTHING
    maker = "judge" if source.labeler.kind == "judge" else "script"
    return f"A {maker} made this order: change it to make it yours."
