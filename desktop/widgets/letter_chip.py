"""A letter in a rounded square, by which an answer goes while nobody is to know who wrote it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from desktop.widgets.growing import keep_size


def mix(first: QColor, second: QColor, share: float) -> QColor:
    """`first` with `share` of `second` in it."""
    parts = (
        round(a + (b - a) * share)
        for a, b in zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[index]
    )
    return QColor(*parts)


def accent(palette: QPalette) -> QColor:
    return palette.color(QPalette.ColorRole.Highlight)


def draw_chip(painter: QPainter, palette: QPalette, box: QRectF, letter: str, *, filled: bool, faint: bool) -> None:
    """The letter of a completion in a rounded square."""
    base, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
    back = accent(palette) if filled else mix(base, ink, 0.08)
    text = palette.color(QPalette.ColorRole.HighlightedText) if filled else ink
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mix(back, base, 0.6) if faint else back)
    painter.drawRoundedRect(box, box.height() * 0.26, box.height() * 0.26)
    font = painter.font()
    font.setBold(True)
    font.setPixelSize(round(box.height() * 0.5))
    painter.setFont(font)
    painter.setPen(text)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)


class LetterChip(QWidget):
    """The card's letter; filled once the card has a place."""

    def __init__(self, letter: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.letter = letter
        self.filled = False
        keep_size(self, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        draw_chip(painter, self.palette(), box, self.letter, filled=self.filled, faint=False)
