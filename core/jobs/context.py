"""What a job's function is given: the project to read, its config, where to resume, and what is wanted.

A job is a generator of events (`core.events`): it never writes to the project itself, so that a test may
simply list what it yields.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.events import Event
from core.jobs.process_group import LOCAL, LocalProcessGroup
from core.jobs.progress import ReportStatus, no_report
from core.records import Wanted
from core.store import Project
from core.store.files import beside, plain

Events = Iterator[Event]
#: Bytes of what a run begins with: a thousand for each of a million prompts.
MOST_PINNED = 1 << 30


@dataclass
class JobContext:
    """`cache` lives as long as the worker: what is costly to load (the base model) is kept there."""

    project: Project
    job_id: int
    config: Any
    options: Any = None
    resume_from: Path | None = None
    resume_step: int = 0
    wanted: Wanted = "run"
    cache: dict[str, Any] = field(default_factory=dict)
    world: LocalProcessGroup = LOCAL
    report_status: ReportStatus = no_report
    """Say what it does right now; costs nothing where nobody listens."""
    again: bool = False
    """Is a run done once more from its first step, with what it began with, and nothing of it written?"""

    @property
    def has_begun(self) -> bool:
        """Is what it begins with settled, by a run that is resumed or done again?"""
        return self.again or self.resume_from is not None

    @property
    def stopping(self) -> bool:
        return self.wanted == "stop"

    def pinned(self, name: str, make: Callable[[], Any], *, came_later: bool = False) -> Any:
        """What the run began with, as JSON: `make` is asked once, a resumed run finds its answer in its folder. What
        `came_later` may be missing there: the run is of an earlier version.

        Raises `BadInput` if it was damaged or removed there, or is a link."""
        if came_later and self.again and not self.project.run_file(self.job_id, name).exists():
            return make()
        path = self.pinned_file(
            name, lambda made: made.write_text(json.dumps(make()), encoding="utf-8"), came_later=came_later
        )
        try:
            return plain.parsed(path, MOST_PINNED)
        except BadInput as error:
            raise self.damaged(path) from error

    def pinned_file(self, name: str, write: Callable[[Path], object], *, came_later: bool = False) -> Path:
        """The same as a file, which is written once, where `write` is told. Raises `BadInput` if it was removed, or is
        a link."""
        path = self.project.run_file(self.job_id, name)
        if self.has_begun and not came_later and not path.exists():
            raise BadInput(self._gone(path))
        if self.world.main and not (self.has_begun and path.is_file()):
            self.project.make_run_folder(self.job_id)
            with beside.of_project(path) as made:
                write(made)
        self.world.agreed(None)  # nobody reads before it is written
        return path

    def _gone(self, path: Path) -> str:
        if self.again:
            return f"{path} is gone, in which the run kept what it began with: without it the run cannot be done again."
        return (
            f"{path} is gone, and without it the run cannot go on as it began: put it back and resume, or begin a new "
            "one."
        )

    @staticmethod
    def damaged(path: Path) -> BadInput:
        """The error for a file of `pinned_file` that cannot be read."""
        return BadInput(f"{path} is damaged, and without it the run cannot go on as it began: begin a new one.")

    @property
    def folder(self) -> Path:
        """The run's own folder, for what it leaves behind."""
        return self.project.run_folder(self.job_id)
