"""The question whether a project may do what it names, of which nothing is cut and nothing can be overlooked."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QDialogButtonBox, QGridLayout, QMessageBox, QPushButton, QWidget

from core.texts import Limits
from desktop.widgets import message_boxes
from desktop.widgets.strangers import Reading

#: A question is shown whole, however long it is.
WHOLE = Limits(10**9, 10**9, named=10**9, marks=10**9)
#: The list's width in points, and the fewest and the most lines of it that are in sight.
WIDE, FEW, MANY = 560, 3, 14


def ask(
    parent: QWidget, heading: str, warning: str, things: Sequence[str], yes: str, then: Callable[[], object]
) -> QMessageBox:
    """Call `then` once a person agreed to all of `things`: they scroll below the warning, and the button `yes` can be
    pressed when their end was in sight."""
    count = f"\n\nThese are {len(things):,} things: look at all of them, then you can allow them." * (len(things) > 1)
    asked = message_boxes.box(parent, heading, warning + count)
    does = asked.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    asked.setDefaultButton(asked.addButton(asked.StandardButton.Cancel))
    does.clicked.connect(lambda: then())
    _put_in(asked, Things(things, does))
    return message_boxes.show(asked)


class Things(Reading):
    """Each of them on a line of its own; `does` can be pressed once the last one was in sight."""

    def __init__(self, things: Sequence[str], does: QPushButton) -> None:
        super().__init__(limits=WHOLE)
        self._does, self._seen = does, False
        self.setAccessibleName("What it wants to do")
        self.setTabChangesFocus(True)
        select = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        self.setTextInteractionFlags(select)  # so that End and Page Down lead through it
        self.setMinimumWidth(WIDE)
        self.show_text("\n".join(f"– {each}" for each in things))
        does.setEnabled(False)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_whether()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_whether()

    def scrollContentsBy(self, right: int, down: int) -> None:
        super().scrollContentsBy(right, down)
        self._seen = self._seen or self._at_end()
        self._show_whether()

    def set_height(self) -> None:
        """As high as its text, within bounds."""
        self.ensurePolished()
        document, line = self.document(), self.fontMetrics().lineSpacing()
        document.setTextWidth(WIDE - 2 * line)
        height = min(max(document.size().height() + line / 2, FEW * line), MANY * line)
        self.setFixedHeight(round(height) + 2 * self.frameWidth())

    def _at_end(self) -> bool:
        self.document().size()  # all of it is laid out: else the end is where it is laid out so far
        bar = self.verticalScrollBar()
        return self.isVisible() and bar.maximum() - bar.value() < self.fontMetrics().lineSpacing() / 2  # of its edge

    def _show_whether(self) -> None:
        self._does.setEnabled(self._seen or self._at_end())


def _put_in(asked: QMessageBox, things: Things) -> None:
    """Between what the box says and its buttons."""
    grid, buttons = asked.layout(), asked.findChild(QDialogButtonBox)
    assert isinstance(grid, QGridLayout) and buttons is not None
    grid.removeWidget(buttons)
    rows, columns = grid.rowCount(), grid.columnCount()
    grid.addWidget(things, rows, 0, 1, columns)
    grid.addWidget(buttons, rows + 1, 0, 1, columns)
    things.set_height()
