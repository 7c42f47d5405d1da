"""The tabs of an open project, each made when it is first shown."""

import importlib
from collections.abc import Iterator
from typing import Any

from PySide6.QtWidgets import QStackedWidget, QWidget

from core.store import Changes
from desktop.session import Session
from desktop.shell.tabs import TABS, TabKind
from desktop.widgets.incremental_build import Turns, placing
from desktop.widgets.late_pages import LatePages


class TabStack(QStackedWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.tabs: list[Any] = [None] * len(TABS)
        self._stale: set[int] = set()
        self._turns = Turns(self)
        self._places = [QWidget() for _ in TABS]
        for place in self._places:
            self.addWidget(place)

    @property
    def shown(self) -> TabKind:
        return TABS[self.currentIndex()]

    def open(self, number: int) -> None:
        """Show a tab, and what is in it as it is made; one that was hidden while something changed is painted anew."""
        self.setCurrentIndex(number)
        if self.tabs[number] is None and number not in self._turns:
            self._turns.begin(number, self._make(number))
        elif number in self._stale:
            self.tabs[number].refresh(None)
        self._stale.discard(number)

    def whole(self, number: int) -> Any:
        """A tab with all that is in it, made now if it is being made; None if it was never asked for."""
        self._turns.finish(number)
        tab = self.tabs[number]
        if isinstance(pages := getattr(tab, "pages", None), LatePages):
            pages.whole()
        return tab

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
        made = [tab for tab in self.tabs if tab is not None]
        for part in (self, *made):  # a tab may have no place yet
            for turns in part.findChildren(Turns):
                turns.forget()
        for tab in made:
            tab.close()

    def _make(self, number: int) -> Iterator[None]:
        kind = importlib.import_module(TABS[number].module).Tab
        yield
        tab = kind(self.session)
        yield from getattr(tab, "parts", ())
        self.tabs[number] = tab
        yield from placing(tab, self._places[number])
