"""What people ask. A prompt's text is unique in its project."""

import json
from collections.abc import Iterable
from typing import Any

from core.errors import BadInput, NothingToDo
from core.records import Prompt, Split
from core.store import Changes, Project, changed, now


def _prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(row["id"], row["text"], tuple(json.loads(row["tags"])), row["split"], row["source"])


def listed(project: Project, *, split: str = "all", limit: int = 0, search: str = "") -> list[Prompt]:
    """Prompts in the order in which they were added."""
    where, parameters = _matching(split, search, "text")
    sql = f"select * from prompts where {where} order by id" + (f" limit {int(limit)}" if limit else "")
    return [_prompt(row) for row in project.rows(sql, *parameters)]


def ids(project: Project, *, split: str = "all", search: str = "") -> list[int]:
    """Ids of the prompts whose text or tags contain `search`, in the order in which they were added.

    Case does not matter. As one JSON array, because 100,000 rows take longer than the search itself.
    """
    where, parameters = _matching(split, search, "text", "tags")
    sql = f"select json_group_array(id) from (select id from prompts where {where} order by id)"
    return list(json.loads(project.value(sql, *parameters)))


def _matching(split: str, search: str, *columns: str) -> tuple[str, list[str]]:
    """A condition and its parameters. SQLite's LIKE knows the case of ASCII letters only, so that other texts are
    looked for as they are typed, in small, in large and with a capital."""
    where, parameters = "1", []
    if split != "all":
        where += " and split = ?"
        parameters.append(split)
    if search:
        plain = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        forms = [plain] if plain.isascii() else list(dict.fromkeys(
            [plain, plain.lower(), plain.upper(), plain.capitalize()]
        ))  # fmt: skip
        likes = [f"{column} like ? escape '\\'" for column in columns for _ in forms]
        where += f" and ({' or '.join(likes)})"
        parameters += [f"%{form}%" for _ in columns for form in forms]
    return where, parameters


def get(project: Project, prompt_id: int) -> Prompt:
    row = project.one("select * from prompts where id = ?", prompt_id)
    if row is None:
        raise BadInput(f"There is no prompt {prompt_id}.")
    return _prompt(row)


def count(project: Project, split: str = "all") -> int:
    if split == "all":
        return int(project.value("select count(*) from prompts"))
    return int(project.value("select count(*) from prompts where split = ?", split))


def add(project: Project, prompts: Iterable[Prompt]) -> Changes:
    """Add prompts (their ids are ignored); one that is already there is left as it is.

    Raises `NothingToDo` if not one of them has text.
    """
    ids = []
    with project.write():
        some = False
        for prompt in prompts:
            if not prompt.text.strip():
                continue
            some = True
            cursor = project.db.conn.execute(
                "insert into prompts (text, tags, split, source, created_at) values (?, ?, ?, ?, ?)"
                " on conflict (text) do nothing",
                (prompt.text.strip(), json.dumps(list(prompt.tags)), prompt.split, prompt.source, now()),
            )
            if cursor.rowcount:
                ids.append(int(cursor.lastrowid or 0))
        if not some:
            raise NothingToDo(
                "There are no prompts in it: give one prompt a line, or JSON lines with a `prompt` field."
            )
    return changed("Add prompts", "prompts", ids=tuple(ids))


def edit(
    project: Project,
    prompt_id: int,
    *,
    text: str | None = None,
    split: Split | None = None,
    tags: tuple[str, ...] | None = None,
) -> Changes:
    """Change a prompt. Its text can change only while it has no completions, which answer the old text."""
    with project.write():
        prompt = get(project, prompt_id)
        if text is not None and text.strip() != prompt.text:
            if not text.strip():
                raise BadInput("A prompt cannot be empty: delete it instead.")
            if project.value("select count(*) from completion_groups where prompt_id = ?", prompt_id):
                raise BadInput("This prompt has completions, which answer its old text: add a new prompt instead.")
            if project.value("select count(*) from prompts where text = ? and id != ?", text.strip(), prompt_id):
                raise BadInput("Another prompt already has this text.")
            project.db.conn.execute("update prompts set text = ? where id = ?", (text.strip(), prompt_id))
        if split is not None:
            project.db.conn.execute("update prompts set split = ? where id = ?", (split, prompt_id))
        if tags is not None:
            project.db.conn.execute("update prompts set tags = ? where id = ?", (json.dumps(list(tags)), prompt_id))
        project.count_edit("prompts")
    return changed("Edit prompt", "prompts", ids=(prompt_id,))


def tags(project: Project) -> list[str]:
    """Every tag in use, the most used first."""
    rows = project.rows(
        "select t.value as tag from prompts, json_each(prompts.tags) t group by 1 order by count(*) desc, 1"
    )
    return [row["tag"] for row in rows]


def ranked_ids(project: Project) -> set[int]:
    """Prompts with at least one ranking, retracted ones included."""
    rows = project.rows("select distinct g.prompt_id from completion_groups g join rankings r on r.group_id = g.id")
    return {row["prompt_id"] for row in rows}


def delete(project: Project, prompt_ids: Iterable[int]) -> Changes:
    """Delete prompts that nobody has ranked: a ranking is never deleted along with its prompt."""
    ids = tuple(prompt_ids)
    with project.write():
        for prompt_id in ids:
            ranked = project.value(
                "select count(*) from rankings r join completion_groups g on g.id = r.group_id where g.prompt_id = ?",
                prompt_id,
            )
            if ranked:
                raise BadInput("A ranked prompt cannot be deleted, because its rankings would go with it.")
            project.db.conn.execute("delete from prompts where id = ?", (prompt_id,))
        project.count_edit("prompts")
    return changed("Delete prompts", "prompts", "completions", ids=ids)


def split_heldout(project: Project, fraction: float) -> Changes:
    """Mark every n-th prompt as held-out, spread evenly, so that about `fraction` of all are."""
    if not 0 <= fraction < 1:
        raise BadInput("The held-out share must be at least 0 and below 1.")
    with project.write():
        prompts = listed(project)
        for index, prompt in enumerate(prompts):
            heldout = int((index + 1) * fraction) > int(index * fraction)
            project.db.conn.execute(
                "update prompts set split = ? where id = ?", ("heldout" if heldout else "train", prompt.id)
            )
        project.count_edit("prompts")
    return changed("Hold out prompts", "prompts")
