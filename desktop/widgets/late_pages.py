"""Pages of a tab that are made when they are first shown or asked for: a tab is there at once, whatever it can do.

As with a tab, a page's `parts` may build it in steps.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from desktop.widgets.incremental_build import Turns, placing

Page = TypeVar("Page", bound=QWidget)


class LatePages(QTabWidget):
    """`opened` says which page is shown now; it is made by then. Each lies in a holder, which is what Qt's tab has."""

    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.made: dict[int, Any] = {}
        self._makes: list[Callable[[], QWidget]] = []
        self._holders: list[QWidget] = []
        self._turns = Turns(self)
        self.currentChanged.connect(self._open)
        self.tabBarClicked.connect(self._try_again)

    def add(self, title: str, make: Callable[[], Page]) -> Callable[[], Page]:
        """Returns what gives the page, and makes it first if need be."""
        number = len(self._makes)

        def page() -> Page:
            self._turns.finish(number)
            if number not in self.made:
                for _ in self._make(number):
                    pass
            found: Page = self.made[number]
            return found

        self._makes.append(make)
        self._holders.append(QWidget())
        self.addTab(self._holders[number], title)
        return page

    def whole(self) -> None:
        """Make what is left to make of the page that is shown, now."""
        self._turns.finish(self.currentIndex())

    def setCurrentWidget(self, page: QWidget) -> None:
        """Show a page that was made."""
        self.setCurrentIndex(next(number for number, made in self.made.items() if made is page))

    def _open(self, number: int) -> None:
        if number in self.made and number not in self._turns:
            self.opened.emit(number)
        elif number >= 0 and number not in self._turns:
            self._turns.begin(number, self._show(number))

    def _try_again(self, number: int) -> None:
        """A page that could not be made is made anew when its tab is clicked once more."""
        if number == self.currentIndex() and number not in self.made:
            self._open(number)

    def _show(self, number: int) -> Iterator[None]:
        yield from self._make(number)
        if number == self.currentIndex():
            self.opened.emit(number)

    def _make(self, number: int) -> Iterator[None]:
        if number in self.made:
            return
        page = self._makes[number]()
        yield from getattr(page, "parts", ())
        self.made[number] = page
        yield from placing(page, self._holders[number])
