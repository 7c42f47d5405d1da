"""The guide's window: contents or a search at the left, the page, and beside some pages figures that can be moved."""

from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QListWidgetItem,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop.guide import book
from desktop.guide.contents import PLACE, Contents, Results
from desktop.guide.pages import Pages
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, show_one, side_panel, without_icons

#: Pages beside which figures stand that can be moved.
WITH_FIGURES = ("rlhf",)
FIGURES_WIDTH = 360
SIDE_WIDTH, TEXT_WIDTH, HEIGHT = 290, 860, 760
#: What is left of them on a small screen.
LEAST_SIDE, LEAST_TEXT = 180, 360
MOVES = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}


class GuideWindow(QDialog):
    """Stays open beside the work. Ctrl+F searches all pages, Alt+Left goes back."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Plumbline guide")
        self.pages = Pages()
        self.pages.setAccessibleName("Guide")
        self.contents, self.results = Contents(), Results()
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("Search the guide (Ctrl+F)")
        self.typed.setAccessibleName("Search the guide")
        self.typed.setClearButtonEnabled(True)
        self.found = label("", "small", wrap=True)
        self.back = button("", self.pages.backward, tip="Back (Alt+Left)", default=False)
        self.forward = button("", self.pages.forward, tip="Forward (Alt+Right)", default=False)
        self.figures: QScrollArea | None = None
        self._lay_out()
        self._connect()
        self._paint_icons()
        self._search("")
        self.pages.setFocus()

    def open_at(self, page: str, heading: str = "") -> None:
        """Show a page of the guide, from the heading with that anchor on."""
        self.pages.open(page, heading)

    def _lay_out(self) -> None:
        for push, name in ((self.back, "Back"), (self.forward, "Forward")):
            push.setAccessibleName(name)
        side, text = QWidget(), QWidget()
        side.setLayout(column(row(self.back, self.forward, None), self.typed, self.found, self.contents, self.results))
        self.beside = row(self.pages, spacing=2 * SPACE)
        text.setLayout(self.beside)
        side.setMinimumWidth(LEAST_SIDE)
        self.pages.setMinimumWidth(LEAST_TEXT)
        middle = QSplitter()
        middle.setHandleWidth(2 * SPACE)
        middle.setChildrenCollapsible(False)
        middle.addWidget(side)
        middle.addWidget(text)
        middle.setStretchFactor(1, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        without_icons(buttons)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)  # Return opens what was found
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.addWidget(middle, 1)
        layout.addWidget(buttons)
        side_width, text_width = theme.widened(SIDE_WIDTH), theme.widened(TEXT_WIDTH)
        self.resize(0, HEIGHT)
        self._widen(side_width + text_width)
        middle.setSizes([side_width, text_width])

    def _widen(self, pixels: int) -> None:
        room = self.screen().availableGeometry()
        self.resize(min(self.width() + pixels, room.width()), min(self.height(), room.height()))

    def _connect(self) -> None:
        self.contents.chosen.connect(self.open_at)
        self.results.itemClicked.connect(self._open_hit)
        self.results.itemActivated.connect(self._open_hit)
        self.typed.textChanged.connect(self._search)
        self.typed.installEventFilter(self)
        self.pages.shown.connect(self._follow_page)
        self.pages.verticalScrollBar().valueChanged.connect(self._follow_text)
        for available, push in (
            (self.pages.backwardAvailable, self.back),
            (self.pages.forwardAvailable, self.forward),
        ):
            push.setEnabled(False)
            available.connect(push.setEnabled)
        for keys, does in (
            ("Alt+Left", self.pages.backward),
            ("Alt+Right", self.pages.forward),
            ("Ctrl+F", self._begin_search),
            ("F3", self.pages.go_to_mark),
            ("Shift+F3", partial(self.pages.go_to_mark, -1)),
        ):
            QShortcut(QKeySequence(keys), self, does)
        theme.notifier.changed.connect(self._paint_icons)

    def _paint_icons(self) -> None:
        for push, name in ((self.back, "back"), (self.forward, "forward")):
            push.setIcon(icon(name, theme.current().text))

    def _begin_search(self) -> None:
        self.typed.setFocus()
        self.typed.selectAll()

    def _search(self, query: str) -> None:
        hits = book.search(query)
        self.results.show_hits(query, hits)
        self.pages.mark(book.pattern(query))
        searching = bool(query.strip())
        pages = len({hit.page for hit in hits})
        places = (
            f"{len(hits)} place{'s' * (len(hits) != 1)} on {pages} page{'s' * (pages != 1)}; F3 goes on in the text."
        )
        self.found.setText(places if hits else "Nothing is found: try another word.")
        self.found.setVisible(searching)
        show_one((self.contents, self.results), self.results if searching else self.contents)

    def _open_hit(self, item: QListWidgetItem | None) -> None:
        """The page that a hit is on, at the first mark under its heading."""
        if item is None:
            return
        hit = item.data(PLACE)
        self.open_at(hit.page, hit.section.anchor)
        self.pages.go_to_found(book.contents(hit.page).index(hit.section))
        self.pages.setFocus()

    def _follow_page(self) -> None:
        wanted = self.pages.page in WITH_FIGURES
        if wanted and self.figures is None:
            self.figures = _figures(self.pages.page)
            self.beside.addWidget(self.figures)
            if not self.isVisible():
                self._widen(FIGURES_WIDTH)
        if self.figures is not None:
            self.figures.setVisible(wanted)
        self._follow_text()

    def _follow_text(self) -> None:
        self.contents.show_place(self.pages.page, self.pages.heading_in_sight())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move among what was found while the field has the focus, Return opens it, Escape gives it up."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or not self.typed.text():
            return super().eventFilter(watched, event)
        if step := MOVES.get(Qt.Key(event.key())):
            last = self.results.count() - 1
            self.results.setCurrentRow(max(0, min(last, self.results.currentRow() + step)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open_hit(self.results.currentItem())
        elif event.key() == Qt.Key.Key_Escape:
            self.typed.clear()
        else:
            return super().eventFilter(watched, event)
        return True


def _figures(page: str) -> QScrollArea:
    """The figures beside a page, which scroll on their own."""
    from desktop.guide.figures import FIGURES  # draws with pyqtgraph, which the first frame does without

    found = side_panel(column(*(make() for make in FIGURES[page]), None), FIGURES_WIDTH)
    found.setAccessibleName("Figures to be moved")
    return found
