"""The part of a chart that is drawn on: it turns keys, wheel and pointer into what the chart is asked to do."""

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip

from desktop.charts.axes import Axis, StepAxis
from desktop.theme import theme

#: The pointer means what lies so many pixels around it.
REACH = 5
#: How much of the width a key moves, and how much of it is left after a key zoomed in.
MOVE, ZOOM = 0.25, 0.6


class Canvas(pg.PlotWidget):
    """With the focus: left and right walk over the steps, with Shift they move the view, plus and minus zoom, Home
    shows all steps, Return asks what is behind the step, Escape takes the cursor away."""

    exposed = Signal()
    """It is about to be painted."""
    walked = Signal(int)
    pointed = Signal(object)
    """The step under the pointer, or None when it has left."""
    all_asked = Signal()
    behind_asked = Signal()
    menu_asked = Signal(QPoint)
    tip_asked = Signal(QPoint, QRectF)
    """Where on the screen, and the steps and values around the pointer."""

    def __init__(self, *, wheel: bool) -> None:
        super().__init__(axisItems={"bottom": StepAxis("bottom"), "left": Axis("left")}, enableMenu=False)
        self._wheel = wheel
        self._by_key = False
        for side in ("top", "right"):
            self.getAxis(side).unlinkFromView()  # they are never seen
        self.hideButtons()
        self.setMouseEnabled(x=True, y=False)
        self.getViewBox().setLimits(minXRange=2)
        self.getViewBox().disableAutoRange()
        self.scene().sigMouseMoved.connect(self._hover)
        self.scene().sigMouseClicked.connect(lambda click: self.all_asked.emit() if click.double() else None)

    def _hover(self, position: QPointF) -> None:
        inside = self.plotItem.vb.sceneBoundingRect().contains(position)
        self.pointed.emit(self.getViewBox().mapSceneToView(position).x() if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        self.exposed.emit()
        super().paintEvent(event)

    def drawForeground(self, painter: QPainter, rect: QRectF | QPointF) -> None:
        if self.hasFocus() and self._by_key:
            painter.resetTransform()
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Where the wheel is the page's, it takes Ctrl to zoom."""
        if self._wheel or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if way is not None and not shift:
            self.walked.emit(way)
        elif way is not None:
            self._show(MOVE * way, 1)
        elif event.text() in ("+", "="):
            self._show(0, ZOOM)
        elif event.text() == "-":
            self._show(0, 1 / ZOOM)
        elif event.key() == Qt.Key.Key_Home:
            self.all_asked.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.behind_asked.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.pointed.emit(None)
            event.ignore()  # it may leave more than that
        else:
            event.ignore()

    def _show(self, move: float, width: float) -> None:
        """Move the view by a part of its width, then make it so many times as wide."""
        (low, high), _ = self.getViewBox().viewRange()
        middle, half = (low + high) / 2 + move * (high - low), (high - low) * width / 2
        self.setXRange(middle - half, middle + half, padding=0)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_asked.emit(event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            box = self.getViewBox()
            place = QPointF(event.pos())
            corners = [box.mapSceneToView(place + QPointF(x, y)) for x, y in ((-REACH, REACH), (REACH, -REACH))]
            self.tip_asked.emit(event.globalPos(), QRectF(*corners))
            return True
        return super().viewportEvent(event)

    def show_tip(self, place: QPoint, text: str) -> None:
        QToolTip.showText(place, text, self)
