"""The shipped line icons, tinted with a colour of the theme and sharp at any scaling."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from core.resources import resource

#: The scalings that systems offer: an icon that is not drawn for one would be blurred by it.
SCALES = (1, 1.25, 1.5, 1.75, 2, 2.5, 3)


def icon(name: str, colour: str, size: int = 20, *, checked: str = "") -> QIcon:
    """`resources/icons/NAME.svg` with its `currentColor` replaced, by the colour `checked` on a button that is."""
    found = QIcon()
    for state, own in ((QIcon.State.Off, colour), (QIcon.State.On, checked)):
        for pixmap in _drawn(name, own, size) if own else ():  # where there is none, Qt takes the other state's
            found.addPixmap(pixmap, QIcon.Mode.Normal, state)
    return found


@cache
def _drawn(name: str, colour: str, size: int) -> list[QPixmap]:
    """At each of the `SCALES`, once in a process: every window and every theme asks for the same few."""
    text = (resource("icons") / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    renderer, pixmaps = QSvgRenderer(QByteArray(text.encode())), []
    for scale in SCALES:
        pixmap = QPixmap(QSize(round(size * scale), round(size * scale)))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(pixmap.rect()))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        pixmaps.append(pixmap)
    return pixmaps
