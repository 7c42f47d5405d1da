"""The rankings of a project as tests look at them, by the doors that exporters and the Rank tab use."""

from core.records import Ranking
from core.store import Project, counting, rankings


def counting_rankings(project: Project, *, labeler_id: int | None = None) -> list[Ranking]:
    """Each labeler's ranking of each group that counts now, oldest first."""
    found = [rankings.get(project, each.id) for each in counting.listed(project)]
    return [ranking for ranking in found if labeler_id in (None, ranking.labeler.id)]
