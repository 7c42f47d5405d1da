"""Every page in both themes and two sizes beside how it looked when somebody last looked at it.

Pictures are compared small, by the edges in each block, so that a moved, missing or clipped part is noticed and a
font's hinting is not. `python -m tests.desktop.test_looks` makes the kept ones anew: look at the pages first.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QImage, QPainter
from PySide6.QtWidgets import QApplication

from core.resources import resource
from desktop import user_settings
from desktop.app import build, leave
from desktop.screenshots import SIZES, THEMES, pages
from desktop.theme import theme

KEPT = Path(__file__).parent / "looks"
WIDTH, HEIGHT, BLOCK = 480, 300, 15
#: How much of a block's edges may be others: 0 is the same, 1 is something where nothing was, or nothing any more.
ALLOWED = 0.5
#: Grey levels a pixel of edges that count as nothing: a curve that is a hair's breadth off, the smoothing of a font.
NOISE = 2.0
SETTLE = 60


def small(picture):
    image = picture.toImage().scaled(
        WIDTH, HEIGHT, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def edges(image):
    """How much the grey changes within each block of the picture (20, 32)."""
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(HEIGHT, image.bytesPerLine())
    grey = lines[:, :WIDTH].astype(float)
    change = np.abs(np.diff(grey, axis=0, append=grey[-1:])) + np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    return change.reshape(HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK).mean((1, 3))


def difference(one, other):
    """The largest share by which a block's edges differ, and the block's place (column, row)."""
    a, b = edges(one), edges(other)
    apart = np.abs(a - b) / (np.maximum(a, b) + NOISE)
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    return float(apart[row, column]), (int(column), int(row))


def taken(app, window, project, mode, size):
    user_settings.set_labeler_name("labeler")
    return [
        (f"{name}-{mode}-{size}", small(picture))
        for name, picture in pages(app, window, project, mode, size, settle=SETTLE)
    ]


def font(app):
    return QFontInfo(app.font()).family()


@pytest.mark.parametrize(
    ("mode", "size"),
    [
        pytest.param("light", "1280x800", marks=pytest.mark.thorough),
        pytest.param("dark", "1920x1080", marks=pytest.mark.thorough),
        pytest.param("light", "1920x1080", marks=pytest.mark.slow),
        pytest.param("dark", "1280x800", marks=pytest.mark.slow),
    ],
)
def test_pages_look_as_they_did(open_window, tmp_path, mode, size):
    window, app = open_window(), QApplication.instance()
    known = json.loads((KEPT / "font.json").read_text())
    if font(app) != known["family"]:
        pytest.skip(f"the kept pictures are in {known['family']}, this machine has {font(app)}")
    project = tmp_path / "demo"
    shutil.copytree(resource("demo"), project)
    changed = {}
    for name, image in taken(app, window, project, mode, size):
        before = kept(name)
        assert not before.isNull(), f"there is no kept picture of {name}: look at it, then make them anew"
        much, place = difference(image, before)
        if much > ALLOWED:
            image.save(str(tmp_path / f"{name}.png"))
            changed[name] = f"{much:.2f} in block {place}, see {tmp_path}"
    theme.apply(app, "light")
    assert not changed


def kept(name):
    return QImage(str(KEPT / f"{name}.png")).convertToFormat(QImage.Format.Format_Grayscale8)


def covered(picture, column, row):
    """A picture with a block of it painted over in the block's most frequent grey."""
    painted, left, top = picture.copy(), int(column) * BLOCK, int(row) * BLOCK
    greys = [picture.pixelColor(left + x, top + y).lightness() for x in range(BLOCK) for y in range(BLOCK)]
    painter = QPainter(painted)
    most = max(set(greys), key=greys.count)
    painter.fillRect(left, top, BLOCK, BLOCK, QColor(most, most, most))
    painter.end()
    return painted


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["tune-runs-dark-1920x1080", "reward-model-report-light-1280x800", "welcome-light-1280x800"]
)
def test_a_missing_or_moved_part_of_a_page_is_noticed(name):
    page = kept(name)
    assert difference(page, page)[0] == 0
    there = edges(page) > 2 * NOISE
    missed = [
        (column, row)
        for row, column in zip(*there.nonzero(), strict=True)
        if difference(page, covered(page, column, row))[0] <= ALLOWED
    ]
    assert len(missed) <= there.sum() / 8, "a block that holds something could go and nobody would notice"
    assert difference(page, page.copy(0, 8, WIDTH, HEIGHT - 8).scaled(WIDTH, HEIGHT))[0] > ALLOWED


if __name__ == "__main__":
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir()
    app, window = build([])
    window.show()
    for mode in THEMES:
        for size in SIZES:
            with tempfile.TemporaryDirectory() as fresh:
                os.environ["PLUMBLINE_DATA"] = fresh
                shutil.copytree(resource("demo"), Path(fresh) / "demo")
                window.workspace.close()
                for name, image in taken(app, window, Path(fresh) / "demo", mode, size):
                    image.save(str(KEPT / f"{name}.png"))
                window.workspace.close()
    (KEPT / "font.json").write_text(json.dumps({"family": font(app)}) + "\n")
    leave(window)
