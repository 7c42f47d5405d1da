"""Groups of completions as the units that are given out and ranked."""

from collections.abc import Collection

from core.records import MOST_COMPLETIONS
from core.store import Project, cells
from core.store.demonstrations import ALONE

#: Has the group `g` more completions than anybody orders? Only a project made elsewhere has such.
TOO_LARGE = f"((select count(*) from completions o where o.group_id = g.id) > {MOST_COMPLETIONS})"
#: Is the group `g` one that people rank? Whoever counts them, shares them out or leads to them asks this.
RANKABLE = f"(not {ALONE} and not {TOO_LARGE})"


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


def unrankable(project: Project) -> set[int]:
    """Those that are no work to rank: demonstrations alone, and what is too large to be ordered."""
    return set(project.database.column("select g.id from completion_groups g where not " + RANKABLE))


def too_large(project: Project) -> set[int]:
    """Those of more completions than anybody orders."""
    return set(project.database.column("select g.id from completion_groups g where " + TOO_LARGE))


def too_large_sentence(found: Collection[int]) -> str:
    """The sentence about groups that are too large; empty for none."""
    if not found:
        return ""
    many = "1 prompt has" if len(found) == 1 else f"{len(found):,} prompts have"
    return f"{many} more than {MOST_COMPLETIONS} answers in one group and cannot be ranked: import fewer together."


def exist(project: Project) -> bool:
    """Is there anything that can be ranked, by whomever?"""
    return bool(project.database.value("select exists (select 1 from completion_groups g where " + RANKABLE + ")"))


def count_unranked(project: Project, most: int) -> int:
    """How many that can be ranked nobody ranked, counted up to `most`. Looks at all of them where they are fewer."""
    return int(project.database.value(
        "select count(*) from (select 1 from completion_groups g where g.id not in (select group_id from rankings)"
        " and " + RANKABLE + " order by g.id desc limit ?)", most,
    ))  # fmt: skip


def count_unranked_since(project: Project, job_id: int, newest: int) -> int:
    """How many of the `newest` ones a later job wrote, and nobody ranked."""
    return int(project.database.value(
        "select count(*) from (select id, job_id from completion_groups order by id desc limit ?) g"
        " where g.job_id > ? and not exists (select 1 from rankings r where r.group_id = g.id) and " + RANKABLE,
        newest, job_id,
    ))  # fmt: skip


def without_rankings(project: Project) -> list[int]:
    """Those of at least two completions whose rankings, if any, do not count."""
    return project.database.column(
        "select g.id from completion_groups g where not exists ("
        " select 1 from current_rankings r where r.group_id = g.id)"
        " and (select count(*) from completions c where c.group_id = g.id) > 1 order by g.id"
    )
