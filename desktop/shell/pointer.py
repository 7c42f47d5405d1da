"""A ring round a control, and a callout beside it that stays there while the control moves."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygon
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

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
    """Keeps `callout`, a child of `page`, beside the control that is pointed at; in a corner while that is not seen."""

    def __init__(self, page: QWidget, callout: QWidget) -> None:
        super().__init__(page)
        self._page, self._callout = page, callout
        self.ring = Ring(page)
        self.target: QWidget | None = None
        self._watched: list[QWidget] = []
        self._moved = False
        page.installEventFilter(self)

    def point_at(self, target: QWidget | None) -> None:
        """None takes ring and callout away."""
        for each in filter(isValid, self._watched):
            each.removeEventFilter(self)
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
        self._callout.adjustSize()
        seen = _seen(target, self._page)
        room = self._page.rect().adjusted(AROUND, AROUND, -AROUND, -AROUND)
        if seen.isEmpty():
            self.ring.hide()
            place = QRect(QPoint(0, 0), self._callout.size())
            place.moveBottomRight(room.bottomRight())
            self._callout.move(place.topLeft())
        else:
            place, arrow = beside(seen, QRect(QPoint(0, 0), self._callout.size()), room)
            self._callout.move(place.topLeft())
            self.ring.lie(seen.adjusted(-AROUND, -AROUND, AROUND, AROUND).intersected(self._page.rect()), arrow)
            self.ring.raise_()
        self._callout.raise_()


def beside(control: QRect, callout: QRect, room: QRect) -> tuple[QRect, QPolygon]:
    """Where a callout of that size stands: the first side with room for it, else where it covers least; and the arrow
    from it to the control."""
    middle = control.center() - QPoint(callout.width() // 2, callout.height() // 2)
    top = control.top() - AROUND
    sides = [
        QPoint(control.right() + APART, top), QPoint(control.left() - APART - callout.width(), top),
        QPoint(middle.x(), control.bottom() + APART), QPoint(middle.x(), control.top() - APART - callout.height()),
        room.bottomLeft() - QPoint(0, callout.height()), room.bottomRight() - QPoint(callout.width(), callout.height()),
        QPoint(room.right() - callout.width(), room.top()),
    ]  # fmt: skip
    places = [_inside(callout.translated(at), room) for at in sides]

    def covered(place: QRect) -> int:
        both = place.intersected(control)
        return 0 if both.isEmpty() else both.width() * both.height()

    best = min(places, key=covered)
    return best, _arrow(best, control)


def _inside(place: QRect, room: QRect) -> QRect:
    place.moveLeft(max(room.left(), min(place.left(), room.right() - place.width())))
    place.moveTop(max(room.top(), min(place.top(), room.bottom() - place.height())))
    return place


def _arrow(callout: QRect, control: QRect) -> QPolygon:
    """A triangle on the callout's edge, with its point at the ring; none where they overlap."""
    if callout.intersects(control):
        return QPolygon()
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
