"""Every page in both themes and two sizes beside how it looked when somebody last looked at it.

Pictures are compared small and grey, in blocks, so that a moved, missing or clipped part is noticed and a font's
hinting is not. `python -m tests.desktop.test_looks` makes the kept ones anew: look at the pages first.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontInfo, QImage

from core.resources import resource
from desktop import settings
from desktop.app import build
from desktop.screenshots import SIZES, THEMES, pages

KEPT = Path(__file__).parent / "looks"
WIDTH, HEIGHT, BLOCK = 320, 200, 20
#: Mean difference of a block's grey values (0 to 255) that is a change of the layout.
ALLOWED = 14.0
SETTLE = 60


def small(picture):
    image = picture.toImage().scaled(
        WIDTH, HEIGHT, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def grey(image):
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(HEIGHT, image.bytesPerLine())
    return lines[:, :WIDTH].astype(float)


def difference(one, other):
    """The largest mean difference of a block, and its place (column, row) of 16 by 10."""
    apart = np.abs(grey(one) - grey(other)).reshape(HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK).mean((1, 3))
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    return float(apart[row, column]), (int(column), int(row))


def taken(app, window, project, mode, size):
    settings.set_labeler_name("labeler")
    return [
        (f"{name}-{mode}-{size}", small(picture))
        for name, picture in pages(app, window, project, mode, size, settle=SETTLE)
    ]


def font(app):
    return QFontInfo(app.font()).family()


@pytest.mark.parametrize(
    ("mode", "size"),
    [
        ("light", "1280x800"),
        ("dark", "1920x1080"),
        pytest.param("light", "1920x1080", marks=pytest.mark.slow),
        pytest.param("dark", "1280x800", marks=pytest.mark.slow),
    ],
)
def test_pages_look_as_they_did(qtbot, tmp_path, mode, size):
    app, window = build([])
    known = json.loads((KEPT / "font.json").read_text())
    if font(app) != known["family"]:
        pytest.skip(f"the kept pictures are in {known['family']}, this machine has {font(app)}")
    window.show()
    project = tmp_path / "demo"
    shutil.copytree(resource("demo"), project)
    changed = {}
    for name, image in taken(app, window, project, mode, size):
        kept = QImage(str(KEPT / f"{name}.png"))
        assert not kept.isNull(), f"there is no kept picture of {name}: look at it, then make them anew"
        much, place = difference(image, kept.convertToFormat(QImage.Format.Format_Grayscale8))
        if much > ALLOWED:
            changed[name] = f"{much:.0f} in block {place}"
    window.leave()
    assert not changed


def test_a_moved_part_is_noticed():
    plain = QImage(WIDTH, HEIGHT, QImage.Format.Format_Grayscale8)
    plain.fill(240)
    other = plain.copy()
    for y in range(100, 130):
        for x in range(40, 100):
            other.setPixel(x, y, 60)
    much, place = difference(plain, other)
    assert much > ALLOWED and place[1] in (5, 6)
    assert difference(plain, plain)[0] == 0


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
                window.close_project()
                for name, image in taken(app, window, Path(fresh) / "demo", mode, size):
                    image.save(str(KEPT / f"{name}.png"))
                window.close_project()
    (KEPT / "font.json").write_text(json.dumps({"family": font(app)}) + "\n")
    window.leave()
