"""Undo for every change of data that one connection made, and for what was written beside it on its behalf.

A step is one operation: what its write transaction wrote, with all that the database deleted along. Undoing it logs
the statements that do it again. Nothing is kept when the connection closes.

Each statement finds its row only as the step left it. So a step that others have built on, or whose rows they changed
or deleted, is refused as a whole: taking back a new prompt must not take along the rankings that were made of it. So is
one that would hold other prompts out than those which a run that began since learnt from or was measured on.

Not undone here: jobs, what they write and how a run was steered (a job is stopped, or made again); text that is being
typed (its editor's own undo) and drafts of it; rankings, which the Rank tab takes back one by one, after a restart
too; a tour; projects and files (a deleted project waits in the trash, a deleted base model can be fetched again).
"""

import sqlite3
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.config.jobs import JobKind
from core.errors import BadInput, known
from core.store import Changes, Project, changed, jobs, waiting_rows
from core.store.bulk import Bulk, Recorded, replay
from core.store.undo_log import Statement, UndoLog, counts, execute

#: Steps that can be taken back; older ones are forgotten.
STEPS = 100
#: Jobs that learn from prompts that are not held out, or measure on those that are.
FOLLOWS_THE_SPLIT = (JobKind.TRAIN_REWARD, JobKind.TRAIN_POLICY, JobKind.COMPARE)


@dataclass(frozen=True)
class Step:
    """`statements` take it back, the newest first; or `bulk` does, of which there is too much for those; or `back`,
    where more than rows went, and then it is not redone. `begun` are the jobs that followed the split by then."""

    label: str
    tables: frozenset[str] = frozenset()
    statements: list[Statement] = field(default_factory=list)
    bulk: Bulk | None = None
    back: Callable[[], object] | None = None
    begun: frozenset[int] = frozenset()


class History:
    """What can be undone and done again on a project's connection, newest last."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.undoable: list[Step] = []
        self.redoable: list[Step] = []
        self._log = UndoLog(project)
        self._step: Step | None = None
        """The one that is at work; others may be added meanwhile."""
        self._folder: Path | None = None
        self._kept = 0

    def mark(self, changes: Changes) -> None:
        """The last operation is a step that can be undone. What was undone before cannot be redone any more."""
        statements = self._log.taken()
        bulk = changes.bulk if isinstance(changes, Recorded) else None
        if isinstance(changes, Recorded):
            statements = []
        if statements or bulk:
            begun = jobs.begun(self.project, FOLLOWS_THE_SPLIT)
            self.add(Step(changes.label, changes.tables, statements, bulk, begun=begun))

    def add(self, step: Step) -> None:
        """A step that can be undone."""
        self.undoable = [*self.undoable, step][-STEPS:]
        for undone in self.redoable:
            if undone.bulk is not None and undone.bulk.kept is not None:
                undone.bulk.kept.unlink(missing_ok=True)
        self.redoable.clear()

    def forget(self) -> None:
        """What was written lately is not to be undone here."""
        self._log.taken()

    def undo(self) -> Changes:
        """Take the newest step back. Raises `BadInput` if there is none, or if others built on it since."""
        return self.settle("undo", self.work("undo")())

    def redo(self) -> Changes:
        """Do again what was undone last. Raises `BadInput` as `undo` does."""
        return self.settle("redo", self.work("redo")())

    def is_long(self, word: str) -> bool:
        """Does the next `undo` or `redo` take so long that its `work` belongs into a thread of its own?"""
        steps = self._steps(word)
        return bool(steps) and steps[-1].bulk is not None

    def work(self, word: str) -> Callable[[], Step | None]:
        """What replays the next step: it returns the step that does the opposite, or None if that is refused.
        `settle` takes what it returns. Raises `BadInput` if there is no step."""
        steps = self._steps(word)
        if not steps:
            raise BadInput(f"There is nothing to {word}.")
        self._log.taken()
        step = self._step = steps[-1]
        if step.back is not None:
            return partial(_from_elsewhere, step, step.back)
        if step.bulk is None:
            return partial(self._replay, step)
        return partial(_beside, self.project.folder, step, step.bulk, self._new_file())

    def settle(self, word: str, opposite: Step | None) -> Changes:
        """The work is done. Raises `BadInput` if it was refused: then the step is forgotten."""
        step, self._step = self._step, None
        assert step is not None
        steps = self._steps(word)
        steps[:] = [each for each in steps if each is not step]
        if opposite is None:
            raise BadInput(
                f"“{step.label}” cannot be taken back any more, because other work builds on it: change it by hand."
            )
        if step.back is None:
            self._steps("redo" if word == "undo" else "undo").append(opposite)
        return changed(f"{'Undone' if word == 'undo' else 'Done again'}: {step.label}", *step.tables)

    def _steps(self, word: str) -> list[Step]:
        return self.undoable if word == "undo" else self.redoable

    def _replay(self, step: Step) -> Step | None:
        try:
            with self.project.write():
                begun = jobs.begun(self.project, FOLLOWS_THE_SPLIT)
                split = _split(self.project) if begun - step.begun else {}
                self._execute(step.statements)
                if split and any(now != split.get(prompt, now) for prompt, now in _split(self.project).items()):
                    raise sqlite3.IntegrityError("a run follows this split")
                for table in sorted(step.tables):
                    self.project.count_edit(table)
        except sqlite3.IntegrityError:
            return None
        except sqlite3.Error as error:
            raise known(error) or error from error
        return Step(step.label, step.tables, self._log.taken(), begun=begun)

    def _execute(self, statements: list[Statement]) -> None:
        """Raises `IntegrityError` where a row is not as it was left, or if other rows would go along."""
        self.project.db.conn.execute("pragma defer_foreign_keys = on")
        expected = counts(self.project)
        for table, rows, _ in statements:
            expected[table] += rows
        execute(self.project, statements)
        if counts(self.project) != expected:
            raise sqlite3.IntegrityError("rows of others would go too")

    def _new_file(self) -> Path:
        """For rows that are taken away; it lasts as long as this history."""
        if self._folder is None:
            self._folder, held = waiting_rows.new_folder()
            weakref.finalize(self, waiting_rows.give_up, self._folder, held)
        self._kept += 1
        return self._folder / f"{self._kept}.db"


def _split(project: Project) -> dict[int, str]:
    return {row["id"]: row["split"] for row in project.rows("select id, split from prompts")}


def _beside(folder: Path, step: Step, bulk: Bulk, kept: Path) -> Step | None:
    opposite = replay(folder, bulk, step.tables, kept)
    return None if opposite is None else Step(step.label, step.tables, [], opposite)


def _from_elsewhere(step: Step, back: Callable[[], object]) -> Step:
    back()
    return step
