"""Places that others name: known by their words alone until a person agreed, and looked at only then.

A mere look at `/net/host` or `\\\\host\\share` tells a host who looks.
"""

import hashlib
import os
import re
import sysconfig
from functools import cache
from pathlib import Path

import core
from core.errors import BadInput

#: Bytes of a file of code.
MOST = 10_000_000
#: Letters of a path: no system opens a longer one.
LONGEST = 4_096
#: Folders of installed packages, and files that lie side by side in Python's standard library only.
INSTALLED, LIBRARY = ("site-packages", "dist-packages"), ("os.py", "abc.py")
#: What a page shows as blanks: spaces, and signs that are letters by their kind and have no shape.
_BLANKS = re.compile(
    "[ \u115f\u1160\u2800\u3164\uffa0]*[\u115f\u1160\u2800\u3164\uffa0][ \u115f\u1160\u2800\u3164\uffa0]*| {2,}"
)


def quoted(text: object) -> str:
    """A name as a question shows it: whole, in one piece, and nothing in it pushes what follows out of sight. Raises
    `BadInput` for what is longer than any name."""
    name = str(text)
    if len(name) > LONGEST:
        raise BadInput(f"{name[:60]!r} … is no name: it has {len(name):,} letters.")
    return _BLANKS.sub(lambda run: f"‹{len(run[0])} blanks›", repr(name))


def spelled(text: str) -> Path:
    """The place that `text` names from here; nothing is looked at. Raises `ValueError` for what is no path."""
    if "\0" in text or len(text) > LONGEST:
        raise ValueError("it holds a byte that no path has" if "\0" in text else "it is longer than any path")
    os.fsencode(text)
    parts = Path(text).parts
    climbs = [number for number, part in enumerate(parts) if part == ".."]
    if climbs != list(range(len(climbs))):  # where `link/..` leads is seen only by looking
        return Path(os.path.abspath(os.curdir)) / text
    return Path(os.path.abspath(text))


def hash_of_code(place: Path) -> str:
    """Raises `OSError` or `ValueError` for what cannot be a file of code."""
    if not place.is_file():  # a pipe or a device never ends
        raise ValueError(f"{place} is not a file")
    if place.stat().st_size > MOST:
        raise ValueError(f"{place} is too large")
    return hashlib.sha256(place.read_bytes()).hexdigest()


def check_spelling(place: Path) -> None:
    """Raise `BadInput` for a file that never is a reward, as far as its path says so."""
    path = Path(os.path.normpath(place))
    for root, whose in _roots().items():
        if path.is_relative_to(root):
            raise _refused(place, whose)
    if any(part.lower() in INSTALLED for part in path.parts):
        raise _refused(place, "an installed package")


def check_found(place: Path) -> None:
    """Raise `BadInput` for a file, with no links in its path, that lies below Python, a package or the program: of any
    Python here, however it is called."""
    check_spelling(place)
    for folder in place.parents:
        if all((folder / name).is_file() for name in LIBRARY):
            raise _refused(place, "Python's standard library")
        for root, whose in _roots().items():
            if root.is_dir() and folder.samefile(root):
                raise _refused(place, whose)


def _refused(place: Path, whose: str) -> BadInput:
    more = ", or a module that you installed as `module:function`" if whose == "an installed package" else ""
    return BadInput(f"{quoted(place)} is part of {whose} and holds no rewards: name a function of your own{more}.")


@cache
def _roots() -> dict[Path, str]:
    """Folders below which nothing is a reward, as they are spelled and where they lead."""
    program = Path(core.__file__).parent.parent
    found = {program / "core": "Plumbline itself", program / "desktop": "Plumbline itself"}
    found |= {Path(sysconfig.get_path(name)): "Python's standard library" for name in ("stdlib", "platstdlib")}
    return found | {root.resolve(): whose for root, whose in found.items()}
