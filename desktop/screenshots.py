"""`python -m desktop.screenshots PROJECT OUT`: every page of a project as a PNG, for the README and for looking.

In light and dark and at two sizes, unless options say otherwise. The project is opened: give it a copy.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from desktop.app import build, leave
from desktop.background import busy
from desktop.places import TabId
from desktop.theme import theme
from desktop.window import Window

THEMES = ("light", "dark")
SIZES = ("1280x800", "1920x1080")
SETTLE_MILLISECONDS = 150
#: Looks after which a page is taken as it is.
PATIENCE = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m desktop.screenshots", description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", nargs="+", default=SIZES)
    parser.add_argument("--theme", nargs="+", choices=THEMES, default=THEMES)
    parser.add_argument("--settle", type=int, default=SETTLE_MILLISECONDS, metavar="MS",
                        help="milliseconds in which a page may not change any more")  # fmt: skip
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    app, window = build([])
    window.show()
    for mode in options.theme:
        for size in options.size:
            for name, picture in pages(app, window, options.project, mode, size, settle=options.settle):
                picture.save(str(options.out / f"{name}-{mode}-{size}.png"))
    leave(window)
    return 0


def pages(
    app: QApplication, window: Window, project: Path, mode: str, size: str, *, settle: int = SETTLE_MILLISECONDS
) -> Iterator[tuple[str, QPixmap]]:
    """The welcome page, then every page of every tab, each after the window has settled, with its name."""
    theme.apply(app, mode)
    width, height = (int(part) for part in size.split("x"))
    window.resize(width, height)
    window.workspace.close()
    window.welcome.refresh()
    yield "welcome", _settled(window, settle)
    window.workspace.open(project)
    assert window.page is not None
    for tab in TabId:
        found = window.page.open_tab(tab)
        for number, page in enumerate(found.info.pages or (None,)):
            if found.pages is not None:
                found.pages.setCurrentIndex(number)
            title = tab.label if page is None else f"{tab.label}-{page.label}"
            yield title.lower().replace(" ", "-"), _settled(window, settle)


def _settled(window: Window, milliseconds: int) -> QPixmap:
    """The window once nothing is read in the background and it looks the same twice, with so much time between."""
    loop, before = QEventLoop(), None
    for _ in range(PATIENCE):
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
        picture = window.grab()
        now = None if busy() else picture.toImage()
        if now is not None and now == before:
            return picture
        before = now
    return window.grab()


if __name__ == "__main__":
    sys.exit(main())
