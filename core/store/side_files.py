"""What lies beside a database: SQLite writes to it, and deletes what it names, before it runs the first statement."""

import os
import stat
from pathlib import Path

from core.errors import AlteredProject

SUFFIXES = ("", "-journal", "-wal", "-shm")
#: With it ends a journal that names another one, to be deleted once it is rolled back (sqlite.org/fileformat.html).
MAGIC = bytes.fromhex("d9d505f920a163d7")
TRAILER = 16


def refuse_traps(path: Path) -> None:
    """Raises `AlteredProject` where opening `path` would write to, wait for, or delete a file elsewhere."""
    for beside in (path.with_name(path.name + suffix) for suffix in SUFFIXES):
        if os.path.lexists(beside) and not stat.S_ISREG(beside.lstat().st_mode):
            raise AlteredProject(f"{beside} is a link or no file: delete it, or put the file itself there.")
    journal = path.with_name(path.name + "-journal")
    if journal.exists() and _names_another(journal):
        raise AlteredProject(f"{journal} names a file elsewhere, which would be deleted: delete {journal.name} first.")


def _names_another(journal: Path) -> bool:
    """None that Plumbline leaves does: it changes one file at a time, or those that need no journal."""
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TRAILER))
        return file.read().endswith(MAGIC)
