"""Whether anything was written by others, and into which tables: cheap questions, asked several times a second."""

from core.store import Project

#: The newest row of each table that is watched.
NEWEST = {
    "completion_groups": "select coalesce(max(id), 0) from completion_groups",
    "rankings": "select coalesce(max(id), 0) from rankings",
    "prompts": "select coalesce(max(id), 0) from prompts",
    "guidelines": "select coalesce(max(id), 0) from guidelines",
    "arenas": "select coalesce(max(id), 0) from arenas",
    "arena_policies": "select coalesce(max(id), 0) from arena_policies",
    "arena_prompts": "select coalesce(max(id), 0) from arena_prompts",
    "arena_answers": "select coalesce(max(id), 0) from arena_answers",
    "arena_votes": "select coalesce(max(id), 0) from arena_votes",
}


def data_version(project: Project) -> int:
    """Another number than before where another connection has committed something since (2.8 us)."""
    return int(project.database.value("pragma data_version"))


def states(project: Project) -> dict[str, tuple[int, int]]:
    """For each table its newest row and how often rows of it were changed or deleted."""
    return {table: (int(project.database.value(sql)), project.edits(table)) for table, sql in NEWEST.items()}
