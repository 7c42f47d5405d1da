"""The window before a room: text and controls larger, forms folded away, and keys alone lead from page to page.

Nothing of it is lost on the way back: what was shown, how large, and where the keys went is as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollBar, QSplitter, QWidget
from shiboken6 import isValid

from desktop import user_settings
from desktop.places import PageId, TabId
from desktop.shell.project_page import ProjectPage
from desktop.shell.stage import Stage
from desktop.tab import ReadsSettings, Replays
from desktop.theme import theme
from desktop.widgets import figure
from desktop.widgets.aside import asides_in
from desktop.widgets.figure import Figure, figures_in

#: How much larger or smaller a key makes everything.
STEP = 0.1
FULL = Qt.WindowState.WindowFullScreen
PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
SIDES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
LARGER = {Qt.Key.Key_Plus: STEP, Qt.Key.Key_Equal: STEP, Qt.Key.Key_Minus: -STEP}
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True)
class Before:
    """What is put back."""

    state: Qt.WindowState
    menu: bool
    calm: bool
    focus: QWidget | None
    splitters: list[tuple[QSplitter, QByteArray]]
    scrolled: list[tuple[QScrollBar, int]]


class Presentation(QObject):
    """`page` says which project is shown."""

    def __init__(
        self, window: QMainWindow, page: Callable[[], ProjectPage | None], ended: Callable[[], object]
    ) -> None:
        super().__init__(window)
        self._window, self._page, self._ended = window, page, ended
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app
        self._before: Before | None = None
        self.stage = Stage(window)
        self.stage.left.connect(self._stage_left)
        figure.notifier.asked.connect(self._asked)

    @property
    def on(self) -> bool:
        return self._before is not None

    def toggle(self) -> None:
        if self.on:
            self.leave()
        else:
            self.enter()

    def enter(self) -> None:
        page = self._page()
        if page is None or self.on:
            return
        self._before = Before(
            self._window.windowState(), not self._window.menuBar().isHidden(), page.calm, self._window.focusWidget(),
            [(each, each.saveState()) for each in page.findChildren(QSplitter)],
            [(each, each.value()) for each in page.findChildren(QScrollBar)],
        )  # fmt: skip
        self._listen(True)
        self._window.menuBar().hide()
        page.set_calm(True)
        page.line.show()
        self._window.setWindowState(self._window.windowState() | FULL)
        self._enlarge(user_settings.presentation_scale())
        self._app.focusChanged.connect(self._say)
        self._shown()

    def leave(self) -> None:
        """Back to the window as it was."""
        self.stage.leave()
        before, self._before = self._before, None
        if before is None:
            return
        self._app.focusChanged.disconnect(self._say)
        self._listen(False)
        self._window.menuBar().setVisible(before.menu)
        page = self._page()
        if page is not None:
            page.line.hide()
            page.set_calm(before.calm)
            for each in asides_in(page):
                each.unfold()
        self._enlarge(1.0)  # after what was hidden is seen again: else it would keep its larger letters until then
        if page is not None:
            if page.tab is not None:
                page.tab.refresh(None)
            page.tab_stack.hidden_are_stale()
            QTimer.singleShot(0, page, lambda: _put_back(before))
        self._window.setWindowState(before.state)
        self._ended()

    def whole(self) -> None:
        """The chart that has the keys, or the first in which anything is drawn, on the whole window; or back."""
        page = self._page()
        if self.stage.figure is not None:
            self.stage.leave()
        elif page is not None and page.tab is not None and (found := figures_in(page.tab)):
            at = self._window.focusWidget()
            mine = [each for each in found if at is not None and (each.widget is at or each.widget.isAncestorOf(at))]
            own = [each for each in found if each.own is not None]
            drawn = [each for each in found if each.filled()]
            self._show(next(iter([*mine, *own, *drawn, *found])), found)

    def _asked(self, wanted: Figure) -> None:
        page = self._page()
        if wanted is self.stage.figure:
            self.stage.leave()
        elif page is not None and page.tab is not None and page.tab.isAncestorOf(wanted.widget):
            self._show(wanted, figures_in(page.tab))

    def _show(self, wanted: Figure, found: list[Figure]) -> None:
        if wanted.own is not None:
            wanted.own()
            return
        self._listen(True)
        self.stage.show_figure(wanted, [each for each in found if each.own is None])

    def _stage_left(self) -> None:
        self._listen(self.on)
        self._take_keys()

    # Keys

    def _listen(self, on: bool) -> None:
        self._app.removeEventFilter(self)
        if on:
            self._app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What is meant wherever the keys go: a page on or back, larger and smaller, and a replay."""
        kinds = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if event.type() not in kinds or not isinstance(watched, QWidget) or not isinstance(event, QKeyEvent):
            return False
        if watched.window() is not self._window or QApplication.activePopupWidget() is not None:
            return False
        run = self._everywhere(event)
        if run is None:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            run()
        return True

    def _everywhere(self, event: QKeyEvent) -> Callable[[], object] | None:
        key, held = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in PAGES and not held:
            return lambda: self._travel(PAGES[key])
        if key in LARGER and held & CTRL and self.on:
            return lambda: self.resize(LARGER[key])
        if key == Qt.Key.Key_F5 and held == CTRL and self.on:
            return self._replay
        return None

    def press(self, event: QKeyEvent) -> bool:
        """A key that nothing else wanted."""
        key, staged = Qt.Key(event.key()), self.stage.figure is not None
        if key == Qt.Key.Key_Escape and staged:
            self.stage.leave()
        elif not (self.on or staged):
            return False
        elif key == Qt.Key.Key_Escape:
            if (replays := self._replaying()) is not None:
                replays.replay()
            else:
                self.leave()
        elif key in SIDES:
            self._travel(SIDES[key])
        elif key in LARGER and self.on:
            self.resize(LARGER[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.whole()
        else:
            return False
        return True

    def _replaying(self) -> Replays | None:
        page = self._page()
        tabs = page.tab_stack.tabs.values() if page is not None else ()
        return next((tab for tab in tabs if isinstance(tab, Replays) and tab.replays), None)

    def _replay(self) -> None:
        page = self._page()
        if page is not None and isinstance(tab := page.open_tab(TabId.TUNE), Replays):
            tab.replay()

    def resize(self, step: float) -> None:
        """Larger or smaller, and remembered."""
        low, high = user_settings.SCALES
        times = min(high, max(low, round(theme.scale() + step, 2)))
        user_settings.set_presentation_scale(times)
        self._enlarge(times)
        self._shown()

    def _enlarge(self, times: float) -> None:
        page = self._page()
        theme.enlarge(self._app, times)
        for tab in page.tab_stack.tabs.values() if page is not None else ():
            if isinstance(tab, ReadsSettings):
                tab.read_settings()

    def _travel(self, way: int) -> None:
        if self.stage.figure is not None:
            self.stage.travel(way)
            return
        page = self._page()
        if page is not None:
            places = page.places
            tab, at = places[(places.index((page.shown, page.page)) + way) % len(places)]
            page.open_tab(tab)
            if at is not None and page.tab is not None:
                page.tab.show_page(at)

    def turned(self) -> None:
        """Another page is shown, however somebody came there."""
        if self.stage.figure is not None and not self.stage.page_is_shown:
            self.stage.leave()
        self._shown()

    def _shown(self) -> None:
        """Another page is shown: it was perhaps made just now."""
        page = self._page()
        if page is None or not self.on:
            return
        for each in asides_in(page):
            each.fold()
        if self.stage.figure is None:
            self._take_keys()
        self._say()

    def _say(self) -> None:
        """Where one is, and the keys that lead on from what has the focus: a field or a list moves by arrows itself."""
        page = self._page()
        if page is None or not self.on:
            return
        place = (page.shown, page.page)
        number = page.places.index(place) + 1 if place in page.places else 0
        charts = ("Enter chart",) if page.tab is not None and figures_in(page.tab) else ()
        size = f"size {theme.scale():.0%}"
        if self._window.focusWidget() is page.line:
            keys = ("← → pages", *charts, f"+ − {size}")
        else:
            keys = ("PgUp PgDn pages", f"Ctrl+ Ctrl− {size}")
        page.line.say(f"{_named(*place)}   {number} of {len(page.places)}", (*keys, "Ctrl+F5 replay", "Esc leave"))

    def _take_keys(self) -> None:
        """To what is worked with by keys on the page; where nothing is, to the line."""
        page = self._page()
        if page is None or not self.on:
            return
        keyed, at = page.tab.keyed if page.tab is not None else None, self._window.focusWidget()
        if keyed is None:
            page.line.setFocus()
        elif at is None or at is page.tab or page.tab is None or not page.tab.isAncestorOf(at):
            keyed.setFocus()


def _named(tab: TabId, page: PageId | None) -> str:
    return tab.label if page is None else f"{tab.label} › {page.label}"


def _put_back(before: Before) -> None:
    """But what is gone meanwhile, such as the card of another prompt."""
    for splitter, sizes in before.splitters:
        if isValid(splitter):
            splitter.restoreState(sizes)
    for bar, value in before.scrolled:
        if isValid(bar):
            bar.setValue(value)
    if before.focus is not None and isValid(before.focus) and before.focus.isVisible():
        before.focus.setFocus()
