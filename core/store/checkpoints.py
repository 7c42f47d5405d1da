"""The checkpoints of runs: folders below the project's, of which rows say that they are whole."""

from core.store import Project


def folders(project: Project) -> list[tuple[int, str]]:
    """Number and folder of all there are, oldest first."""
    return project.database.execute("select id, folder from checkpoints order by id").fetchall()
