"""What the worker tells of itself: its process, and the model that it holds. A row of the project's settings.

It stays when the worker is gone, so that its last choice of a device can be shown; whether it lives, its lock says.
"""

import os
from dataclasses import asdict, dataclass

from core.events import Loaded
from core.store import Project

KEY = "worker"


@dataclass(frozen=True)
class Presence:
    pid: int
    loaded: Loaded | None


def tell(project: Project, loaded: Loaded | None = None) -> None:
    """Called by the worker when it begins, when it has loaded a model and when it has let go of it."""
    project.set_setting(KEY, {"pid": os.getpid(), "loaded": asdict(loaded) if loaded else None})


def last(project: Project) -> Presence | None:
    """What the newest worker told; None if there never was one."""
    found = project.setting(KEY)
    try:
        return found and Presence(int(found["pid"]), Loaded(**found["loaded"]) if found["loaded"] else None)
    except (KeyError, TypeError, ValueError):  # another program wrote it
        return None
