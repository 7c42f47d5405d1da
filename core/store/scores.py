"""What reward models think of completions, and which groups they are least sure of."""

from collections.abc import Iterable, Mapping

from core.events import Score
from core.store import Project


def add(project: Project, job_id: int, rows: Iterable[Score]) -> None:
    """Over what the run said of the same completions before; a completion may have been deleted meanwhile."""
    with project.write() as database:
        database.conn.executemany(
            "insert or replace into scores (job_id, part, model, criterion, completion_id, score, tokens)"
            " select ?, ?, ?, ?, id, ?, ? from completions where id = ?",
            [(job_id, row.part, row.model, row.criterion, row.score, row.tokens, row.completion_id) for row in rows],
        )


def set_priorities(project: Project, job_id: int, doubts: Mapping[int, float]) -> None:
    """How much is in doubt about each group (nats), in place of all that was said before."""
    with project.write() as database:
        database.conn.execute("delete from priorities")
        database.conn.executemany(
            "insert into priorities (group_id, job_id, doubt) select id, ?, ? from completion_groups where id = ?",
            [(job_id, doubt, group_id) for group_id, doubt in doubts.items()],
        )
