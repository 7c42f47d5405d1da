"""JSON in a cell, read as the kind that it must be: a file that was damaged, or made by others, holds anything."""

import json
from typing import TypeVar

from core.errors import ProjectError

T = TypeVar("T")
DAMAGED = "cannot be read: the project's file is damaged there. Restore it from a backup."


def read(text: object, kind: type[T], where: str) -> T:
    """The value in `text`, which must be a `kind` (`object` is any). Raises `ProjectError` that says `where` it is."""
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{where} {DAMAGED}") from error
    if not isinstance(found, kind) or (isinstance(found, bool) and kind in (int, float)):
        raise ProjectError(f"{where} {DAMAGED}")
    return found


def tags(text: object, prompt: object) -> tuple[str, ...]:
    """The tags of a prompt. Raises `ProjectError`."""
    return tuple(str(item) for item in read(text, list, f"The tags of prompt {prompt}"))
