"""Groups of completions as the units that are given out and ranked."""

from core.store import Project, cells


def prompt_text(project: Project, group_id: int) -> str:
    """The prompt that the group answers."""
    return str(project.database.value(
        "select p.text from prompts p join completion_groups g on g.prompt_id = p.id where g.id = ?", group_id
    ))  # fmt: skip


def tags(project: Project) -> dict[int, set[str]]:
    """The tags of each group's prompt, where it has any."""
    rows = project.database.execute(
        "select g.id, p.id, p.tags from completion_groups g join prompts p on p.id = g.prompt_id where p.tags != '[]'"
    )
    return {group_id: set(cells.tags(text, prompt_id)) for group_id, prompt_id, text in rows}


def count_unranked(project: Project, most: int) -> int:
    """How many nobody ranked, counted up to `most`."""
    return int(project.database.value(
        "select count(*) from (select 1 from completion_groups where id not in (select group_id from rankings)"
        " limit ?)", most,
    ))  # fmt: skip


def count_unranked_since(project: Project, job_id: int, newest: int) -> int:
    """How many of the `newest` ones a later job wrote, and nobody ranked."""
    return int(project.database.value(
        "select count(*) from (select id, job_id from completion_groups order by id desc limit ?) g"
        " where g.job_id > ? and not exists (select 1 from rankings r where r.group_id = g.id)", newest, job_id,
    ))  # fmt: skip


def without_rankings(project: Project) -> list[int]:
    """Those of at least two completions whose rankings, if any, do not count."""
    return project.database.column(
        "select g.id from completion_groups g where not exists ("
        " select 1 from current_rankings r where r.group_id = g.id)"
        " and (select count(*) from completions c where c.group_id = g.id) > 1 order by g.id"
    )
