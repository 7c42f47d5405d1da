"""Libraries of the system that the window needs and that no wheel brings along."""

import shutil
from pathlib import Path

#: Of Debian, Ubuntu and what is made of them; the last row is for X11 alone.
DEBIAN = (
    "libglib2.0-0 libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 fonts-dejavu-core",
    "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0"
    " libxcb-xinerama0",
)
OTHERWISE = (
    "install what your system calls libEGL, libGL, libxkbcommon, dbus, fontconfig, a font, and for X11 "
    "libxkbcommon-x11 and xcb's cursor, icccm, image, keysyms, render-util, shape and xinerama"
)


def remedy() -> str:
    """What to do where one is missing, as a part of a sentence."""
    if shutil.which("apt-get") is None:
        return OTHERWISE
    root = "" if Path.home() == Path("/root") else "sudo "
    return f"install what it needs with `{root}apt-get install {' '.join(DEBIAN)}`"
