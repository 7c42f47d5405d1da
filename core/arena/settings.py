"""How an arena's answers are drawn: all in the same way, so that a vote is on the policies and not on a temperature."""

from dataclasses import fields, replace

from core.config.arena import AnswerConfig, AnswerJob
from core.config.options import flag_name
from core.config.sampling import SamplingConfig
from core.errors import BadInput
from core.store import Project, arenas, jobs

#: What all answers of an arena share.
SHARED = tuple(item.name for item in fields(SamplingConfig))


def drawn_before(project: Project, arena_id: int, *, but: int = 0) -> AnswerConfig | None:
    """How answers were drawn that the arena has of another job; None where it has none, or nobody knows any more."""
    for number in sorted({job for job in arenas.who_asked(project, arena_id).values() if job not in (None, but)}):
        job = jobs.find(project, number)
        if isinstance(job, AnswerJob):
            return job.config
    return None


def as_before(project: Project, arena_id: int, config: AnswerConfig, given: set[str]) -> AnswerConfig:
    """The same settings, with those of the answers that are there where a person `given` none."""
    before = drawn_before(project, arena_id)
    if before is None:
        return config
    return replace(config, **{name: getattr(before, name) for name in SHARED if name not in given})


def check(project: Project, arena_id: int, config: AnswerConfig, *, but: int = 0) -> None:
    """Raise `BadInput` for settings in which the answers would differ from those that are there."""
    before = drawn_before(project, arena_id, but=but)
    if before is None:
        return
    other = [name for name in SHARED if getattr(config, name) != getattr(before, name)]
    if other:
        said = ", ".join(f"{flag_name(name)} {getattr(before, name)}" for name in other)
        raise BadInput(
            f"The answers in this arena were drawn with {said}: let the others be drawn so, too, or make a new arena."
        )
