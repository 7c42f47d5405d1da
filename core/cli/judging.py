"""The command `judge`, and what is told of judges here and by `agreement`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli.jobs import job_command, start
from core.cli.output import given, interval, table
from core.config.jobs import JobKind
from core.config.judging import JudgingConfig, JudgingJob
from core.preferences import judged
from core.preferences.judge_agreement import JudgeAgreement
from core.preferences.judged import JudgeFigures
from core.records import Job
from core.report import arena as results
from core.store import Project, arenas, labelers

TOO_FEW = "too few"
HEADER = ("the judge with people", "kappa", "pairs alike", "pairs")


@job_command(JobKind.JUDGE, JudgingConfig)
def judge(folder: Path, as_json: bool, detach: bool, **options: Any) -> None:
    """Let a model, a reward model or a gold reward rank what waits, or vote on an arena; always marked as a judge's."""
    config = JudgingConfig(**given(options, JudgingConfig))

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, JudgingJob)
        found, what = job.result, "votes" if config.arena else "prompts"
        parts = [f"{found.labeler!r} judged {found.judged} {what} ({found.pairs} pairs of answers)."]
        if found.unread:
            parts.append(f"{found.unread} pairs have no verdict that could be read: the job's log shows the first.")
        if config.arena:
            parts += _told_in_arena(project, config.arena, found.labeler)
        elif (who := labelers.find(project, found.labeler)) is not None:
            parts += told(judged.figures(project, who))
        return "\n".join(parts)

    start(folder, JobKind.JUDGE, config, as_json, detach, tell=tell)


def _told_in_arena(project: Project, arena: str, judge: str) -> list[str]:
    """The same as `arena results` says of the judge."""
    if arenas.find(project, arena) is None:
        return []
    found = results.results(project, arena)
    return [
        sentence
        for each, said in zip(found.judges, found.judge_sentences, strict=True)
        if each.name == judge
        for sentence in said
    ]


def told(found: JudgeFigures) -> Iterator[str]:
    """How far the judge agrees with people, on all prompts and by tag, and whether it follows the place."""
    if found.people is None:
        yield f"{found.judge.name}: nobody ranked what it judged, so nothing is known of how far it agrees with people."
    else:
        rows = [_row("all prompts", found.people.overall)]
        rows += [_row(f"tag {name}", each) for name, each in found.people.tags.items()]
        yield f"{found.judge.name} is a judge."
        yield table(rows, HEADER)
    if (place := found.place) is not None:
        chance = "" if place.p_value is None else f" (chance of so uneven a two: {place.p_value:.3g})"
        yield (
            f"Asked in both orders, it says the same of {interval(place.consistent)} of the pairs; it goes to the one "
            f"that it reads first in {interval(place.first_only)}, to the second in {interval(place.second_only)}"
            f"{chance}."
        )


def values(found: JudgeFigures) -> dict[str, Any]:
    """The same as JSON has it."""
    people, place = found.people, found.place
    return {
        "people": None if people is None else asdict(people),
        "place": None if place is None else asdict(place),
    }  # fmt: skip


def _row(name: str, found: JudgeAgreement) -> tuple[Any, ...]:
    return name, TOO_FEW if found.too_few else interval(found.kappa), interval(found.pairwise), found.votes


COMMANDS = (judge,)
