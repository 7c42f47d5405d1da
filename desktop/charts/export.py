"""A chart for elsewhere: an image on the clipboard, a PNG of twice the pixels, an SVG, or its numbers as CSV."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QImageWriter, QPainter, QPen
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QMenu, QWidget

from core.errors import BadInput, known
from core.spreadsheets import guarded
from core.store.files import beside
from desktop.background import in_background
from desktop.charts.curve import Key
from desktop.theme import theme
from desktop.theme.theme import HEADING, SMALL, SPACE
from desktop.widgets import file_dialogs

SCALE = 2
LINE, SAMPLE = 18, 22


@dataclass(frozen=True)
class Drawn:
    """A chart as it is now."""

    title: str
    run: int
    keys: list[Key]
    plot: pg.PlotWidget


def fill(menu: QMenu, owner: QWidget, now: Callable[[], Drawn]) -> None:
    """Give a chart's menu what can be done with it."""
    menu.addAction("Copy image", lambda: QGuiApplication.clipboard().setImage(image(now())))
    menu.addSeparator()
    for words, ending, made in (
        ("Save as PNG …", "png", _png), ("Save as SVG …", "svg", _svg), ("Save numbers as CSV …", "csv", _csv),
    ):  # fmt: skip
        menu.addAction(words, partial(_ask, owner, now, ending, made))


def _ask(owner: QWidget, now: Callable[[], Drawn], ending: str, made: Callable[[Drawn], Callable[[], bytes]]) -> None:
    drawn = now()
    name = re.sub(r'[<>:"/\\|?*]', "", f"{drawn.title}, run {drawn.run}" if drawn.run else drawn.title)
    file_dialogs.ask_save(
        owner, "Save the chart", f"{name}.{ending}", lambda path: save(owner, path, made(now())), f"*.{ending}", ending
    )


def save(owner: QWidget, path: Path, content: Callable[[], bytes]) -> None:
    """Make the content and write it in the background, whole or not at all."""
    in_background(owner, lambda: _write(path, content()), lambda _: None)


def _write(path: Path, content: bytes) -> None:
    try:
        with beside.file(path) as made:
            made.write_bytes(content)
    except OSError as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error


def image(drawn: Drawn) -> QImage:
    size = _size(drawn)
    found = QImage(size * SCALE, QImage.Format.Format_RGB32)
    found.setDevicePixelRatio(SCALE)
    painter = QPainter(found)
    _paint(painter, drawn, size)
    painter.end()
    return found


def _png(drawn: Drawn) -> Callable[[], bytes]:
    found = image(drawn)

    def content() -> bytes:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        QImageWriter(buffer, QByteArray(b"png")).write(found)
        return bytes(buffer.data().data())

    return content


def _svg(drawn: Drawn) -> Callable[[], bytes]:
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(96)
    size = _size(drawn)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(drawn.title)
    painter = QPainter(generator)
    _paint(painter, drawn, size)
    painter.end()
    return lambda: bytes(held.data())


def _csv(drawn: Drawn) -> Callable[[], bytes]:
    columns = [(key.words, key.series.steps.copy(), key.series.values.copy()) for key in drawn.keys]
    return lambda: table([(words, dict(zip(x.tolist(), y.tolist(), strict=True))) for words, x, y in columns])


def table(columns: list[tuple[str, dict[float, float]]]) -> bytes:
    """One row for each step, one column for each curve; empty where a curve has no value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["step", *(guarded(words) for words, _ in columns)])
    for step in sorted(set().union(*(values for _, values in columns))):
        writer.writerow([f"{step:g}" if step % 1 else int(step), *(values.get(step, "") for _, values in columns)])
    return text.getvalue().encode("utf-8")


def _size(drawn: Drawn) -> QSize:
    """That of the plot, and above it the title and one line for each two curves."""
    lines = (len(drawn.keys) + 1) // 2
    return drawn.plot.size() + QSize(4 * SPACE, 4 * SPACE + HEADING + SPACE + LINE * lines)


def _paint(painter: QPainter, drawn: Drawn, size: QSize) -> None:
    """Title, legend and plot on the card's ground."""
    colours = theme.current()
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(colours.surface))
    font = QFont(drawn.plot.font())
    font.setPixelSize(HEADING)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(colours.text))
    top = 2.0 * SPACE
    left, across = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, size.width() - 4 * SPACE
    painter.drawText(QRectF(2 * SPACE, top, across, HEADING + 4), left, drawn.title)
    font.setPixelSize(SMALL)
    font.setBold(False)
    painter.setFont(font)
    top += HEADING + SPACE
    for number, key in enumerate(drawn.keys):
        x, y = 2 * SPACE + (number % 2) * across / 2, top + LINE * (number // 2)
        painter.setPen(QPen(QColor(key.colour), 2, key.style))
        painter.drawLine(int(x), int(y + LINE / 2), int(x + SAMPLE), int(y + LINE / 2))
        painter.setPen(QColor(colours.muted))
        painter.drawText(QRectF(x + SAMPLE + SPACE, y, across / 2 - SAMPLE - SPACE, LINE), left, key.words)
    plot = drawn.plot.size()
    place = QRectF(2 * SPACE, size.height() - plot.height() - SPACE, plot.width(), plot.height())
    drawn.plot.render(painter, place)
