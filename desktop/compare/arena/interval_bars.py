"""Policies one below the other, each with its estimate as a dot on a bar that is as wide as the interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.texts import one_line
from desktop.theme import theme
from desktop.theme.theme import widened
from desktop.widgets.strangers import tip

ROW, HEAD = 40, 26
#: Of the width the names have.
NAMES = 0.24
LEAST_SPAN = 0.1


@dataclass(frozen=True)
class Bar:
    """`beside` stands at the right, in as many columns as there are heads. Without an interval there is a dot alone; a
    `value` of None is said by `beside`."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    beside: tuple[str, ...] = ()


class IntervalBars(QWidget):
    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._bars: list[Bar] = []
        self._heads: tuple[tuple[str, int], ...] = ()
        self._what, self._middle = "", 0.0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._fit)

    def show_bars(
        self, bars: Sequence[Bar], what: str, heads: tuple[tuple[str, int], ...], middle: float = 0.0
    ) -> None:
        """`what` the bars measure, `heads` with their widths over what stands beside them, and the `middle` where a
        line is drawn."""
        self._bars, self._heads, self._what, self._middle = list(bars), heads, what, middle
        self._fit()
        said = [f"{bar.name}: {', '.join(bar.beside)}" for bar in bars]
        self.setAccessibleDescription(". ".join(said))
        self.setToolTip(tip("\n".join(said)))
        self.update()

    def _fit(self) -> None:
        self.setFixedHeight(widened(HEAD) + widened(ROW) * max(1, len(self._bars)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), theme.current()
        high, first = widened(ROW), widened(HEAD)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = round(self.width() * NAMES)
        beside = sum(widened(width) for _, width in self._heads)
        plot = QRectF(names + 16, first, max(40, self.width() - names - beside - 40), high * len(self._bars))
        self._paint_head(painter, plot)
        painter.setPen(QPen(QColor(colours.line), 1, Qt.PenStyle.DashLine))
        middle = self._x(self._middle, plot)
        painter.drawLine(QPointF(middle, plot.top()), QPointF(middle, plot.bottom()))
        for place, bar in enumerate(self._bars):
            top = first + high * place
            if place:
                painter.setPen(QPen(QColor(colours.line), 1))
                painter.drawLine(0, top, self.width(), top)
            self._text(painter, QRectF(0, top, names, high), bar.name, colours.text, bold=True)
            self._paint_bar(painter, bar, plot, top + high / 2)
            for column, text in enumerate(bar.beside):
                self._text(painter, self._beside(column, top, high), text, colours.text)

    def _paint_head(self, painter: QPainter, plot: QRectF) -> None:
        muted = theme.current().muted
        self._text(painter, QRectF(plot.left(), 0, plot.width(), widened(HEAD)), self._what, muted, small=True)
        for column, (head, _) in enumerate(self._heads):
            self._text(painter, self._beside(column, 0, widened(HEAD)), head, muted, small=True)

    def _beside(self, column: int, top: float, height: float) -> QRectF:
        widths = [widened(width) for _, width in self._heads[column:]]
        return QRectF(self.width() - sum(widths), top, widths[0] - 8, height)

    def _paint_bar(self, painter: QPainter, bar: Bar, plot: QRectF, y: float) -> None:
        if bar.value is None:
            return
        accent = QColor(theme.current().accent)
        if bar.low is not None and bar.high is not None:
            left, right = self._x(bar.low, plot), self._x(bar.high, plot)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.current().accent_soft))
            painter.drawRoundedRect(QRectF(left, y - 7, max(2.0, right - left), 14), 4, 4)
            painter.setPen(QPen(accent, 2))
            for end in (left, right):
                painter.drawLine(QPointF(end, y - 7), QPointF(end, y + 7))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(self._x(bar.value, plot), y), 5, 5)

    def _x(self, value: float, plot: QRectF) -> float:
        known = [end for bar in self._bars for end in (bar.value, bar.low, bar.high) if end is not None]
        ends = [self._middle, *known]
        low, span = min(ends), max(LEAST_SPAN, max(ends) - min(ends))
        return plot.left() + 8 + (plot.width() - 16) * (value - low) / span

    def _text(
        self, painter: QPainter, box: QRectF, text: str, colour: str, *, bold: bool = False, small: bool = False
    ) -> None:
        font = self.font()
        font.setPixelSize(theme.sized(theme.SMALL if small else theme.BODY))
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        line = QFontMetrics(font).elidedText(one_line(text), Qt.TextElideMode.ElideRight, round(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, line)
