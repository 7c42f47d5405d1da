"""What a labeler sees after the calibration set: how far they order as its author does, and where they do not."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from core.preferences.agreement import Calibration, Difference
from core.preferences.statistics import Interval
from core.store import Project, completions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, clear, column, label, row, scrolled, set_role

#: From this share of the pairs on, a labeler reads the guidelines as they were meant.
ENOUGH = 0.75
SHOWN = 8


class CalibrationResult(QWidget):
    """`going_on` and `reading` (the guidelines) are what the labeler may do next."""

    going_on = Signal()
    reading = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = label("The calibration set is done", "heading")
        self.verdict = label("", wrap=True)
        self.go_on = button("Go on ranking", self.going_on.emit, role="primary")
        self.read = button("Read the guidelines (F3)", self.reading.emit)
        self.list = column(spacing=SPACE + 4)
        inner = QWidget()
        inner.setLayout(column(self.list, None))
        layout = column(
            self.heading, self.verdict, row(self.go_on, self.read, None), scrolled(inner), spacing=SPACE + 4
        )
        layout.setStretch(3, 1)
        self.setLayout(layout)

    def show_result(self, project: Project, found: Calibration) -> None:
        share = found.agreement.value or 0.0
        well = share >= ENOUGH
        advice = (
            "You read the guidelines as they were meant."
            if well
            else "Read the guidelines again before you go on: below is where you and the author differ most."
        )
        self.verdict.setText(
            f"These {found.ranked:,} prompts had the author's own order, too. You and the author order "
            f"{percent(found.agreement)} of the pairs alike. {advice}"
        )
        set_role(self.verdict, "good" if well else "warning")
        clear(self.list)
        for difference in found.differences[:SHOWN]:
            self.list.addWidget(self._card(project, difference))

    def _card(self, project: Project, difference: Difference) -> QWidget:
        """The completions in the author's order, each with both ranks."""
        texts = {item.id: item.text for item in completions.group(project, difference.group_id).completions}
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setColumnStretch(2, 1)
        for place, title in enumerate(("Author", "You")):
            grid.addWidget(label(title, "small"), 0, place)
        order = sorted(difference.key, key=lambda item: difference.key[item] or len(texts) + 1)
        for line, item in enumerate(order, start=1):
            mine = label(rank_text(difference.theirs.get(item)))
            if difference.theirs.get(item) != difference.key[item]:
                set_role(mine, "warning")
            text = label(texts.get(item, ""), wrap=True)
            for place, widget in enumerate((label(rank_text(difference.key[item])), mine, text)):
                grid.addWidget(widget, line, place, Qt.AlignmentFlag.AlignTop if place < 2 else Qt.AlignmentFlag(0))
        prompt = label(difference.prompt, "heading", wrap=True)
        return card(column(prompt, grid, spacing=SPACE + 4))


def rank_text(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def percent(share: Interval) -> str:
    """`83% (71 to 92)`."""
    if share.value is None:
        return "none"
    if share.low is None or share.high is None:
        return f"{100 * share.value:.0f}%"
    return f"{100 * share.value:.0f}% ({100 * share.low:.0f} to {100 * share.high:.0f})"
