"""The tabs of an open project, each made when it is first shown."""

import importlib
from typing import Any

from PySide6.QtWidgets import QStackedWidget, QWidget

from core.store import Changes
from desktop.session import Session
from desktop.shell.tabs import TABS, TabKind
from desktop.widgets.basics import column


class TabStack(QStackedWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.tabs: list[Any] = [None] * len(TABS)
        """None where it was never shown."""
        self._stale: set[int] = set()
        self._places = [QWidget() for _ in TABS]
        for place in self._places:
            self.addWidget(place)

    @property
    def shown(self) -> TabKind:
        return TABS[self.currentIndex()]

    def open(self, number: int) -> None:
        """Show a tab; one that was hidden while something changed is painted anew."""
        self.setCurrentIndex(number)
        if self.tabs[number] is None:
            self._make(number)
        elif number in self._stale:
            self.tabs[number].refresh(None)
        self._stale.discard(number)

    def changed(self, changes: Changes, origin: object | None) -> None:
        """Something in the project changed, by `origin` if that is a tab."""
        for number, tab in enumerate(self.tabs):
            if tab is None or tab is origin:
                continue
            if number == self.currentIndex():
                tab.refresh(changes)
            else:
                self._stale.add(number)

    def hidden_are_stale(self) -> None:
        self._stale |= {number for number, tab in enumerate(self.tabs) if tab is not None}
        self._stale.discard(self.currentIndex())

    def end(self) -> None:
        """The project closes."""
        for tab in self.tabs:
            if tab is not None:
                tab.close()

    def _make(self, number: int) -> None:
        tab = importlib.import_module(TABS[number].module).Tab(self.session)
        self._places[number].setLayout(column(tab))
        self.tabs[number] = tab
        tab.show()  # else it would be shown later, by the event loop
