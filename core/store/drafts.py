"""Orders that a labeler has begun and not saved yet, on disk before they are shown."""

import json
from collections import defaultdict
from typing import Any

from core.errors import BadInput
from core.store import Project, cells
from core.store.typed import ANSWERS, keys_under, row_number


def keep(project: Project, labeler_id: int, group_id: int, draft: dict[str, Any] | None) -> str | None:
    """Store what is begun, and return it as it is stored; None forgets it.

    Raises `BadInput` where the prompt is gone.
    """
    if draft is None:
        with project.write() as database:
            database.execute("delete from drafts where labeler_id = ? and group_id = ?", (labeler_id, group_id))
        return None
    text = json.dumps(draft)
    with project.write() as database:
        done = database.execute(
            "insert into drafts (labeler_id, group_id, draft)"
            " select :labeler, id, :draft from completion_groups where id = :group"
            " on conflict (labeler_id, group_id) do update set draft = excluded.draft",
            {"labeler": labeler_id, "group": group_id, "draft": text},
        )
    if not done.rowcount:
        raise BadInput("This prompt was deleted meanwhile, so that nothing of it can be kept: go on with the next one.")
    return text


def stored(project: Project, labeler_id: int, group_id: int) -> str | None:
    """What is begun, as it is stored; None for nothing."""
    text = project.database.value(
        "select draft from drafts where labeler_id = ? and group_id = ?", labeler_id, group_id
    )
    return None if text is None else str(text)


def read(text: str, group_id: int) -> dict[str, Any]:
    """What `stored` returned as plain data."""
    return cells.read(text, dict, f"What was begun for the completions {group_id}")


def groups(project: Project, labeler_id: int) -> list[int]:
    """The groups for which the labeler has begun an order."""
    return project.database.column("select group_id from drafts where labeler_id = ? order by group_id", labeler_id)


def begun_by(project: Project) -> dict[int, set[int]]:
    """The labelers who have begun an order or an answer and not saved it, by group."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for labeler_id, group_id in project.database.execute("select labeler_id, group_id from drafts"):
        found[group_id].add(labeler_id)
    for key in keys_under(project, ANSWERS):
        who, group, *_ = map(row_number, [*key.removeprefix(ANSWERS).split("/"), ""])
        if who is not None and group is not None:
            found[group].add(who)
    return dict(found)


def listed(project: Project, labeler_id: int) -> dict[int, dict[str, Any]]:
    """What the labeler has begun, by group."""
    rows = project.database.execute("select group_id, draft from drafts where labeler_id = ?", (labeler_id,))
    return {group_id: read(draft, group_id) for group_id, draft in rows}
