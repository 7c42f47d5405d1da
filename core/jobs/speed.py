"""How many tokens a second the running job draws, from the rows that it writes."""

from core.config.jobs import JobKind
from core.store import Project, completions, job_metrics, jobs

#: Groups of completions that are looked at, the newest ones.
GROUPS = 200


def tokens_per_second(project: Project) -> float | None:
    """None where nothing runs, or what runs has not said or does not draw."""
    job = jobs.running(project)
    if job is None:
        return None
    if job.kind == JobKind.GENERATE:
        return completions.tokens_per_second(project, job.id, job.started_at or "", GROUPS)
    return job_metrics.newest_value(project, job.id, "time/tokens_per_second")
