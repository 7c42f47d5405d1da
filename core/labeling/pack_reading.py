"""A labeling pack is read in a copy, so that the file itself is not touched; a damaged one is told from a full disk."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import AlteredProject, BadInput, KnownError, ProjectError, known
from core.store import DATABASE, Project, open_project
from core.store.files import beside, closed, plain, snapshots
from core.store.packed_rankings import PACK

SUFFIX = ".plumbpack"
#: What is raised where a pack is read that is damaged, or that holds what cannot be taken. The disk raises them, too.
SPOILT = (KnownError, sqlite3.Error, UnicodeError)


@contextmanager
def reading(path: Path) -> Iterator[Project]:
    """A pack (or a project's folder) as a project that may be read. Raises `BadInput` for a file that is none."""
    source = path / DATABASE if path.is_dir() else path
    if not source.is_file():
        raise BadInput(f"{path} is not a file: choose a labeling pack ({SUFFIX}).")
    with beside.scratch(Path(tempfile.gettempdir())) as folder, closing(_copied(path, source, folder)) as packed:
        yield packed


def head(path: Path) -> bytes:
    """How a file begins, without blanks before it."""
    with plain.opened(path) as file:
        return file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").lower()


def _copied(path: Path, source: Path, folder: Path) -> Project:
    try:
        if head(source).startswith((b"<", b"{")):
            raise BadInput(f"{path.name} is a page or its answers: open a page in a browser, and merge its answers.")
        snapshots.copy(source, folder / DATABASE)
        if closed.fault(folder / DATABASE, references=False):
            raise ProjectError("what it holds contradicts itself")
        return open_project(folder)
    except AlteredProject:
        raise
    except (OSError, sqlite3.Error, ProjectError) as error:
        raise_if_of_the_machine(error)
        raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error


def labeler(packed: Project, path: Path) -> str:
    """Whose pack it is. Raises `BadInput` for a project that is none."""
    name = packed.setting(PACK)
    if not isinstance(name, str) or not name.strip():
        raise BadInput(f"{path.name} is a project and no labeling pack: choose a file that `pack` made ({SUFFIX}).")
    return name


def raise_if_of_the_machine(error: Exception) -> None:
    """Raise what an error met while a pack was read says of this machine (its disk is full, or may not be written);
    return where it is about the pack."""
    found = known(error)
    if found is not None and not isinstance(found, BadInput):
        raise found from error
