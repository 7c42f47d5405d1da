"""`python -m desktop.screenshots PROJECT OUT`: every tab of a project as a PNG, for the README and for looking."""

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop import theme
from desktop.app import build
from desktop.tabs import TABS
from desktop.window import Window

SETTLE_MILLISECONDS = 900


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m desktop.screenshots", description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    options.out.mkdir(parents=True, exist_ok=True)
    app, window = build([])
    theme.apply(app, options.theme)
    window.resize(width, height)
    window.show()
    names = ["welcome", *(kind.title.lower().replace(" ", "-") for kind in TABS)]
    Shooter(app, window, options.project, options.out, [f"{name}-{options.theme}-{options.size}" for name in names])
    return app.exec()


class Shooter:
    """Takes one picture after the other, each after the window has settled."""

    def __init__(self, app: QApplication, window: Window, project: Path, out: Path, names: list[str]) -> None:
        self.app, self.window, self.project, self.out, self.names = app, window, project, out, names
        QTimer.singleShot(SETTLE_MILLISECONDS, lambda: self.shoot(0))

    def shoot(self, number: int) -> None:
        self.window.grab().save(str(self.out / f"{self.names[number]}.png"))
        if number == len(TABS):
            self.window.close()
            self.app.quit()
            return
        if number == 0:
            self.window.open_project(self.project)
        self.window.show_tab(number)
        QTimer.singleShot(SETTLE_MILLISECONDS, lambda: self.shoot(number + 1))


if __name__ == "__main__":
    sys.exit(main())
