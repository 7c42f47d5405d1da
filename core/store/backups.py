"""Copies of a project's file that lie beside it: which one to take when it is damaged, and what must go along."""

import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import DamagedProject, ProjectError
from core.store.connection import is_ours, opened
from core.store.files.own import DATABASE


def newest(folder: Path) -> Path | None:
    """The newest copy that was made before a migration."""
    found = (path for path in folder.glob("plumbline.before-*.db") if path.is_file())
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def beside(folder: Path) -> list[str]:
    """What SQLite keeps beside the file. It reads them with whatever is called so, also with a backup in its place."""
    return [name for name in (f"{DATABASE}-wal", f"{DATABASE}-shm") if (folder / name).exists()]


def damaged(folder: Path) -> DamagedProject:
    """Says that the project's file is damaged, or what lies beside it, and what it can be restored from."""
    others = beside(folder)
    if others and _is_whole(folder / DATABASE):
        return DamagedProject(
            f"In {folder} {DATABASE} is whole, but {' and '.join(others)} beside it are of another file, or damaged: "
            "put them aside, and open the project again."
        )
    *first, last = (DATABASE, *others)
    names = f"{', '.join(first)} and {last}, all of them," if first else last
    copy = newest(folder)
    source = f"{copy.name} beside it is the newest backup" if copy else "an archive is one, if you made any"
    return DamagedProject(
        f"The project's database in {folder} is damaged: put {names} aside and restore {DATABASE} from a backup "
        f"({source})."
    )


def _is_whole(path: Path) -> bool:
    """Without what lies beside it."""
    try:
        with closing(opened(path, "mode=ro&immutable=1")) as connection:
            return is_ours(connection) and connection.execute("pragma quick_check(1)").fetchone()[0] == "ok"
    except (sqlite3.Error, OSError, UnicodeDecodeError, ProjectError):
        return False
