"""What is drawn on a chart beside its curves: dashed levels, marked steps, and ticks at its foot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QFont

from core.config.training import Resume
from core.humanize import duration
from desktop.charts.axes import letters
from desktop.charts.series import Array
from desktop.theme import theme
from desktop.widgets.dates import local_time

#: How much of the height a tick takes, and where the words stand.
FOOT, HEAD = 0.07, 0.93
#: Heights at which a word is tried.
PLACES = 12


@dataclass(frozen=True)
class Line:
    """A level, a marked step, or a tick at the foot: `meaning` is its tooltip, `word` is drawn beside it; a level that
    `fits` is always in view."""

    place: float
    meaning: str
    word: str = ""
    fits: bool = False
    kind: Literal["level", "mark", "tick"] = "level"


class Lines:
    """The lines of one plot; told again what there is, it takes away and adds only what differs."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._plot = plot
        self._drawn: dict[Line, pg.InfiniteLine] = {}

    @property
    def all(self) -> list[Line]:
        return list(self._drawn)

    def near(self, area: QRectF) -> list[Line]:
        """Those that pass through a part of the plot; a tick counts at any height."""
        across, along = (area.top(), area.bottom()), (area.left(), area.right())
        sides = {line: across if line.kind == "level" else along for line in self._drawn}
        return [line for line, (low, high) in sides.items() if low <= line.place <= high]

    def show(self, lines: list[Line]) -> None:
        """Draw these and no others: this is asked at every step of a run."""
        for gone in set(self._drawn) - set(lines):
            self._plot.removeItem(self._drawn.pop(gone))
        for line in lines:
            if line not in self._drawn:
                self._drawn[line] = self._draw(line)
        self._drawn = {line: self._drawn[line] for line in lines}

    def _draw(self, line: Line) -> pg.InfiniteLine:
        beside = {
            "level": {"position": 0.02, "anchors": [(0, 0), (0, 1)]},
            "mark": {"position": HEAD},
            "tick": {"position": 1.0, "anchors": [(0, 1), (1, 1)]},  # towards the middle: none is cut at an edge
        }[line.kind]
        drawn = pg.InfiniteLine(
            pos=line.place, angle=0 if line.kind == "level" else 90, label=_literal(line.word) or None,
            labelOpts=beside, span=(0, FOOT) if line.kind == "tick" else (0, 1),
        )  # fmt: skip
        self._plot.addItem(drawn, ignoreBounds=True)
        self._pen(line, drawn)
        return drawn

    def _pen(self, line: Line, drawn: pg.InfiniteLine) -> None:
        muted = theme.current().muted
        styles = {"level": Qt.PenStyle.DashLine, "mark": Qt.PenStyle.DotLine, "tick": Qt.PenStyle.SolidLine}
        drawn.setPen(pg.mkPen(muted, style=styles[line.kind], width=2 if line.kind == "tick" else 1))
        if hasattr(drawn, "label"):
            drawn.label.setColor(muted)
            font = QFont()
            font.setPixelSize(letters(self._plot))
            drawn.label.setFont(font)

    def clear_words(self, curves: Sequence[tuple[Array, Array]], view: QRectF, pixels: QSizeF) -> None:
        """A tick's word stands on it, or as far above it as no curve passes through the word."""
        for line, drawn in self._drawn.items():
            if line.kind == "tick" and line.word:
                word = drawn.label.boundingRect()
                high, wide = word.height() / pixels.height(), word.width() / pixels.width() * view.width()
                way = 1 if line.place < view.center().x() else -1
                steps = line.place + way * wide * np.linspace(0, 1, 9)
                passing = [(np.interp(steps, x, y) - view.top()) / view.height() for x, y in curves]
                lies = [(heights.min(), heights.max()) for heights in passing]
                places = np.linspace(FOOT, max(FOOT, 1 - high), PLACES)
                free = (at for at in places if not any(low < at + high and top > at for low, top in lies))
                place = float(next(free, FOOT)) / FOOT
                if drawn.label.orthoPos != place:
                    drawn.label.setPosition(place)

    def hide_outside(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """An SVG has no edge that would cut them off."""
        for line, drawn in self._drawn.items():
            low, high = values if line.kind == "level" else steps
            drawn.setVisible(bool(low <= line.place <= high))

    def paint(self) -> None:
        for line, drawn in self._drawn.items():
            self._pen(line, drawn)


def resume_marks(found: Sequence[Resume]) -> list[Line]:
    """The steps after which a run went on."""
    return [
        Line(
            each.step,
            f"Resumed after step {each.step} on {local_time(each.at)}, after "
            + (f"a pause of {duration(each.paused)}" if each.paused else "it had ended")
            + (f"; the checkpoint of step {each.damaged} was damaged" if each.damaged else ""),
            "resumed",
            kind="mark",
        )
        for each in found
    ]


def _literal(word: str) -> str:
    """pyqtgraph formats a line's label with its value."""
    return word.replace("{", "{{").replace("}", "}}")
