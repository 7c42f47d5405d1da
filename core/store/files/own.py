"""What is Plumbline's own: files in a project's folder, and those that carry one. Nothing that a person has written
somewhere goes over them."""

from codecs import BOM_UTF8
from fnmatch import fnmatch
from pathlib import Path

from core.errors import BadInput
from core.store.connection import APPLICATION_ID

DATABASE = "plumbline.db"
RUNS = "runs"
#: What Plumbline itself writes into a project's folder, as patterns; anything else there belongs to somebody else.
OWN = (
    *(DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", "plumbline.before-*", RUNS),
    *("worker.lock", "worker.lock-journal", "worker.leave", "worker.log"),
)
#: With it begins every file of SQLite's; at `ID_AT` is who made it (sqlite.org/fileformat.html).
MAGIC = b"SQLite format 3\0"
ID_AT = slice(68, 72)
#: How an archive begins, and where the name of its first file is (APPNOTE.TXT of ZIP, 4.3.7): our own is the database.
ENTRY = b"PK\3\4"
NAME_AT = slice(30, 30 + len(DATABASE))
#: What stands near the beginning of a page's answers, that somebody ranked in a browser, however they are spaced.
ANSWERS, LOOKED_AT = b'"plumbline":"answers"', 4096


def refuse(target: Path) -> None:
    """Raises `BadInput` where `target` is, or would be, a file of any project's own."""
    place = target.resolve()
    for folder in place.parents:
        name = place.relative_to(folder).parts[0].lower()  # as some systems do
        if any(fnmatch(name, pattern) for pattern in OWN) and (folder / DATABASE).is_file():
            raise BadInput(f"{target} is a file of the project in {folder} itself: choose another place.")


def says_ours(path: Path) -> bool:
    """Does the file begin as a project, a labeling pack, answers of a page or an archive that Plumbline made, whatever
    state the rest of it is in? Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    is_database = head.startswith(MAGIC) and head[ID_AT] == APPLICATION_ID.to_bytes(4, "big")
    is_archive = head.startswith(ENTRY) and head[NAME_AT] == DATABASE.encode()
    text = b"".join(head.removeprefix(BOM_UTF8).split())
    return is_database or is_archive or (text.startswith(b"{") and ANSWERS in text)


def refuse_work(target: Path) -> None:
    """Raises `BadInput` where `target` is a file in which somebody's work may lie that lies nowhere else, and `OSError`
    where it cannot be looked at."""
    if target.is_file() and says_ours(target):
        raise BadInput(
            f"{target} is a labeling pack, an archive or another file of Plumbline's, and may hold work that lies "
            "nowhere else: choose another name, or delete it first."
        )
