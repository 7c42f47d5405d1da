"""Pages of a tab that are made when they are first shown or asked for: a tab is there at once, whatever it can do."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from desktop.widgets.parts import column

Page = TypeVar("Page", bound=QWidget)


class LatePages(QTabWidget):
    """`opened` says which page is shown now; it is made by then. Each lies in a holder, which is what Qt's tab has."""

    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pages: list[Callable[[], QWidget]] = []
        self.made: dict[int, QWidget] = {}
        self.currentChanged.connect(self._open)

    def add(self, title: str, make: Callable[[], Page]) -> Callable[[], Page]:
        """Returns what gives the page, and makes it first if need be. The first page is made at once."""
        number, holder, found = len(self._pages), QWidget(), list[Page]()

        def page() -> Page:
            if not found:
                found.append(make())
                self.made[number] = found[0]
                holder.setLayout(column(found[0]))
                found[0].show()
            return found[0]

        self._pages.append(page)
        self.addTab(holder, title)
        return page

    def setCurrentWidget(self, page: QWidget) -> None:
        """Show a page that was made."""
        self.setCurrentIndex(next(number for number, made in self.made.items() if made is page))

    def _open(self, number: int) -> None:
        if number >= 0:
            self._pages[number]()
            self.opened.emit(number)
