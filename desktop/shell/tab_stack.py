"""The tabs of an open project, each made when it is first shown."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.store import Changes
from desktop.places import TabId
from desktop.session import Session
from desktop.shell.tabs import LOADS
from desktop.tab import TabWidget
from desktop.widgets.basics import column

ORDER = list(TabId)


class TabStack(QStackedWidget):
    noted = Signal(str, str)
    """(Id of a tab, what stands beside its name now.)"""
    turned = Signal()
    """Another tab, or another page of one, is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.tabs: dict[TabId, TabWidget] = {}
        """Those that were shown."""
        self._stale: set[TabId] = set()
        self._places = {tab: QWidget() for tab in ORDER}
        for place in self._places.values():
            self.addWidget(place)

    @property
    def shown(self) -> TabId:
        return ORDER[self.currentIndex()]

    def open(self, tab: TabId) -> TabWidget:
        """Show a tab; one that was hidden while something changed is painted anew."""
        another = tab != self.shown or tab not in self.tabs
        self.setCurrentIndex(ORDER.index(tab))
        if tab not in self.tabs:
            self._make(tab)
        elif tab in self._stale:
            self.tabs[tab].refresh(None)
        self._stale.discard(tab)
        if another:
            self.turned.emit()
        return self.tabs[tab]

    def changed(self, changes: Changes, origin: object | None) -> None:
        """Something in the project changed, by `origin` if that is a tab."""
        for tab, made in self.tabs.items():
            if made is origin:
                continue
            if tab == self.shown:
                made.refresh(changes)
            else:
                self._stale.add(tab)

    def hidden_are_stale(self) -> None:
        self._stale |= self.tabs.keys() - {self.shown}

    def end(self) -> None:
        """The project closes."""
        for made in self.tabs.values():
            made.close()

    def _make(self, tab: TabId) -> None:
        made = LOADS[tab]()(self.session)
        self._places[tab].setLayout(column(made))
        self.tabs[tab] = made
        made.noted.connect(lambda text: self.noted.emit(tab, text))
        if made.pages is not None:
            made.pages.currentChanged.connect(lambda _: self.turned.emit())
        made.show()  # else it would be shown later, by the event loop
