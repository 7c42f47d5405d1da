"""Small pieces that every tab is built from: labels by role, cards, a page with its header, empty states."""

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.theme.theme import SPACE
from desktop.widgets.aside import Aside
from desktop.widgets.elided import OneLine
from desktop.widgets.growing import keep_width
from desktop.widgets.strangers import Label

#: Pixels of the width of what stands beside a page.
SIDE = 336


def label(text: str, role: str = "", *, wrap: bool = False) -> Label:
    """A label in one of the theme's roles: title, heading, muted, small, number, error, warning, good."""
    found = Label(text)
    if role:
        found.setProperty("role", role)
    found.setWordWrap(wrap)
    return found


def unmarked(text: str) -> str:
    """Without Markdown's backticks: what is typed stands between quotation marks."""
    return re.sub(r"`([^`]*)`", r"“\1”", text)


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role after it was shown."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(
    text: str, action: Callable[[], object], *, role: str = "", tip: str = "", keys: str = "", default: bool = True
) -> QPushButton:
    """A push button; roles are primary and link. In a dialog, Return in a field presses the first `default` one. While
    it is seen, `keys` press it; the tooltip says so."""
    found = QPushButton(text)
    if role:
        found.setProperty("role", role)
    if keys:
        found.setShortcut(keys)
        tip = f"{tip} ({keys})".strip()
    found.setToolTip(tip)
    found.setCursor(Qt.CursorShape.PointingHandCursor if role == "link" else Qt.CursorShape.ArrowCursor)
    found.setAutoDefault(default)  # Return presses the button that has the focus, as Space does
    found.clicked.connect(lambda: action())
    return found


def show_one(these: Sequence[QWidget], which: QWidget | None) -> None:
    """Show one of widgets that stand for each other, or none. It takes the focus of the one before it, which would go
    to whatever stands beside them otherwise."""
    focused = any(each.hasFocus() for each in these)
    if which is not None:
        which.show()
        if focused:
            which.setFocus()
    for each in these:
        each.setVisible(each is which)


def without_icons(dialog: QWidget) -> None:
    """Take the platform's icons from a dialog's buttons: they are put there before its style sheet is heeded."""
    for push in dialog.findChildren(QPushButton):
        push.setIcon(QIcon())


def card(layout: QLayout | None = None, padding: int = 2 * SPACE) -> QFrame:
    frame = QFrame()
    frame.setProperty("role", "card")
    if layout is not None:
        layout.setContentsMargins(padding, padding, padding, padding)
        frame.setLayout(layout)
    return frame


def side_panel(layout: QVBoxLayout, width: int = SIDE) -> QScrollArea:
    """A column whose width goes along with its text, and that scrolls when the window is low."""
    layout.setContentsMargins(2, 2, 14, 2)
    inner = QWidget()
    inner.setLayout(layout)
    area = scrolled(inner)
    keep_width(area, width)
    Aside(area)
    return area


def scrolled(inner: QWidget) -> QScrollArea:
    """The widget as wide as there is room, scrolling up and down when it is higher."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(inner)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def rule() -> QFrame:
    line = QFrame()
    line.setProperty("role", "rule")
    return line


def column(*items: QWidget | QLayout | None, spacing: int = SPACE) -> QVBoxLayout:
    """Items from top to bottom; None is a stretch."""
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def row(*items: QWidget | QLayout | None, spacing: int = SPACE) -> QHBoxLayout:
    """Items from left to right; None is a stretch."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def _fill(layout: QVBoxLayout | QHBoxLayout, items: tuple[QWidget | QLayout | None, ...]) -> None:
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)


def clear(layout: QLayout) -> None:
    """Take everything out of a layout, and its widgets off the screen."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear(inner)


class _WheelGuard(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def turn_only_with_focus(*fields: QWidget) -> None:
    """Let the wheel scroll the page: it changes a value only in the field that has the focus."""
    for field in fields:
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(_WheelGuard(field))


class Number(QWidget):
    """A large number over its name, and the interval that it lies in where there is one."""

    def __init__(self, name: str, tip: str = "") -> None:
        super().__init__()
        self.value = label("–", "number")
        self.between, said = OneLine(), OneLine(name)  # rather cut than wider than the page
        for small in (self.between, said):
            small.setProperty("role", "small")
        self.setToolTip(tip)
        self.setLayout(column(row(self.value, self.between, None), said, spacing=0))

    def show_value(
        self,
        value: float | int | None,
        form: str = "{:,}",
        *,
        between: tuple[float | None, float | None] = (None, None),
    ) -> None:
        low, high = between
        self.value.setText("–" if value is None else form.format(value))
        self.between.setText("" if low is None or high is None else f"({form.format(low)} to {form.format(high)})")

    def show_share(self, count: float, n: int, between: tuple[float | None, float | None]) -> None:
        """So many of so many with the interval of their share: of a few it says little."""
        low, high = between
        self.show_value(count / n if n else None, "{:.0%}")
        if low is not None and high is not None:
            self.between.setText(f"{count:g} of {n:,}, {100 * low:.0f}–{high:.0%}")
