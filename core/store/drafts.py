"""Orders that a labeler has begun and not saved yet, on disk before they are shown."""

import json
from typing import Any

from core.store import Project, cells


def keep(project: Project, labeler_id: int, group_id: int, draft: dict[str, Any] | None) -> None:
    """Store what is begun; None forgets it."""
    with project.write() as database:
        if draft is None:
            database.execute("delete from drafts where labeler_id = ? and group_id = ?", (labeler_id, group_id))
        else:
            database.execute(
                "insert into drafts (labeler_id, group_id, draft) values (?, ?, ?)"
                " on conflict (labeler_id, group_id) do update set draft = excluded.draft",
                (labeler_id, group_id, json.dumps(draft)),
            )


def listed(project: Project, labeler_id: int) -> dict[int, dict[str, Any]]:
    """What the labeler has begun, by group."""
    rows = project.database.execute("select group_id, draft from drafts where labeler_id = ?", (labeler_id,))
    return {
        group_id: cells.read(draft, dict, f"What was begun for the completions {group_id}") for group_id, draft in rows
    }
