"""Actions at work: what a button, a field or a shortcut of a page that is built does for an action."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from desktop.actions import Action
from desktop.widgets.basics import button

WidgetT = TypeVar("WidgetT", bound=QWidget)


class Bound(QObject):
    """An action and the widget that does it, which it goes with."""

    def __init__(self, action: Action, widget: QWidget) -> None:
        super().__init__(widget)
        self.action, self.widget = action, widget

    @property
    def available(self) -> bool:
        """Is it seen, and can it be done now?"""
        return self.widget.isVisible() and self.widget.isEnabled()

    @property
    def text(self) -> str:
        """What it is called now."""
        return self.widget.text() if isinstance(self.widget, QAbstractButton) else self.action.title

    def run(self) -> None:
        """Press the button, or go to the field."""
        if isinstance(self.widget, QAbstractButton) and not self.action.field:
            self.widget.click()
        else:
            self.widget.setFocus()


def bind(action: Action, widget: WidgetT) -> WidgetT:
    """Let a widget do an action, and be called as it is: a field by its accessible name, a button by its text."""
    if action.field:
        widget.setAccessibleName(action.title)
    elif isinstance(widget, QAbstractButton):
        widget.setText(action.title)
    if action.hint:
        widget.setToolTip(action.hint)
    Bound(action, widget)
    return widget


def action_button(action: Action, run: Callable[[], object], *, default: bool = True) -> QPushButton:
    """The push button of an action; its keys press it while it is seen."""
    found = button(action.title, run, role=action.role, default=default)
    if action.keys:
        found.setShortcut(action.keys[0])
    return bind(action, found)


def add_shortcuts(action: Action, widget: QWidget, run: Callable[[], object]) -> None:
    """Let an action's keys do it while `widget` or something in it has the focus."""
    for keys in action.keys:
        shortcut = QShortcut(QKeySequence(keys), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(lambda: run())


def bound_in(page: QWidget) -> list[Bound]:
    """What can be done on a page, each action once by what it is called now: rather where it can be done now."""
    found: dict[tuple[Action, str], Bound] = {}
    for each in page.findChildren(Bound):
        known = found.get((each.action, each.text))
        if known is None or (each.available and not known.available):
            found[each.action, each.text] = each
    return list(found.values())
