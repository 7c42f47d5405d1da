"""Markdown to read: Qt's own rendering, with room between the paragraphs and modest headings."""

from PySide6.QtGui import QFont, QResizeEvent, QTextBlock, QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QTextBrowser, QWidget

from desktop.theme import BODY, HEADING, sized


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
        whole = QTextCursor(self.document())
        whole.beginEditBlock()  # else the page is laid out anew for every paragraph
        block = self.document().begin()
        while block.isValid():
            self._space(block, first=block.blockNumber() == 0)
            block = block.next()
        whole.endEditBlock()
        bar.setValue(min(place, bar.maximum()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines keep room for a scrollbar: else one that comes breaks them anew, and so takes the room it needs."""
        bar = self.verticalScrollBar().sizeHint().width()
        self.setLineWrapColumnOrWidth(max(1, self.width() - 2 * self.frameWidth() - bar))
        super().resizeEvent(event)

    def _space(self, block: QTextBlock, *, first: bool) -> None:
        cursor = QTextCursor(block)
        form = block.blockFormat()
        level = form.headingLevel()
        form.setTopMargin(14 if level and not first else 0)
        form.setBottomMargin(3 if block.textList() else 6 if level else 8)
        cursor.setBlockFormat(form)
        if level:
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            letters = QTextCharFormat()
            letters.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
            letters.setProperty(QTextFormat.Property.FontPixelSize, sized(HEADING if level < 3 else BODY + 1))
            letters.setFontWeight(QFont.Weight.DemiBold)
            cursor.mergeCharFormat(letters)
