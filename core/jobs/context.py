"""What a job's function is given: the project to read, its config, where to resume, and what is wanted.

A job is a generator of events (`core.events`): it never writes to the project itself, so that a test may
simply list what it yields.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.events import Event
from core.records import Wanted
from core.store import Project

Events = Iterator[Event]


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

    @property
    def stopping(self) -> bool:
        return self.wanted == "stop"

    @property
    def folder(self) -> Path:
        """The run's own folder, for what it leaves behind."""
        return self.project.run_folder(self.job_id)
