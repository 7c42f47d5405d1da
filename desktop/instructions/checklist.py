"""What the guidelines still lack, as a list that leads to the place to mend."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from core.guidance.guidelines_checks import checks
from core.records import Guidelines
from desktop.instructions import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, set_role
from desktop.widgets.bound import bind

SHOWN = 4


class Checklist(QWidget):
    """`chosen` carries the section that a point speaks of."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = label("", "heading")
        self.points: list[QPushButton] = []
        self.list = column(spacing=2)
        self.setLayout(column(self.title, self.list, spacing=SPACE // 2))

    def show_draft(self, draft: Guidelines) -> None:
        """Check the text anew; the first few points that are open are shown."""
        found = checks(draft)
        left = [check for check in found if not check.met]
        self.title.setText(f"Checklist: {len(found) - len(left)} of {len(found)}")
        set_role(self.title, "good" if not left else "heading")
        self.setAccessibleName(f"Checklist, {len(left)} points open")
        while (item := self.list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.points = []
        for check in left[:SHOWN]:
            go = partial(self.chosen.emit, check.part)
            point = bind(actions.OPEN_POINT, button("", go, role="point"))
            point.setText(f"○  {check.advice}")
            point.setToolTip(f"{check.name}: {check.advice}")
            self.points.append(point)
            self.list.addWidget(point)
        if len(left) > SHOWN:
            self.list.addWidget(label(f"and {len(left) - SHOWN} more", "small"))
        if not left:
            self.list.addWidget(
                label("Nothing is missing. Let somebody rank the calibration set by it.", "muted", wrap=True)
            )
