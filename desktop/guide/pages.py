"""A page of the guide, shown: links lead to other pages and headings, and what was searched for is marked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QTextEdit

from core.resources import resource
from desktop.guide.book import densest
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.markdown_view import follow, give_room, html_of, style

#: Pixels below the upper edge where the line stands that is being read.
HEADROOM = 60


class Pages(QTextBrowser):
    """The guide's pages. Links of the web open in the browser, as everywhere in the window."""

    shown = Signal()
    """Another page or heading is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: re.Pattern[str] | None = None
        self._found: list[tuple[int, int]] = []
        self._at: tuple[int, int] | None = None  # the mark that was gone to
        self.page = ""
        self._reading = 0  # the place in the document of the first line that is seen
        self.headings: list[int] = []  # where each of the page begins in the document
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._follow)
        self.sourceChanged.connect(self._space)
        self.verticalScrollBar().valueChanged.connect(self._read)
        theme.notifier.changed.connect(self._repaint)
        self.document().setDefaultStyleSheet(_style())
        self.document().setDocumentMargin(2 * SPACE)

    def open(self, page: str, heading: str = "") -> None:
        """Show a page, from the heading with that anchor on."""
        address = self._resolved(QUrl(f"{page}.md"))
        if heading:
            address.setFragment(heading)
        self.setSource(address)

    def heading_in_sight(self) -> int:
        """The number of the heading under which what is read stands."""
        place = self.cursorForPosition(QPoint(0, HEADROOM)).position()
        return max(0, sum(begin <= place for begin in self.headings) - 1)

    def mark(self, marks: re.Pattern[str] | None) -> None:
        """Mark what the pattern finds, in this page and in those that are opened next."""
        self._marks, self._at = marks, None
        self._found = [found.span() for found in marks.finditer(self.document().toPlainText())] if marks else []
        self._paint_marks()

    def go_to_found(self, number: int) -> None:
        """Bring into sight what is marked under a heading, where the most different words of it stand together."""
        begin, end = [*self.headings, self.document().characterCount()][number : number + 2]
        if self._marks is not None:
            place = begin + densest(self.document().toPlainText()[begin:end], self._marks)[0]
            self._go([span for span in self._found if span[0] >= place])

    def go_to_mark(self, step: int = 1) -> None:
        """Bring the next mark into sight, or with `step` -1 the one before; from the last on to the first."""
        place = self.textCursor().position()
        if step > 0:
            self._go([span for span in self._found if span[0] > place] or self._found)
        else:
            self._go([span for span in self._found if span[0] < place][::-1] or self._found[::-1])

    def _go(self, spans: list[tuple[int, int]]) -> None:
        if spans:
            self._at = spans[0]
            cursor = self.textCursor()
            cursor.setPosition(self._at[0])
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
            self._paint_marks()

    def _paint_marks(self) -> None:
        colours = theme.current()
        selections = []
        for span in self._found:
            at = span == self._at
            selection = QTextEdit.ExtraSelection()
            selection.cursor = QTextCursor(self.document())
            selection.cursor.setPosition(span[0])
            selection.cursor.setPosition(span[1], QTextCursor.MoveMode.KeepAnchor)
            selection.format.setBackground(QColor(colours.accent if at else colours.accent_soft))
            selection.format.setForeground(QColor(colours.on_accent if at else colours.accent))
            selections.append(selection)
        self.setExtraSelections(selections)

    def _follow(self, link: QUrl) -> None:
        address = self._resolved(link)
        path = Path(address.toLocalFile())
        if address.isLocalFile() and path.suffix == ".md" and path.is_file() and _ours(path):
            self.setSource(address)
        else:
            follow(address)

    def _resolved(self, link: QUrl) -> QUrl:
        return QUrl.fromLocalFile(str(resource("guide") / f"{self.page}.md")).resolved(link)

    def _space(self, source: QUrl) -> None:
        self.page = Path(source.toLocalFile()).stem  # `source()` tells of the one before until this is over
        self.headings = list(_headings(self.document()))
        give_room(self.document())
        if source.hasFragment():
            self.scrollToAnchor(source.fragment())  # what is above it has grown
        self.mark(self._marks)
        self.shown.emit()

    def _repaint(self) -> None:
        place = self._reading
        self.document().setDefaultStyleSheet(_style())
        self.reload()
        self._keep_in_sight(place)

    def _read(self) -> None:
        self._reading = self.cursorForPosition(QPoint(0, 0)).position()

    def _keep_in_sight(self, place: int) -> None:
        """Lines may have been broken anew since: let the same one be the first."""
        if place:
            cursor = self.textCursor()
            cursor.setPosition(place)
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + self.cursorRect(cursor).top())

    def resizeEvent(self, event: QResizeEvent) -> None:
        place = self._reading
        super().resizeEvent(event)
        self._keep_in_sight(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        ways = {Qt.MouseButton.BackButton: self.backward, Qt.MouseButton.ForwardButton: self.forward}
        if way := ways.get(event.button()):
            way()
        else:
            super().mouseReleaseEvent(event)

    def doSetSource(
        self, name: QUrl | str, /, type: QTextDocument.ResourceType = QTextDocument.ResourceType.UnknownResource
    ) -> None:
        super().doSetSource(name, QTextDocument.ResourceType.HtmlResource)  # as which `loadResource` gives it

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        path = Path(self._resolved(QUrl(name)).toLocalFile())
        if not _ours(path):
            return QByteArray()  # it has pages and pictures of its own and no others
        if kind == QTextDocument.ResourceType.HtmlResource.value:
            return html_of(path.read_text(encoding="utf-8"), trusted=True)
        return QImage(str(path))


def _headings(document: QTextDocument) -> Iterator[int]:
    block = document.begin()
    while block.isValid():
        if block.blockFormat().headingLevel():
            yield block.position()
        block = block.next()


def _ours(path: Path) -> bool:
    return path.resolve().is_relative_to(resource("guide").resolve())


def _style() -> str:
    return style() + "img { max-width: 100% }"
