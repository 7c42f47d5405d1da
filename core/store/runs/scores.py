"""What reward models think of completions, and which groups they are least sure of."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from core.events import Score
from core.store import Project

Part = Literal["heldout", "reference"]
#: Nothing can be reckoned with scores beyond these, which no model gives.
MOST = 1e30


class CompletionScore(NamedTuple):
    model: str
    completion_id: int
    score: float
    tokens: int


def of_run(project: Project, job_id: int, part: Part, criterion: str) -> list[CompletionScore]:
    """What the models of a run said by one criterion of its held-out completions, or of the reference's."""
    rows = project.database.execute(
        "select model, completion_id, score, tokens from scores where job_id = ? and part = ? and criterion = ?"
        " and score between ? and ?",
        (job_id, part, criterion, -MOST, MOST),
    )
    return list(map(CompletionScore._make, rows))


def add(project: Project, job_id: int, rows: Iterable[Score]) -> None:
    """Over what the run said of the same completions before; a completion may have been deleted meanwhile."""
    with project.write() as database:
        database.many(
            "insert or replace into scores (job_id, part, model, criterion, completion_id, score, tokens)"
            " select ?, ?, ?, ?, id, ?, ? from completions where id = ?",
            [(job_id, row.part, row.model, row.criterion, row.score, row.tokens, row.completion_id) for row in rows],
        )


def set_priorities(project: Project, job_id: int, doubts: Mapping[int, float]) -> None:
    """How much is in doubt about each group (nats), in place of all that was said before."""
    with project.write() as database:
        database.execute("delete from priorities")
        database.many(
            "insert into priorities (group_id, job_id, doubt) select id, ?, ? from completion_groups where id = ?",
            [(job_id, doubt, group_id) for group_id, doubt in doubts.items()],
        )
