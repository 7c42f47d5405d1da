"""The exact text that a model reads, as it is looked at: control tokens apart from text, blanks and line ends seen."""

from collections.abc import Iterable, Sequence

from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QWidget

from core.texts import Limits, beginning, visible
from desktop.theme import theme
from desktop.widgets.strangers import Reading, wrapping

#: What of a long text is laid out: how it begins, and its end, where the answer begins.
HEAD, TAIL = Limits(14_000, 600, named=700), Limits(6_000, 300, named=300)
#: A control token stands between these, also where no colour is seen.
OPEN, CLOSE = "⟦", "⟧"
WAY = "Copy the text to have all of it."

#: A part of the text, and whether it is a control token.
Piece = tuple[str, bool]


class ExactText(Reading):
    """`whole` is the text as it is, which `copy_whole` copies; marks and blanks are only seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, way=WAY)
        self.setAccessibleName("What the model reads")
        self.setTabChangesFocus(True)
        self._pieces: tuple[Piece, ...] = ()
        self._blanks = True
        self._dress()
        theme.notifier.changed.connect(self._dress)

    def _dress(self) -> None:
        """In the colours and the size of text of now."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(theme.sized(theme.BODY - 1))
        self.setFont(font)
        self._paint()

    def show_pieces(self, pieces: Sequence[Piece]) -> None:
        self._pieces = tuple(pieces)
        self.whole = "".join(text for text, _ in pieces)
        self._paint()

    def show_blanks(self, on: bool) -> None:
        """Draw a dot for each blank and a mark at each line's end."""
        self._blanks = on
        self._paint()

    def copy_whole(self) -> None:
        QGuiApplication.clipboard().setText(self.whole)

    def _paint(self) -> None:
        self.clear()
        option = self.document().defaultTextOption()
        flags = QTextOption.Flag.ShowTabsAndSpaces | QTextOption.Flag.ShowLineAndParagraphSeparators
        option.setFlags(flags if self._blanks else QTextOption.Flag(0))
        self.document().setDefaultTextOption(option)
        found = bounded(self._pieces)
        self.setWordWrapMode(wrapping("".join(text for text, _ in found)))
        formats = {False: QTextCharFormat(), True: _mark()}
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        for text, control in found:
            shown = visible(text).replace("\r", "‹U+000D›")
            cursor.insertText(f"{OPEN}{shown}{CLOSE}" if control else shown, formats[control])
        cursor.endEditBlock()


def bounded(pieces: Iterable[Piece]) -> list[Piece]:
    """As much as may be laid out: all, or the beginning and the end with a note between them."""
    pieces = list(pieces)
    whole = "".join(text for text, _ in pieces)
    head = len(beginning(whole, HEAD))
    tail = len(beginning(whole[: head - 1 : -1] if head else whole[::-1], TAIL))
    if head + tail >= len(whole):
        return pieces
    note = f"\n\n[{len(whole) - head - tail:,} of {len(whole):,} characters are not shown here. {WAY}]\n\n"
    return [*_cut(pieces, 0, head), (note, False), *_cut(pieces, len(whole) - tail, len(whole))]


def _cut(pieces: Iterable[Piece], first: int, end: int) -> list[Piece]:
    """What of the pieces lies between two places of the whole text."""
    found, place = [], 0
    for text, control in pieces:
        part = text[max(0, first - place) : max(0, end - place)]
        if part:
            found.append((part, control))
        place += len(text)
    return found


def _mark() -> QTextCharFormat:
    colours = theme.current()
    found = QTextCharFormat()
    found.setForeground(QBrush(QColor(colours.accent)))
    found.setBackground(QBrush(QColor(colours.accent_soft)))
    found.setFontWeight(QFont.Weight.DemiBold)
    return found
