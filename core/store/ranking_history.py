"""Earlier rankings as a labeler looks at them: one's own, and those of scripts and judges, newest first."""

from dataclasses import dataclass
from typing import Literal

from core.store import Project

Whose = Literal["all", "person", "scripted", "judge"]


@dataclass(frozen=True)
class MadeRanking:
    """`kind` and `detail` are its labeler's; `flag` is that of the whole prompt, or empty; `by_hand` counts the answers
    in it that people wrote, and `talk` is 1 where the prompt has several turns."""

    ranking_id: int
    prompt: str
    talk: int
    kind: str
    detail: str
    flag: str
    created_at: str
    by_hand: int = 0


def newest(project: Project, labeler_id: int, whose: Whose, limit: int) -> list[MadeRanking]:
    """The newest rankings that count, of this labeler (`person`), of scripts, of judges, or of all of them."""
    rows = project.database.rows(
        "select r.id as ranking_id, p.text as prompt, p.messages is not null as talk, l.kind, l.detail,"
        " coalesce(r.flag, '') as flag, r.created_at,"
        " (select count(*) from ranking_items i join completions c on c.id = i.completion_id"
        "  where i.ranking_id = r.id and c.written_by is not null) as by_hand"
        " from current_rankings r join labelers l on l.id = r.labeler_id"
        " join completion_groups g on g.id = r.group_id join prompts p on p.id = g.prompt_id"
        " where (l.id = :labeler and :whose in ('all', 'person')) or l.kind = :whose"
        " or (l.kind != 'person' and :whose = 'all') order by r.id desc limit :limit",
        labeler=labeler_id,
        whose=whose,
        limit=limit,
    )
    return [MadeRanking(**row) for row in rows]
