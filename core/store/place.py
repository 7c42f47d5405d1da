"""Where a project lies, by the file system's own numbers: a path may come to name something else while it is open."""

import errno
from pathlib import Path

Place = tuple[tuple[int, int], ...]


def place_of(*paths: Path) -> Place | None:
    """Device and number of each; None where one is gone."""
    try:
        found = [path.stat() for path in paths]
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
            return None
        raise
    return tuple((each.st_dev, each.st_ino) for each in found)
