"""Where the shipped files lie: icons, guideline templates, the demo's content, the guide."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "resources"


def resource(name: str) -> Path:
    return ROOT / name
