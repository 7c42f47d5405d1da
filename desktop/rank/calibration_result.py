"""What a labeler sees after the calibration set: how far they order as its author does, and where they do not."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from core.labeling.calibration import verdict
from core.preferences.agreement import Calibration, Difference
from core.records import by_hand
from core.store import Project, completions
from desktop.rank import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label, row, scrolled, set_role
from desktop.widgets.bound import action_button

#: Differences on the page.
SHOWN = 8


class CalibrationResult(QWidget):
    """`going_on` and `reading` (the guidelines) are what the labeler may do next."""

    going_on = Signal()
    reading = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Calibration | None = None
        self.heading = label("The calibration set is done", "heading")
        self.verdict = label("", wrap=True)
        self.go_on = action_button(actions.GO_ON, self.going_on.emit)
        self.read = action_button(actions.READ_GUIDELINES, self.reading.emit)
        self.list = column(spacing=SPACE + 4)
        inner = QWidget()
        inner.setLayout(column(self.list, None))
        layout = column(
            self.heading, self.verdict, row(self.go_on, self.read, None), scrolled(inner), spacing=SPACE + 4
        )
        layout.setStretch(3, 1)
        self.setLayout(layout)

    def show_result(self, project: Project, found: Calibration) -> None:
        """Once for each result: what is being read stays where it was scrolled to."""
        if found is self._found:
            return
        self._found = found
        told = verdict(found)
        self.verdict.setText(told.text)
        set_role(self.verdict, "good" if told.well else "warning")
        clear(self.list)
        for difference in found.differences[:SHOWN]:
            self.list.addWidget(self._card(project, difference))

    def _card(self, project: Project, difference: Difference) -> QWidget:
        """The completions in the author's order, each with both ranks."""
        texts = {item.id: item for item in completions.group(project, difference.group_id).completions}
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
            found = texts.get(item)
            text = label(found.text if found is not None else "", wrap=True)
            for place, widget in enumerate((label(rank_text(difference.key[item])), mine)):
                grid.addWidget(widget, line, place, Qt.AlignmentFlag.AlignTop)
            hand = by_hand(found.written_by) if found is not None else ""
            grid.addLayout(column(text, *([label(f"✎ {hand}", "small")] if hand else []), spacing=0), line, 2)
        prompt = label(difference.prompt, "heading", wrap=True)
        return card(column(prompt, grid, spacing=SPACE + 4))


def rank_text(rank: int | None) -> str:
    return "–" if rank is None else str(rank)
