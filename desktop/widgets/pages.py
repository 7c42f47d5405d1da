"""The pages of a tab, each made when it is first opened or asked for: who never looks at one does not wait for it."""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from desktop.widgets.basics import column

PageT = TypeVar("PageT", bound=QWidget, covariant=True)


class LatePage(Generic[PageT]):
    """A page that may not be made yet; it lies in a holder, which is what Qt's tab has."""

    def __init__(self, make: Callable[[], PageT]) -> None:
        self.made: PageT | None = None
        self.holder = QWidget()
        self._make = make

    def get(self) -> PageT:
        """The page, made now if need be."""
        if self.made is None:
            self.made = self._make()
            self.holder.setLayout(column(self.made))
            self.made.show()  # else it would be shown later, by the event loop
        return self.made


class Pages(QTabWidget):
    """Each page has a name of its own beside the title that is read. One that could not be made is made anew when its
    tab is clicked once more."""

    opened = Signal(str)
    """The name of the page that is shown now; it is made by then."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._late: dict[str, LatePage[QWidget]] = {}
        self.currentChanged.connect(self._show)
        self.tabBarClicked.connect(self._try_again)

    def add(self, name: str, title: str, make: Callable[[], PageT]) -> LatePage[PageT]:
        page = LatePage(make)
        self._late[name] = page
        self.addTab(page.holder, title)
        return page

    @property
    def shown(self) -> str:
        """The name of the page in front."""
        return list(self._late)[self.currentIndex()]

    def open(self, name: str) -> None:
        self.setCurrentIndex(list(self._late).index(name))

    def setCurrentWidget(self, page: QWidget) -> None:
        """Show a page that was made."""
        self.open(next(name for name, late in self._late.items() if late.made is page))

    def _show(self, number: int) -> None:
        if number >= 0:
            self._late[self.shown].get()
            self.opened.emit(self.shown)

    def _try_again(self, number: int) -> None:
        if number == self.currentIndex() and self._late[self.shown].made is None:
            self._show(number)
