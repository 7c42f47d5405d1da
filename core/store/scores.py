"""What reward models think of completions."""

from typing import Literal, NamedTuple

from core.store import Project

Part = Literal["heldout", "reference"]


class CompletionScore(NamedTuple):
    model: str
    completion_id: int
    score: float
    tokens: int


def of_run(project: Project, job_id: int, part: Part, criterion: str) -> list[CompletionScore]:
    """What the models of a run said by one criterion of its held-out completions, or of the reference's."""
    rows = project.database.execute(
        "select model, completion_id, score, tokens from scores where job_id = ? and part = ? and criterion = ?",
        (job_id, part, criterion),
    )
    return list(map(CompletionScore._make, rows))
