"""A desktop entry and an icon, so that a Linux desktop's menu starts the window."""

import os
import re
import shutil
import sys
from pathlib import Path

import click

from core.cli.output import json_option, show
from core.errors import BadInput
from core.jobs.launch import ROOT
from core.resources import resource

#: The icon's lines, as the light theme has its accent.
COLOUR = "#2f5fb3"
ENTRY = """[Desktop Entry]
Type=Application
Version=1.5
Name=Plumbline
GenericName=Preference alignment
Comment=Align a language model with human preferences
Exec={command} window %f
Icon=plumbline
Terminal=false
Categories=Science;ArtificialIntelligence;
Keywords=RLHF;PPO;reward;preference;labeling;
StartupWMClass=plumbline
"""


@click.command("launcher")
@click.option("--remove", is_flag=True, help="Take the entry and the icon away again.")
@json_option
def launcher(remove: bool, as_json: bool) -> None:
    """Put Plumbline into the menu of a Linux desktop, for this user."""
    if not sys.platform.startswith("linux"):
        raise BadInput(
            "Desktop entries are for Linux: on Windows pin the window to the task bar, on macOS keep it in the Dock."
        )
    share = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    entry = share / "applications" / "plumbline.desktop"
    icon = share / "icons" / "hicolor" / "scalable" / "apps" / "plumbline.svg"
    if remove:
        for path in (entry, icon):
            path.unlink(missing_ok=True)
    else:
        drawing = (resource("icons") / "plumbline.svg").read_text(encoding="utf-8").replace("currentColor", COLOUR)
        for path, text in ((entry, ENTRY.format(command=_command())), (icon, drawing)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    found = {"entry": str(entry), "icon": str(icon), "installed": not remove}
    show(found, as_json, f"{'Removed' if remove else 'Wrote'} {entry} and {icon}.")


def _command() -> str:
    """How this very installation is started, quoted as desktop entries want it."""
    script = shutil.which("plumbline", path=str(Path(sys.executable).parent))
    return _quoted(script) if script else f"{_quoted(sys.executable)} {_quoted(str(ROOT / 'main.py'))}"


def _quoted(path: str) -> str:
    """One argument of `Exec`; its backslashes are read twice."""
    escaped = re.sub(r'(["`$\\])', r"\\\\\1", path).replace("%", "%%")
    return f'"{escaped}"'


COMMANDS = (launcher,)
