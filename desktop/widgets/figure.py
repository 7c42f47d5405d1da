"""Charts and the like that can have the whole window, for those who sit far away."""

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QObject, QPoint, QSize, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QToolButton, QWidget

from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.widgets.growing import keep_size

#: Pixels of the button.
SIDE = 20


class Notifier(QObject):
    asked = Signal(object)
    """The `Figure` that somebody wants to see on the whole window."""


notifier = Notifier()


class Figure(QObject):
    """Marks a widget, and goes with it. `write` gives its letters so many pixels, and their own size for 0; `filled`
    says whether anything is drawn. One with an `own` way to be shown large is shown by that."""

    def __init__(
        self,
        widget: QWidget,
        write: Callable[[int], object] = lambda _: None,
        own: Callable[[], object] | None = None,
        filled: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(widget)
        self.widget, self.write, self.own, self.filled = widget, write, own, filled

    def ask(self) -> None:
        """Ask for the whole window; once more for the way back."""
        notifier.asked.emit(self)

    def button(self) -> QToolButton:
        """What asks for the whole window."""
        found = QToolButton()
        found.setProperty("role", "more")
        found.setToolTip("On the whole window (Shift+F5)")
        found.setAccessibleName("Show it on the whole window")
        keep_size(found, SIDE)
        _Painted(found)
        found.clicked.connect(self.ask)
        return found


class _Painted(QObject):
    """The button's icon in the theme's colours and size."""

    def __init__(self, button: QToolButton) -> None:
        super().__init__(button)
        self._button = button
        theme.notifier.changed.connect(self.paint)
        self.paint()

    def paint(self) -> None:
        side = theme.widened(SIDE - 4)
        self._button.setIcon(_whole(theme.current().muted, side))
        self._button.setIconSize(QSize(side, side))


@cache
def _whole(colour: str, side: int) -> QIcon:
    """Every chart has one."""
    return icon("whole", colour, side)


def figures_in(page: QWidget) -> list[Figure]:
    """Those that are seen, in the order in which they are read."""
    seen = [each for each in page.findChildren(Figure) if each.widget.isVisible()]

    def place(figure: Figure) -> tuple[int, int]:
        at = figure.widget.mapTo(page, QPoint(0, 0))
        return at.y() // SIDE, at.x()

    return sorted(seen, key=place)
