"""A stored ranking in a line: the letters that its completions go by."""

from core.labeling.ordering import letter
from core.store import Project, completions, rankings


def order_of(project: Project, ranking_id: int) -> str:
    """`A > C = B`, by the letters of the stored order; the flag of one that is flagged instead."""
    ranking = rankings.get(project, ranking_id)
    if ranking.flag:
        return f"⚑ {ranking.flag}"
    ids = completions.ids(project, ranking.group_id)
    names = {item: letter(place) for place, item in enumerate(ids)}
    tiers: dict[int, list[str]] = {}
    for item, rank in ranking.ranks.items():
        if rank is not None:
            tiers.setdefault(rank, []).append(names[item])
    return " > ".join(" = ".join(sorted(tiers[rank])) for rank in sorted(tiers))
