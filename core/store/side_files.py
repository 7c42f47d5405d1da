"""What lies beside a database: SQLite writes to it, and deletes what it names, before it runs the first statement.

It does so even where it only reads the database. A second name (a hard link) looks like any other file, and what is
written there is written to a file that may be somebody else's.
"""

import os
import stat
from pathlib import Path

from core.errors import AlteredProject

SUFFIXES = ("", "-journal", "-wal", "-shm")
#: With it ends a journal that names another one, to be deleted once it is rolled back (sqlite.org/fileformat.html).
MAGIC = bytes.fromhex("d9d505f920a163d7")
TRAILER = 16


def refuse_traps(path: Path, *, only_read: bool = False) -> None:
    """Raises `AlteredProject` where opening `path` would write to, wait for, or delete a file elsewhere.

    A database that is `only_read` may have a second name itself.
    """
    for suffix in SUFFIXES:
        beside = path.with_name(path.name + suffix)
        if os.path.lexists(beside):
            _refuse_trap(beside, beside.lstat(), only_read=only_read and not suffix)
    journal = path.with_name(path.name + "-journal")
    if journal.exists() and _names_another(journal):
        raise AlteredProject(f"{journal} names a file elsewhere, which would be deleted: delete {journal.name} first.")


def _refuse_trap(path: Path, found: os.stat_result, *, only_read: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise AlteredProject(f"{path} is a link or no file: delete it, or put the file itself there.")
    if found.st_nlink > 1 and not only_read:  # it may be the person's own, kept in a snapshot: nothing is to be deleted
        raise AlteredProject(
            f"{path} has a second name elsewhere (a hard link), where everything would be written too: make a copy of "
            f"the folder {path.parent}, whose files have one name each, and open that."
        )


def _names_another(journal: Path) -> bool:
    """None that Plumbline leaves does: it changes one file at a time, or those that need no journal."""
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TRAILER))
        return file.read().endswith(MAGIC)
