"""Tokens on the colour of a number of theirs: blue is above 0, orange below, and the largest is the strongest."""

from html import escape

from PySide6.QtGui import QColor

from core.texts import visible
from desktop.theme import theme

#: Tokens that are coloured, and letters of one.
PIECES, PIECE = 2_000, 60


def coloured(piece: str, value: float, strongest: float) -> str:
    """A token as HTML; `strongest` is the largest size of all values, above 0."""
    up, down = theme.current().series[:2]
    colour = QColor(up if value > 0 else down)
    colour.setAlphaF(min(1.0, abs(value) / strongest) * 0.55)
    # In per cent: Qt takes an alpha of 1 for opaque, not for 1 of 255.
    rgba = f"rgba({colour.red()}, {colour.green()}, {colour.blue()}, {round(100 * colour.alphaF())}%)"
    shown = escape(visible(piece[:PIECE])).replace("\n", "⏎<br>")
    return f'<span style="background-color: {rgba}; white-space: pre-wrap">{shown}</span>'
