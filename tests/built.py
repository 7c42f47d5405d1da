"""A page of the window with all that is in it: in the program its parts are built a step at a turn."""

from typing import Any


def built(page: Any) -> Any:
    for _ in getattr(page, "parts", ()):
        pass
    return page
