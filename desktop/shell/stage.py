"""One chart on the whole window, taken from its page and put back as it was."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QWidget

from desktop.shell.presenter_line import PresenterLine
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column
from desktop.widgets.figure import Figure

#: What is written on a chart is so high a part of the window: 18 points on a slide of 540, which the last row reads.
SHARE = 0.03
#: What stands above it is so many times as large.
HEADING = 1.25
KEYS = ("← → other charts", "Esc back")


class Stage(QWidget):
    """Covers the window. The chart goes on being drawn by its page, so that a run that goes on is seen here."""

    left = Signal()
    """Nothing is shown any more."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.figures: list[Figure] = []
        self.figure: Figure | None = None
        self._instead: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.frame = QFrame()
        self.frame.setProperty("role", "card")
        self._inner = column()
        self._inner.setContentsMargins(4 * SPACE, 3 * SPACE, 4 * SPACE, 3 * SPACE)
        self.frame.setLayout(self._inner)
        self.line = PresenterLine()
        layout = column(self.frame, self.line, spacing=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        window.installEventFilter(self)
        self.hide()

    @property
    def page_is_shown(self) -> bool:
        """Is the page, from which a chart was taken, still the one under this?"""
        return self._instead is not None and self._instead.isVisible()

    def show_figure(self, figure: Figure, figures: list[Figure]) -> None:
        """Show one of those of a page; `travel` leads to the others."""
        self._put_back()
        self.figures = figures
        self.figure = figure
        self._take(figure.widget)
        self._write()
        self.line.say(f"{figures.index(figure) + 1} of {len(figures)}", KEYS[len(figures) < 2 :])
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.line.setFocus()

    def travel(self, way: int) -> None:
        if self.figure is not None:
            place = (self.figures.index(self.figure) + way) % len(self.figures)
            self.show_figure(self.figures[place], self.figures)

    def leave(self) -> None:
        if self.figure is not None:
            self._put_back()
            self.hide()
            self.left.emit()

    def _take(self, widget: QWidget) -> None:
        parent = widget.parentWidget()
        layout = parent.layout() if parent is not None else None
        assert layout is not None
        self._instead = QWidget()
        self._instead.setSizePolicy(widget.sizePolicy())
        self._instead.setMinimumSize(widget.size())
        layout.replaceWidget(widget, self._instead)
        self._inner.addWidget(widget)
        widget.show()

    def _put_back(self) -> None:
        if self.figure is None or self._instead is None:
            return
        widget, place = self.figure.widget, self._instead.parentWidget()
        self.figure.write(0)
        widget.setStyleSheet("")
        self._inner.removeWidget(widget)
        layout = place.layout() if place is not None else None
        assert layout is not None
        layout.replaceWidget(self._instead, widget)
        widget.show()
        self._instead.hide()
        self._instead.deleteLater()
        self.figure, self._instead = None, None

    def _write(self) -> None:
        if self.figure is not None:
            pixels = max(theme.sized(theme.BODY), round(SHARE * self._window.height()))
            self.figure.widget.setStyleSheet(f"QLabel {{ font-size: {round(HEADING * pixels)}px; }}")
            self.figure.write(pixels)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QResizeEvent) and self.figure is not None:
            self.setGeometry(self._window.rect())
            self._write()
        return False
