"""Steps made of rows: what an operation wrote, taken back by the statements that the change log kept of it.

Each statement finds its row only as the step left it. So a step that others have built on, or whose rows they changed
or deleted, is refused as a whole: taking back a new prompt must not take along the rankings that were made of it, nor
leave what is typed over it without a place. So is one that would leave a prompt with answers to other words, or hold
other prompts out than those which a run that began since learnt from or was measured on.
"""

import sqlite3
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from core.config.jobs import JobKind
from core.errors import known
from core.store import Changes, Project, jobs
from core.store.undo import typed_for, waiting_rows
from core.store.undo.answered import Words, keeping_words
from core.store.undo.bulk import Bulk, Recorded
from core.store.undo.bulk import replay as replay_bulk
from core.store.undo.log import Statement, UndoLog, counts, execute
from core.store.undo.steps import PlaceGone, PlaceTaken, Refused, Step, StillTyped

#: Jobs that learn from prompts that are not held out, or measure on those that are.
FOLLOWS_THE_SPLIT = (JobKind.TRAIN_REWARD, JobKind.TRAIN_POLICY, JobKind.COMPARE)
#: What people write.
WRITTEN = frozenset({"prompts", "guidelines"})


class RowRecorder:
    """Makes steps of what one connection writes from now on, and of what was written beside it on its behalf."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._log = UndoLog(project)
        self._files = WaitingFiles()

    def step(self, changes: Changes) -> Step | None:
        """What an operation wrote as a step; None if that is nothing that is undone."""
        statements = self._log.taken(changes.write or self.project.writes)
        if isinstance(changes, Recorded):
            return None if changes.bulk is None else BulkStep(
                label=changes.label, tables=changes.tables, project=self.project, bulk=changes.bulk,
                files=self._files,
            )  # fmt: skip
        return (
            self._of(changes.label, changes.tables, statements, jobs.begun(self.project, FOLLOWS_THE_SPLIT))
            if statements
            else None
        )

    def forget(self) -> None:
        """What was written lately becomes no step."""
        self._log.forget()

    def replay(self, step: "RowStep") -> Step:
        """Take the step back in one transaction; returns the one that does it again."""
        self._log.forget()
        try:
            with self.project.write():
                begun = jobs.begun(self.project, FOLLOWS_THE_SPLIT)
                split = _split(self.project) if begun - step.begun else {}
                gone = self._execute(step)
                if split and any(now != split.get(prompt, now) for prompt, now in _split(self.project).items()):
                    raise sqlite3.IntegrityError("a run follows this split")
                for table in sorted(step.tables):
                    self.project.count_edit(table)
        except sqlite3.IntegrityError as error:
            raise _refused(error) from error
        except sqlite3.Error as error:
            raise known(error) or error from error
        return replace(self._of(step.label, step.tables, self._log.taken(self.project.writes), begun), answered=gone)

    def _of(self, label: str, tables: frozenset[str], statements: list[Statement], begun: frozenset[int]) -> "RowStep":
        return RowStep(label=label, tables=tables, recorder=self, statements=statements, begun=begun)

    def _execute(self, step: "RowStep") -> Words:
        """Raises `IntegrityError` where a row is not as it was left, or if other rows would go along; `StillTyped`;
        `Reworded`."""
        self.project.database.execute("pragma defer_foreign_keys = on")
        expected = counts(self.project)
        for table, rows, _ in step.statements:
            expected[table] += rows
        typed = typed_for.rows(self.project)
        with keeping_words(self.project, step.answered) as gone:
            execute(self.project, step.statements)
        if counts(self.project) != expected:
            raise sqlite3.IntegrityError("rows of others would go too")
        if typed - typed_for.rows(self.project):
            raise StillTyped("what somebody types something for would go")
        return gone


@dataclass(frozen=True, kw_only=True, eq=False)
class RowStep(Step):
    """`statements` take it back, the newest first. `begun` are the jobs that followed the split by then, and
    `answered` is what prompts said whose answers it brings back."""

    recorder: RowRecorder = field(repr=False)
    statements: list[Statement]
    begun: frozenset[int]
    answered: Words = field(default_factory=dict)

    holds_rows: ClassVar[bool] = True

    @property
    def brings_back(self) -> bool:
        return any(rows > 0 for _, rows, _ in self.statements)

    @property
    def written(self) -> frozenset[str]:
        takes_away = any(rows < 0 for _, rows, _ in self.statements)
        return frozenset() if takes_away else self.tables & WRITTEN

    def replay(self) -> Step:
        return self.recorder.replay(self)


class WaitingFiles:
    """Files for rows that are taken away, in a folder that lasts as long as somebody may bring them back; a new one
    where it was cleaned away."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._made = 0

    def new(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder, held = waiting_rows.new_folder()
            weakref.finalize(self, waiting_rows.give_up, self._folder, held)
        self._made += 1
        return self._folder / f"{self._made}.db"


@dataclass(frozen=True, kw_only=True, eq=False)
class BulkStep(Step):
    """Rows by the hundred thousand, taken away and brought back by a connection of its own."""

    project: Project
    bulk: Bulk
    files: WaitingFiles = field(repr=False)

    is_long: ClassVar[bool] = True
    holds_rows: ClassVar[bool] = True

    @property
    def brings_back(self) -> bool:
        return self.bulk.kept is not None and self.bulk.waits

    def replay(self) -> Step:
        opposite = replay_bulk(self.project, self.bulk, self.tables, self.files.new())
        if opposite is None:
            raise Refused(f"others built on {self.label!r}")
        return replace(self, bulk=opposite)

    def drop(self) -> None:
        """Nobody will replay it any more: no row waits to come back."""
        if self.bulk.kept is not None:
            self.bulk.kept.unlink(missing_ok=True)


def _refused(error: sqlite3.IntegrityError) -> Refused:
    """As what stands in the way."""
    kinds = {sqlite3.SQLITE_CONSTRAINT_UNIQUE: PlaceTaken, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: PlaceGone}
    return kinds.get(getattr(error, "sqlite_errorcode", 0), Refused)(str(error))


def _split(project: Project) -> dict[int, str]:
    return {row["id"]: row["split"] for row in project.database.rows("select id, split from prompts")}
