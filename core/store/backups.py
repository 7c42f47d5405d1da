"""Copies of a project's file that lie beside it: which one to take when it is damaged."""

from pathlib import Path

from core.errors import DamagedProject


def newest(folder: Path) -> Path | None:
    """The newest copy that was made before a migration."""
    found = folder.glob("plumbline.before-*.db")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def damaged(folder: Path) -> DamagedProject:
    """Says that the project's file is damaged, and what it can be restored from."""
    copy = newest(folder)
    source = f"{copy.name} beside it is the newest backup" if copy else "an archive is one, if you made any"
    return DamagedProject(
        f"The project's database in {folder} is damaged: put it aside and restore plumbline.db from a backup "
        f"({source})."
    )
