"""What the window remembers for this person: theme, font size, geometry, recent projects, labeler name.

Nothing about a project lives here. With PLUMBLINE_DATA set, the settings lie in that folder.
"""

import getpass
import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

RECENT = 8


def _store() -> QSettings:
    if folder := os.environ.get("PLUMBLINE_DATA"):
        return QSettings(str(Path(folder) / "window.ini"), QSettings.Format.IniFormat)
    return QSettings("Plumbline", "Plumbline")


def _get(key: str, default: Any) -> Any:
    value = _store().value(key)
    return default if value is None else value


def theme() -> str:
    """`system`, `light` or `dark`."""
    value = str(_get("theme", "system"))
    return value if value in ("system", "light", "dark") else "system"


def set_theme(mode: str) -> None:
    _store().setValue("theme", mode)


def font_size() -> int:
    """Pixels of the text in ranking cards."""
    return max(10, min(32, int(_get("font_size", 15))))


def set_font_size(pixels: int) -> None:
    _store().setValue("font_size", pixels)


def ranking_method() -> str:
    """How a labeler likes to give an order: `order`, `pairwise` or `best-worst`."""
    value = str(_get("ranking_method", "order"))
    return value if value in ("order", "pairwise", "best-worst") else "order"


def set_ranking_method(method: str) -> None:
    _store().setValue("ranking_method", method)


def card_view(name: str) -> bool:
    """A way to look at the cards that is on or off: `stacked`, `markdown`, `differences`."""
    return str(_get(f"cards_{name}", "false")).lower() == "true"


def set_card_view(name: str, on: bool) -> None:
    _store().setValue(f"cards_{name}", "true" if on else "false")


def break_minutes() -> int:
    """Minutes of labeling after which a break is suggested; 0 is never."""
    return max(0, min(240, int(_get("break_minutes", 0))))


def set_break_minutes(minutes: int) -> None:
    _store().setValue("break_minutes", minutes)


def smoothing() -> float:
    """How much of the mean before stays in the smoothed curves of the charts: 0 (none) to 0.99."""
    return max(0.0, min(0.99, float(_get("smoothing", 0.6))))


def set_smoothing(share: float) -> None:
    _store().setValue("smoothing", share)


def labeler_name() -> str:
    return str(_get("labeler", "")).strip() or _user()


def set_labeler_name(name: str) -> None:
    _store().setValue("labeler", name.strip())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"


def recent_projects() -> list[Path]:
    """Folders of projects opened lately, newest first, that are still there."""
    value = _get("recent", [])
    texts = [value] if isinstance(value, str) else list(value)
    return [Path(text) for text in texts if (Path(text) / "plumbline.db").is_file()][:RECENT]


def add_recent_project(folder: Path) -> None:
    others = [path for path in recent_projects() if path != folder]
    _store().setValue("recent", [str(path) for path in [folder, *others]][:RECENT])


def geometry() -> QByteArray | None:
    value = _get("geometry", None)
    return value if isinstance(value, QByteArray) else None


def set_geometry(value: QByteArray) -> None:
    _store().setValue("geometry", value)
