"""The one way from a name that a project holds to a path: it never leads out of the project's folder."""

import os
import stat
from pathlib import Path, PureWindowsPath

from core.errors import BadInput


def followed(path: Path) -> Path:
    """Where `path` leads through links; it need not be there. Raises `ValueError` where they end nowhere."""
    try:
        found = path.resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if any(each.is_symlink() for each in (found, *found.parents)):  # Python 3.13 leaves a circle as it is
        raise ValueError(f"Symlink loop from {str(found)!r}")
    return found


def inside(folder: Path, *names: str) -> Path:
    """`folder / names`, each of which may have parts of its own (`runs/3/step-000010`).

    Raises `BadInput` for a name that is empty, absolute, holds `..`, a drive or what no file system takes, and for a
    link on the way, wherever it leads: of two names for one place the second would be written over the first. What is
    named need not exist.
    """
    for name in names:
        parts = PureWindowsPath(name)  # both kinds of slash, and drives
        if not parts.parts or parts.anchor or ".." in parts.parts or "\\" in name or not name.isprintable():
            raise BadInput(f"{folder} names {name!r}, which is no place inside it: nothing there is read or written.")
    path, root = folder.joinpath(*names), folder.resolve()
    try:
        found = followed(path)
    except ValueError as error:
        raise BadInput(f"{path} is a link that leads nowhere: remove it.") from error
    if found != root.joinpath(*names):
        where = "within" if found.is_relative_to(root) else "out of"
        raise BadInput(f"{path} is a link {where} the project: put what it leads to in its place, or remove it.")
    return path


def own_file(folder: Path, *names: str) -> Path:
    """A file of the project's own, to be read. Raises `BadInput` as `inside` does, and for one that has a second name
    (a hard link): it could be a file of the person's that is none of the project."""
    path = inside(folder, *names)
    _refuse_second_name(path)
    return path


def check_own(folder: Path, *names: str) -> Path:
    """`inside`, with all that lies in that folder: no link, and no file with a second name. Raises `BadInput`."""
    found = inside(folder, *names)
    for parent, folders, files in os.walk(found):
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink():
                inside(folder, path.relative_to(folder).as_posix())
            _refuse_second_name(path)
    return found


def _refuse_second_name(path: Path) -> None:
    try:
        found = path.lstat()
    except OSError:
        return  # it is not there
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise BadInput(
            f"{path} has a second name elsewhere (a hard link), and could be a file of yours that is none of the "
            "project: put a copy of it in its place."
        )
