"""`python -m desktop.screenshots PROJECT OUT`: every page of a project as a PNG, for the README and for looking."""

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QTabWidget

from desktop import theme
from desktop.app import build
from desktop.background import busy
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
    shooter = Shooter(app, window, options.project, options.out, f"{options.theme}-{options.size}")
    QTimer.singleShot(SETTLE_MILLISECONDS, shooter.shoot)
    return app.exec()


class Shooter:
    """Takes one picture after the other, each after the window has settled: the welcome page, then every page of
    every tab."""

    def __init__(self, app: QApplication, window: Window, project: Path, out: Path, suffix: str) -> None:
        self.app, self.window, self.project, self.out, self.suffix = app, window, project, out, suffix
        self.tab, self.page = -1, 0

    def shoot(self) -> None:
        if busy():
            QTimer.singleShot(SETTLE_MILLISECONDS, self.shoot)
            return
        self.window.grab().save(str(self.out / f"{self.name}-{self.suffix}.png"))
        if self.tab < 0:
            self.window.open_project(self.project)
        if self.pages is not None and self.page + 1 < self.pages.count():
            self.page += 1
            self.pages.setCurrentIndex(self.page)
        elif self.tab + 1 < len(TABS):
            self.tab, self.page = self.tab + 1, 0
            self.window.show_tab(self.tab)
        else:
            self.window.close()
            self.app.quit()
            return
        QTimer.singleShot(SETTLE_MILLISECONDS, self.shoot)

    @property
    def pages(self) -> QTabWidget | None:
        """The pages of the tab that is shown, if it has several."""
        return getattr(self.window.tabs[self.tab], "pages", None) if self.tab >= 0 else None

    @property
    def name(self) -> str:
        if self.tab < 0:
            return "welcome"
        page = f"-{self.pages.tabText(self.page).split(' (')[0]}" if self.pages is not None else ""
        return f"{TABS[self.tab].title}{page}".lower().replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
