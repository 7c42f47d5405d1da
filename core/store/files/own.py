"""What in a project's folder is Plumbline's own. Nothing that a person has written somewhere goes over it."""

from fnmatch import fnmatch
from pathlib import Path

from core.errors import BadInput

DATABASE = "plumbline.db"
RUNS = "runs"
#: What Plumbline itself writes into a project's folder, as patterns; anything else there belongs to somebody else.
OWN = (
    *(DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", "plumbline.before-*", RUNS),
    *("worker.lock", "worker.lock-journal", "worker.leave", "worker.log"),
)


def refuse(target: Path) -> None:
    """Raises `BadInput` where `target` is, or would be, a file of any project's own."""
    place = target.resolve()
    for folder in place.parents:
        name = place.relative_to(folder).parts[0].lower()  # as some systems do
        if any(fnmatch(name, pattern) for pattern in OWN) and (folder / DATABASE).is_file():
            raise BadInput(f"{target} is a file of the project in {folder} itself: choose another place.")
