"""Markdown to read, with room between the paragraphs and modest headings."""

import re
from urllib.parse import quote

from PySide6.QtCore import QByteArray, QUrl, QUrlQuery
from PySide6.QtGui import (
    QContextMenuEvent,
    QDesktopServices,
    QFont,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from core.markdown import to_html
from core.texts import MARKDOWN, shown
from desktop.theme import theme
from desktop.theme.theme import BODY, HEADING, sized
from desktop.widgets.code_colours import Colours
from desktop.widgets.strangers import WAY, Sealed, offer_whole, wrapping

#: Where a link may lead: to a page on the web or to a letter, never to a file or a program.
SCHEMES = ("http", "https", "mailto")
#: An address of a letter, or several.
ADDRESS = re.compile(r"[\w.+,@-]+")


class MarkdownView(QTextBrowser):
    """Opens links of the web in the browser when they are clicked, and nothing else."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ("", 0, "")
        theme.notifier.changed.connect(self._repaint)
        self.setDocument(Sealed(self))
        self.setOpenLinks(False)
        self.anchorClicked.connect(follow)
        self.document().setDocumentMargin(8)
        self.document().setIndentWidth(20)
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)

    def show_markdown(self, text: str) -> None:
        """Show `text`; the place that was scrolled to stays where it can."""
        look = (text, sized(BODY), theme.current().name)
        if self._shown == look:
            return
        self._shown = look
        bar = self.verticalScrollBar()
        place = bar.value()
        set_markdown(self, text, modest=True)
        bar.setValue(min(place, bar.maximum()))

    def loadResource(self, kind: int, address: QUrl | str) -> QByteArray:
        return QByteArray()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu(event.pos())
        offer_whole(menu, self._shown[0], MARKDOWN)
        menu.popup(event.globalPos())

    def _repaint(self) -> None:
        self.show_markdown(self._shown[0])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines keep room for a scrollbar: else one that comes breaks them anew, and so takes the room it needs."""
        bar = self.verticalScrollBar().sizeHint().width()
        self.setLineWrapColumnOrWidth(max(1, self.width() - 2 * self.frameWidth() - bar))
        super().resizeEvent(event)


def follow(address: QUrl) -> None:
    """Open a link that somebody clicked, if it leads to the web or begins a letter."""
    if address.scheme() == "mailto":
        address = _letter(address)
    if address.scheme() in SCHEMES:
        QDesktopServices.openUrl(address)


def _letter(address: QUrl) -> QUrl:
    """To whom and what about, and no more: a mail program may put a file of the person's into it (`attach`). Empty for
    what is no address."""
    whole = QUrl.ComponentFormattingOption.FullyDecoded
    to, about = address.path(whole), QUrlQuery(address).queryItemValue("subject", whole)
    if ADDRESS.fullmatch(to) is None:
        return QUrl()
    found, query = QUrl(f"mailto:{to}"), QUrlQuery()
    if about:
        query.addQueryItem("subject", quote(" ".join(about.split()), safe=""))
        found.setQuery(query)
    return found


def set_markdown(edit: QTextEdit, text: str, *, modest: bool = False, way: str = WAY) -> None:
    """Show what somebody wrote as Markdown, or its beginning: without pictures, and what looks like HTML is text."""
    found = shown(text, way, MARKDOWN)
    edit.document().setDefaultStyleSheet(style())
    edit.clear()  # else the text before would be laid out once more
    edit.setWordWrapMode(wrapping(found))
    edit.setHtml(html_of(found))
    give_room(edit.document(), modest=modest)


def html_of(text: str, *, trusted: bool = False) -> str:
    """Markdown as HTML for a Qt document that has `style()`; see `core.markdown.to_html`."""
    html = to_html(text, links=True, trusted=trusted, code=Colours().of)
    return html.replace("\n</code></pre>", "</code></pre>").rstrip()  # Qt would show these ends of lines


def style() -> str:
    """The style sheet of such a document, in the theme's colours."""
    colours = theme.current()
    return (
        f"code, pre {{ background-color: {colours.raised} }} a {{ text-decoration: none }}"
        "table { border-collapse: collapse } td, th { padding: 3px 5px; text-align: left }"
        f"td, th {{ border: 1px solid {colours.line} }}"
    )


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
    """Is this a line of a piece of code?"""
    return block.isValid() and block.blockFormat().nonBreakableLines()


def _make_modest(block: QTextBlock, level: int) -> None:
    cursor = QTextCursor(block)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    letters = QTextCharFormat()
    letters.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
    letters.setProperty(QTextFormat.Property.FontPixelSize, sized(HEADING if level < 3 else BODY + 1))
    letters.setFontWeight(QFont.Weight.DemiBold)
    cursor.mergeCharFormat(letters)
