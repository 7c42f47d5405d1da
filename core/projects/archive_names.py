"""What a file in an archive may be called: a project's own place, on every system, and nothing that leads out of it."""

import re
import unicodedata
from collections.abc import Iterable

from core.store import DATABASE
from core.store.files.own import RUNS

#: Bytes of a name and of a whole path, and folders in folders, that every file system holds.
LONGEST_NAME, LONGEST_PATH, DEEPEST = 200, 800, 16
#: What Windows gives to no file, whatever its ending.
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
MARKS = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')


def fault(name: str) -> bool:
    """Could no project have a file (or, with `/` at its end, a folder) called `name`?"""
    parts = name.removesuffix("/").split("/")
    own = name == DATABASE or (parts[0] == RUNS and (len(parts) > 1 or name.endswith("/")))
    if not own or MARKS.search(name) or len(parts) > DEEPEST or len(name.encode()) > LONGEST_PATH:
        return True
    return any(_is_no_name(part) for part in parts)


def _is_no_name(part: str) -> bool:
    """Empty, `.` and `..` end with what Windows cuts off, or are nothing."""
    return not part or part[-1] in ". " or len(part.encode()) > LONGEST_NAME or DEVICES.fullmatch(part) is not None


def clashes(names: Iterable[str]) -> set[str]:
    """The names of which a system that does not tell upper case from lower would see two, and files that would be
    folders, too."""
    seen: dict[str, str] = {}
    found: set[str] = set()
    folders: set[str] = set()
    for name in names:
        same = _folded(name)
        if same in seen:
            found |= {name, seen[same]}
        seen[same] = name
        parts = same.removesuffix("/").split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return found | {name for same, name in seen.items() if same in folders and not name.endswith("/")}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.removesuffix("/")).casefold()
