"""Sizes in pixels that go along with the size of the window's text, also where that changes while they are seen."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QTableView, QWidget

from desktop.theme import theme


class _Grows(QObject):
    """Goes with its widget."""

    def __init__(self, widget: QWidget, fit: Callable[[], object]) -> None:
        super().__init__(widget)
        self._fit = fit
        theme.notifier.changed.connect(self.again)
        self.again()

    def again(self) -> None:
        self._fit()


def keep_width(widget: QWidget, pixels: int) -> None:
    """A fixed width, of so many pixels where text has its usual size."""
    _Grows(widget, lambda: widget.setFixedWidth(theme.widened(pixels)))


def keep_height(widget: QWidget, pixels: int) -> None:
    _Grows(widget, lambda: widget.setFixedHeight(theme.widened(pixels)))


def keep_least_height(widget: QWidget, pixels: int) -> None:
    _Grows(widget, lambda: widget.setMinimumHeight(theme.widened(pixels)))


def keep_size(widget: QWidget, pixels: int) -> None:
    """A square."""
    _Grows(widget, lambda: widget.setFixedSize(theme.widened(pixels), theme.widened(pixels)))


def keep_most_width(widget: QWidget, pixels: int) -> None:
    _Grows(widget, lambda: widget.setMaximumWidth(theme.widened(pixels)))


def keep_rows(view: QTableView, pixels: int) -> None:
    """The height of a table's rows."""
    _Grows(view, lambda: view.verticalHeader().setDefaultSectionSize(theme.widened(pixels)))
