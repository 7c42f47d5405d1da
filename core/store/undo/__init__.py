"""One history for a window: what was done in the open project, the labeler's work included, and to whole projects.

A step is one operation (`rows`), one thing that a labeler did, or anything else that can take itself back
(`steps`). They are taken back one by one, the newest first, wherever they were done: the window says what it was,
and shows the page of a step whose `place` says where it is seen, such as an order on the table. What lies on disk from
before the window was opened can be reached through `earlier`, which the page that shows it provides while it is shown.

Closing the project forgets its steps; those that need no open project, such as a deleted project, last.

Not undone here: jobs, what they write and how a run was steered (a job is stopped, or made again); text that is being
typed (its editor's own undo) and drafts of it; a tour; a deleted base model, which can be fetched again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from core.errors import BadInput
from core.store import Changes, Project, changed
from core.store.undo.rows import BulkStep, RowRecorder
from core.store.undo.steps import Refused, Step

Direction = Literal["undo", "redo"]
#: Steps that hold rows; older ones are forgotten. Others take next to nothing.
STEPS = 100


@dataclass(frozen=True)
class Replayed:
    """A step that was replayed, and the one that does the opposite, if there is any; or why it was `refused`, with what
    to do instead."""

    step: Step
    opposite: Step | None = None
    refused: str = ""


def nothing_earlier() -> Step | None:
    """There is nothing on disk from before that could be taken back here."""
    return None


class History:
    """What can be undone and done again, newest last."""

    def __init__(self, project: Project | None = None) -> None:
        self.undoable: list[Step] = []
        self.redoable: list[Step] = []
        self.earlier: Callable[[], Step | None] = nothing_earlier
        """Asked once nothing else can be undone."""
        self._rows: RowRecorder | None = None
        if project is not None:
            self.open(project)

    def open(self, project: Project) -> None:
        """From now on, what the project's connection writes can be made a step."""
        self._rows = RowRecorder(project)

    def close(self) -> None:
        """The project closes, and with it goes what was done in it."""
        self._rows, self.earlier = None, nothing_earlier
        self.remove(lambda step: not step.lasting)

    def mark(self, changes: Changes) -> None:
        """An operation is a step that can be undone. What was undone before cannot be redone any more, unless it is of
        prompts or guidelines and this is not: whoever goes back by a step too many has not lost what was written."""
        step = self._rows.step(changes) if self._rows is not None else None
        if step is not None:
            self.add(step)

    def add(self, step: Step) -> None:
        """A step that can be undone."""
        self.undoable.append(step)
        if step.holds_rows:
            holding = [each for each in self.undoable if each.holds_rows]
            _drop(holding[:-STEPS])
            self.undoable = [each for each in self.undoable if each not in holding[:-STEPS]]
        kept = [each for each in self.redoable if each.written - step.tables]
        _drop(each for each in self.redoable if each not in kept)
        self.redoable[:] = kept[-STEPS:]

    def forget(self) -> None:
        """What was written lately is not to be undone here, or has a step of its own."""
        if self._rows is not None:
            self._rows.forget()

    def remove(self, those: Callable[[Step], bool]) -> None:
        """Certain steps are over: nobody can take them back any more."""
        for steps in (self.undoable, self.redoable):
            _drop(filter(those, steps))
            steps[:] = [step for step in steps if not those(step)]

    def next(self, direction: Direction) -> Step | None:
        """What would be undone or redone now."""
        steps = self._steps(direction)
        there = next((step for step in reversed(steps) if not step.gone), None)
        if there is not None:
            return there
        return self.earlier() if direction == "undo" else None

    def undo(self) -> Changes:
        """Take the newest step back. Raises `BadInput` if there is none, or if others built on it since."""
        return self.settle("undo", self.work("undo")())

    def redo(self) -> Changes:
        """Do again what was undone last. Raises `BadInput` as `undo` does."""
        return self.settle("redo", self.work("redo")())

    def is_long(self, direction: Direction) -> bool:
        """Does the next step take so long that its `work` belongs into a thread of its own?"""
        step = self.next(direction)
        return step is not None and step.is_long

    def work(self, direction: Direction) -> Callable[[], Replayed]:
        """What replays the next step; `settle` takes what it returns. Raises `BadInput` if there is no step."""
        step = self.next(direction)
        if step is None:
            raise BadInput(f"There is nothing to {direction}.")
        return partial(_replay, step)

    def settle(self, direction: Direction, done: Replayed) -> Changes:
        """The work is done. Raises `BadInput` if it was refused: then the step is forgotten, unless it brings back what
        is nowhere else. That stays, behind the one that is next then, so that it stands in no other's way."""
        step, steps = done.step, self._steps(direction)
        was_there = step in steps
        steps[:] = [each for each in steps if each is not step and not each.gone]
        if done.refused and step.brings_back and was_there:
            steps.insert(max(0, len(steps) - 1), step)
            raise BadInput(
                f"“{step.label}” cannot be taken back now, because {done.refused}. It is kept, and can be taken back "
                "once that is done."
            )
        if done.refused:
            raise BadInput(f"“{step.label}” cannot be taken back any more, because {done.refused}.")
        if done.opposite is not None:
            self._steps("redo" if direction == "undo" else "undo").append(done.opposite)
        return changed(f"{'Undone' if direction == 'undo' else 'Done again'}: {step.label}", *step.tables)

    def _steps(self, direction: Direction) -> list[Step]:
        return self.undoable if direction == "undo" else self.redoable


def _drop(steps: Iterable[Step]) -> None:
    for step in steps:
        if isinstance(step, BulkStep):
            step.drop()


def _replay(step: Step) -> Replayed:
    try:
        return Replayed(step, step.replay())
    except Refused as error:
        return Replayed(step, refused=f"{error.because}: {error.instead}")
