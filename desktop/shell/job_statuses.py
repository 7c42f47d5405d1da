"""How the jobs stood when somebody looked last."""

from core.jobs.follow import News


class JobStatuses:
    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    def changed(self, news: News) -> bool:
        """Is a job new, or does it stand otherwise than at the last look? What only got further does not."""
        found = any(self._seen.get(job.id) != job.status for job in news.jobs)
        self._seen |= {job.id: job.status for job in news.jobs}
        return found
