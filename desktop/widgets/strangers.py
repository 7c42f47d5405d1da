"""Where texts of strangers are shown: always as text, never as HTML or a mnemonic, cut where they are very long, and
with nothing in them that hides. What is cut can be copied whole.
"""

from dataclasses import replace
from html import escape

from PySide6.QtCore import QByteArray, QMimeData, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QTextDocument, QTextOption
from PySide6.QtWidgets import QLabel, QMenu, QPlainTextEdit, QTextEdit, QWidget

from core.records import Guidelines
from core.texts import PAGE, Limits, beginning, breakable, cut_note, has_long_run, shown, visible
from desktop.widgets.line_ends import restored

WAY = "Right-click it to copy all of it."
COPY = "Copy all of it"
#: What of a text a label has: it is laid out whole, however little of it is seen.
LABEL = Limits(8_000, 400, named=500)
#: What of a text a tooltip has.
TIP = Limits(1_500, 30)
#: Longer texts can be read and not be edited.
EDITED = Limits(100_000, 5_000, named=100_000)
#: Of what a person typed here before: it was edited then, and can be again.
KEPT = Limits(1_000_000, 100_000, named=1_000_000)


def tip(text: str) -> str:
    """A tooltip that says `text` and nothing else: Qt takes one with a tag in it for HTML."""
    found = shown(text, limits=TIP)
    return f'<p style="white-space: pre-wrap">{escape(found)}</p>' if "<" in found else found


def on_button(text: str, longest: int = 200) -> str:
    """What a button, a menu or a tab says of somebody else's: one line, its ampersands no marks of keys."""
    line = visible(" ".join(text[:longest].splitlines()))
    return f"{line}{'…' if len(text) > longest else ''}".replace("&", "&&")


class Label(QLabel):
    """Plain text. `whole` is what it was given, of which a very long one shows the beginning."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)

    def setText(self, text: str) -> None:
        self.whole = text
        self.setTextFormat(Qt.TextFormat.PlainText)
        super().setText(breakable(shown(text, WAY, LABEL)))

    def show_marked(self, html: str) -> None:
        """Show HTML that the program wrote itself, with nothing in it that anybody else did."""
        self.whole = ""
        self.setTextFormat(Qt.TextFormat.RichText)
        super().setText(html)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        if offer_whole(menu, self.whole, LABEL):
            menu.popup(event.globalPos())
        else:
            super().contextMenuEvent(event)


class Sealed(QTextDocument):
    """Holds what it is given, and fetches nothing: no picture, no style sheet, no file."""

    def loadResource(self, kind: int, address: QUrl | str) -> QByteArray:
        """Something that is empty: for nothing at all, Qt would look for a file itself."""
        return QByteArray()


class Reading(QTextEdit):
    """A text to read; `whole` is what it was given. `way` says how the rest of one is had that is beyond `limits`."""

    def __init__(self, parent: QWidget | None = None, *, way: str = WAY, limits: Limits = PAGE) -> None:
        super().__init__(parent)
        self.setDocument(Sealed(self))
        self.setReadOnly(True)
        self.whole, self._way, self.limits = "", way, limits

    def show_text(self, text: str) -> None:
        self.whole = text
        found = shown(text, self._way, self.limits)
        self.clear()  # else the text before would be laid out once more
        self.setWordWrapMode(wrapping(found))
        self.setPlainText(found)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        if menu is not None:
            offer_whole(menu, self.whole, self.limits)
            menu.popup(event.globalPos())


class Editing(QPlainTextEdit):
    """A text to edit; one too long for that shows its beginning and stays as it is. Blanks and line ends that were in
    what is put in through `fitted` are there afterwards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole: str | None = None
        self._put_in = ""

    @property
    def too_long(self) -> bool:
        return self._whole is not None

    def text(self) -> str:
        """What is in it: what was typed, or all of what is too long to be edited."""
        return restored(self.document().toRawText(), self._put_in) if self._whole is None else self._whole

    def fitted(self, text: str, limits: Limits = EDITED) -> str:
        """What of `text` is to be put in now."""
        note = cut_note(text, limits)
        self._whole, self._put_in = text if note else None, text
        self.setReadOnly(self.too_long)
        if (mode := wrapping(text[: limits.letters])) == QTextOption.WrapMode.WrapAnywhere:
            self.setWordWrapMode(mode)
        return shown(text, "It is too long to be edited here.") if note else text

    def insert(self, text: str) -> None:
        """Put a text in where the cursor is."""
        self._expect(text)
        self.insertPlainText(text)

    def insertFromMimeData(self, source: QMimeData) -> None:
        self._expect(source.text())
        super().insertFromMimeData(source)

    def _expect(self, coming: str) -> None:
        """A long word that is pasted must not take the square of time to be laid out."""
        if self.wordWrapMode() != (mode := wrapping(self.toPlainText() + coming)):
            self.setWordWrapMode(mode)


def clipped(found: Guidelines) -> Guidelines:
    """As much of guidelines as is looked through for names and for what they lack."""
    return replace(
        found,
        criteria=beginning(found.criteria),
        ties=beginning(found.ties),
        flags=beginning(found.flags),
        examples=beginning(found.examples),
    )


def wrapping(text: str) -> QTextOption.WrapMode:
    """Lines end anywhere where some piece has no other place for it: to look for one takes the square of time."""
    modes = QTextOption.WrapMode
    return modes.WrapAnywhere if has_long_run(text) else modes.WrapAtWordBoundaryOrAnywhere


def offer_whole(menu: QMenu, text: str, limits: Limits = PAGE) -> bool:
    """Let a text that is cut be copied as it is; says whether it is."""
    cut = bool(cut_note(text, limits))
    if cut:
        menu.addAction(COPY, lambda: QGuiApplication.clipboard().setText(text))
    return cut
