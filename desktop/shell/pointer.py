"""A ring round a control, and a callout beside it that stays there while the control moves, where it covers nothing."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygon
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop.shell.drawn import drawn_on
from desktop.theme import theme

#: Pixels between control and ring, between control and callout, and half the foot of the arrow.
AROUND, APART, ARROW = 5, 20, 9
MOVES = {
    QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.ParentChange,
    QEvent.Type.LayoutRequest,
}  # fmt: skip


class Ring(QWidget):
    """Is painted over what is under it, and lets every click through."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.around = QRect()
        self.arrow = QPolygon()
        self.hide()

    def lie(self, around: QRect, arrow: QPolygon) -> None:
        """In the page's places."""
        self.setGeometry(around.united(arrow.boundingRect()).adjusted(-4, -4, 4, 4))
        self.around, self.arrow = around.translated(-self.pos()), arrow.translated(-self.pos())
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, accent = QPainter(self), QColor(theme.current().accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(accent, 3))
        painter.drawRoundedRect(self.around, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawPolygon(self.arrow)


class Pointer(QObject):
    """Keeps `callout`, a child of `page`, beside the control that is pointed at, where it covers nothing that is drawn.
    Where there is no such room it is `docked`, until something else is pointed at: then the page gives it a place."""

    docking = Signal(bool)
    """The callout is to have a place in the page, or lies over it again."""

    def __init__(self, page: QWidget, callout: QWidget) -> None:
        super().__init__(page)
        self._page, self._callout = page, callout
        self.ring = Ring(page)
        self.target: QWidget | None = None
        self.docked = False
        self._watched: list[QWidget] = []
        self._moved = False
        page.installEventFilter(self)

    def point_at(self, target: QWidget | None) -> None:
        """None takes ring and callout away."""
        for each in filter(isValid, self._watched):
            each.removeEventFilter(self)
        if target is not self.target:
            self._dock(False)
        self.target, self._watched = target, []
        above = target
        while above is not None and above is not self._page:
            above.installEventFilter(self)
            self._watched.append(above)
            above = above.parentWidget()
        self.place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in MOVES and self.target is not None and not self._moved:
            self._moved = True
            QTimer.singleShot(0, self, self._follow)  # once all of a page lies where it will
        return False

    def _follow(self) -> None:
        self._moved = False
        self.place()

    def place(self) -> None:
        target = self.target if self.target is not None and isValid(self.target) else None
        self._callout.setVisible(target is not None)
        if target is None:
            self.ring.hide()
            return
        seen = _seen(target, self._page)
        arrow = self._stand(seen)
        if seen.isEmpty():
            self.ring.hide()
        else:
            self.ring.lie(seen.adjusted(-AROUND, -AROUND, AROUND, AROUND).intersected(self._page.rect()), arrow)
            self.ring.raise_()
        if not self.docked:
            self._callout.raise_()

    def _stand(self, seen: QRect) -> QPolygon:
        """Put the callout beside what is seen of the control, or into the page; the arrow between them, if any."""
        if not self.docked:
            self._callout.adjustSize()
            room = self._page.rect().adjusted(AROUND, AROUND, -AROUND, -AROUND)
            drawn = drawn_on(self._page, self._callout, self.ring)
            found = None if seen.isEmpty() else beside(seen, self._callout.rect(), room, drawn)
            if found is not None:
                place, arrow = found
                self._callout.move(place.topLeft())
                return arrow
            self._dock(True)
        return QPolygon()

    def _dock(self, docked: bool) -> None:
        if docked != self.docked:
            self.docked = docked
            self.docking.emit(docked)


def beside(control: QRect, callout: QRect, room: QRect, drawn: Sequence[QRect]) -> tuple[QRect, QPolygon] | None:
    """Where a callout of that size covers neither the control nor what is drawn, and the arrow from it to the control:
    the first side with room for it, or None."""
    middle = control.center() - QPoint(callout.width() // 2, callout.height() // 2)
    top = control.top() - AROUND
    sides = [
        QPoint(control.right() + APART, top), QPoint(control.left() - APART - callout.width(), top),
        QPoint(middle.x(), control.bottom() + APART), QPoint(middle.x(), control.top() - APART - callout.height()),
    ]  # fmt: skip
    for at in sides:
        place = _inside(QRect(at, callout.size()), room)
        if not any(place.intersects(each) for each in (control, *drawn)):
            return place, _arrow(place, control)
    return None


def _inside(place: QRect, room: QRect) -> QRect:
    place.moveLeft(max(room.left(), min(place.left(), room.right() - place.width())))
    place.moveTop(max(room.top(), min(place.top(), room.bottom() - place.height())))
    return place


def _arrow(callout: QRect, control: QRect) -> QPolygon:
    """A triangle on the callout's edge, with its point at the ring."""
    at = QPoint(
        max(callout.left() + 2 * ARROW, min(control.center().x(), callout.right() - 2 * ARROW)),
        max(callout.top() + 2 * ARROW, min(control.center().y(), callout.bottom() - 2 * ARROW)),
    )
    if callout.left() > control.right() or callout.right() < control.left():
        edge, way = (callout.left(), -1) if callout.left() > control.right() else (callout.right(), 1)
        return QPolygon([QPoint(edge, at.y() - ARROW), QPoint(edge, at.y() + ARROW), QPoint(edge + way * 13, at.y())])
    edge, way = (callout.top(), -1) if callout.top() > control.bottom() else (callout.bottom(), 1)
    return QPolygon([QPoint(at.x() - ARROW, edge), QPoint(at.x() + ARROW, edge), QPoint(at.x(), edge + way * 13)])


def _seen(control: QWidget, page: QWidget) -> QRect:
    """What of a control is seen, in the page's places."""
    if not control.isVisibleTo(page):
        return QRect()
    region = control.visibleRegion().boundingRect() if control.isVisible() else control.rect()
    return QRect(control.mapTo(page, region.topLeft()), region.size())
