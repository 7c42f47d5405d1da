"""What the window remembers for this person: theme, font sizes, geometry, recent projects, labeler name.

Nothing about a project lives here but the tab at which it was left. With PLUMBLINE_DATA set, the settings lie in that
folder.
"""

import getpass
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from core.config.options import documented, option
from core.resources import data_folder
from desktop.places import TabId, kept_tab
from desktop.theme.theme import BODY

RECENT = 8
#: How large everything may be before a room.
SCALES = (1.0, 2.0)
#: What of the ways to look at the cards is on until somebody turns it off.
VIEWS_ON = {"left_out", "markdown"}


@dataclass(frozen=True)
class Choices:
    """What a person chooses in the settings dialog, by the keys that it is kept under."""

    theme: str = option("system", "Colours of the window.", choices=("system", "light", "dark"))
    window_font_size: int = option(BODY, "In pixels; headings and small print go along.", low=12, high=16)
    font_size: int = option(15, "In pixels. In the Rank tab, Ctrl++ and Ctrl+- change it, too.", low=10, high=32)
    labeler: str = option(
        "", "Your rankings are kept under it; those made before keep their name.", zero="your user name"
    )
    break_minutes: int = option(
        0,
        "After so many minutes of ranking without a pause, in the Rank tab.",
        low=0,
        high=240,
        zero="never",
    )


def choices() -> Choices:
    """As chosen now."""
    return Choices(theme(), window_font_size(), font_size(), labeler_name(), break_minutes())


def choose(name: str, value: Any) -> None:
    """Keep one of the `Choices`."""
    _store().setValue(name, value)


def reset() -> None:
    """Put back the defaults of the `Choices`; other habits and recent projects stay."""
    for item in documented(Choices):
        _store().remove(item.name)


def _store() -> QSettings:
    if os.environ.get("PLUMBLINE_DATA"):
        return QSettings(str(data_folder() / "window.ini"), QSettings.Format.IniFormat)
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


def window_font_size() -> int:
    """Pixels of the window's text."""
    return max(12, min(16, int(_get("window_font_size", BODY))))


def font_size() -> int:
    """Pixels of the text in ranking cards."""
    return max(10, min(32, int(_get("font_size", 15))))


def set_font_size(pixels: int) -> None:
    _store().setValue("font_size", pixels)


def presentation_scale() -> float:
    """How many times as large as usual everything is before a room."""
    return max(SCALES[0], min(SCALES[1], float(_get("presentation_scale", 1.5))))


def set_presentation_scale(times: float) -> None:
    _store().setValue("presentation_scale", times)


def ranking_method() -> str:
    """How a labeler likes to give an order: `order`, `pairwise` or `best-worst`."""
    value = str(_get("ranking_method", "order"))
    return value if value in ("order", "pairwise", "best-worst") else "order"


def set_ranking_method(method: str) -> None:
    _store().setValue("ranking_method", method)


def card_view(name: str) -> bool:
    """What somebody likes to have while ranking or not, by its name in `desktop.rank.actions.VIEWS`."""
    return str(_get(f"cards_{name}", str(name in VIEWS_ON))).lower() == "true"


def set_card_view(name: str, on: bool) -> None:
    _store().setValue(f"cards_{name}", "true" if on else "false")


def card_folded(name: str) -> bool:
    """Was a card of tabs folded away?"""
    return str(_get(f"folded_{name}", "false")).lower() == "true"


def set_card_folded(name: str, on: bool) -> None:
    _store().setValue(f"folded_{name}", "true" if on else "false")


def prompt_share() -> float:
    """Of the height of the page on which is ranked, so much belongs to the prompt; 0 is as much as it needs."""
    return max(0.0, min(0.8, float(_get("prompt_share", 0.0))))


def set_prompt_share(share: float) -> None:
    _store().setValue("prompt_share", share)


def break_minutes() -> int:
    """Minutes of labeling after which a break is suggested; 0 is never."""
    return max(0, min(240, int(_get("break_minutes", 0))))


def set_break_minutes(minutes: int) -> None:
    _store().setValue("break_minutes", minutes)


def server() -> str:
    """The address of the server that was asked last; empty while none was."""
    return str(_get("server", ""))


def set_server(address: str) -> None:
    _store().setValue("server", address)


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


def forget_recent_project(folder: Path) -> None:
    """Take a project off the list; the project itself stays where it is."""
    _store().setValue("recent", [str(path) for path in recent_projects() if path != folder])


def last_folder() -> Path:
    """Where a file was chosen last; the person's home while none was, or if it is gone."""
    folder = Path(str(_get("last_folder", "")) or Path.home())
    return folder if folder.is_dir() else Path.home()


def set_last_folder(folder: Path) -> None:
    _store().setValue("last_folder", str(folder))


def left_running() -> Path | None:
    """The project in which a job went on when the window was closed."""
    folder = str(_get("left_running", ""))
    return Path(folder) if folder and (Path(folder) / "plumbline.db").is_file() else None


def set_left_running(folder: Path | None) -> None:
    _store().setValue("left_running", str(folder or ""))


def last_tab(folder: Path) -> TabId | None:
    """The tab at which a project was left; None for one that was not."""
    return kept_tab(str(_tabs().get(str(folder), "")))


def set_last_tab(folder: Path, tab: TabId) -> None:
    """Of the projects left last."""
    others = [(path, kept) for path, kept in _tabs().items() if path != str(folder)]
    _store().setValue("tabs", json.dumps(dict([*others, (str(folder), tab.value)][-RECENT:])))


def _tabs() -> dict[str, Any]:
    try:
        found = json.loads(str(_get("tabs", "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def geometry() -> QByteArray | None:
    value = _get("geometry", None)
    return value if isinstance(value, QByteArray) else None


def set_geometry(value: QByteArray) -> None:
    _store().setValue("geometry", value)
