"""Markdown to read: Qt's own rendering, with room between the paragraphs and modest headings."""

from PySide6.QtGui import QFont, QResizeEvent, QTextBlock, QTextCharFormat, QTextCursor, QTextDocument, QTextFormat
from PySide6.QtWidgets import QTextBrowser, QWidget

from desktop.theme.theme import BODY, HEADING, sized


class MarkdownView(QTextBrowser):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ("", 0)
        self.setOpenExternalLinks(True)
        self.document().setDocumentMargin(8)
        self.document().setIndentWidth(20)
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)

    def show_markdown(self, text: str) -> None:
        """Show `text`; the place that was scrolled to stays where it can."""
        if self._shown == (text, sized(BODY)):
            return
        self._shown = text, sized(BODY)
        bar = self.verticalScrollBar()
        place = bar.value()
        self.setMarkdown(text)
        give_room(self.document(), modest=True)
        bar.setValue(min(place, bar.maximum()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines keep room for a scrollbar: else one that comes breaks them anew, and so takes the room it needs."""
        bar = self.verticalScrollBar().sizeHint().width()
        self.setLineWrapColumnOrWidth(max(1, self.width() - 2 * self.frameWidth() - bar))
        super().resizeEvent(event)


def give_room(document: QTextDocument, *, modest: bool = False) -> None:
    """Space the paragraphs of Markdown, which Qt sets without any, and its headings; those are small if `modest`."""
    whole = QTextCursor(document)
    whole.beginEditBlock()  # else the page is laid out anew for every paragraph
    block = document.begin()
    while block.isValid():
        table = QTextCursor(block).currentTable()
        if table is not None and block.position() == table.firstPosition():
            form = table.format()
            form.setTopMargin(10)
            form.setBottomMargin(12)
            table.setFormat(form)
        elif table is None:
            _space(block, first=block.blockNumber() == 0)
            if modest and (level := block.blockFormat().headingLevel()):
                _make_modest(block, level)
        block = block.next()
    whole.endEditBlock()


def _space(block: QTextBlock, *, first: bool) -> None:
    form = block.blockFormat()
    level = form.headingLevel()
    inside = _in_code(block) and _in_code(block.next())
    form.setTopMargin(14 if level and not first else 0)
    form.setBottomMargin(0 if inside else 3 if block.textList() else 6 if level else 8)
    QTextCursor(block).setBlockFormat(form)


def _in_code(block: QTextBlock) -> bool:
    """Is this a line of a fenced piece of code?"""
    return block.isValid() and block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)


def _make_modest(block: QTextBlock, level: int) -> None:
    cursor = QTextCursor(block)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    letters = QTextCharFormat()
    letters.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
    letters.setProperty(QTextFormat.Property.FontPixelSize, sized(HEADING if level < 3 else BODY + 1))
    letters.setFontWeight(QFont.Weight.DemiBold)
    cursor.mergeCharFormat(letters)
