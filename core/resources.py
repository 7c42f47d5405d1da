"""Where the shipped files lie (icons, guidelines, the demo's content, the guide), and where a user's own do."""

import os
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parent.parent / "resources"


def resource(name: str) -> Path:
    return ROOT / name


def data_folder() -> Path:
    """Plumbline's own folder for this user; PLUMBLINE_DATA overrides it."""
    override = os.environ.get("PLUMBLINE_DATA")
    return Path(override).expanduser() if override else Path(platformdirs.user_data_dir("plumbline", appauthor=False))
