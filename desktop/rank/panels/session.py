"""The labeling session beside the cards: time, pace and what is left, without a race; breaks if wanted."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from core.humanize import duration
from core.labeling.clock import LabelingClock
from desktop import user_settings
from desktop.rank import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import Number, column, label, row, rule
from desktop.widgets.bound import bind


class SessionPanel(QWidget):
    """Repaints once a second, while it is seen. `breaks` tells that the reminder was changed."""

    breaks = Signal(int)

    def __init__(self, clock: LabelingClock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.clock = clock
        self.waiting = 0
        self.time = Number("at work", "Pauses of more than two minutes are not counted.")
        self.items = Number("ranked in this session")
        self.pace = Number("an hour", "At the pace so far. Slow is fine.")
        self.rest = Number("waiting")
        self.unbroken = Number("without leaving one out")
        self.end = label("", "muted", wrap=True)
        self.minutes = QSpinBox(self)
        self.minutes.setRange(0, 240)
        self.minutes.setSingleStep(5)
        self.minutes.setSuffix(" min")
        self.minutes.setSpecialValueText("never")
        self.minutes.setValue(user_settings.break_minutes())
        self.minutes.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        bind(actions.BREAKS, self.minutes)
        self.minutes.valueChanged.connect(self._set_break)
        inner = column(
            self.time,
            row(self.items, self.pace, spacing=3 * SPACE),
            row(self.rest, self.unbroken, spacing=3 * SPACE),
            self.end,
            rule(),
            label("Suggest a break after", "small"),
            row(self.minutes, None),
            None,
            spacing=2 * SPACE,
        )
        self.setLayout(inner)
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self.tick)

    def _set_break(self, minutes: int) -> None:
        user_settings.set_break_minutes(minutes)
        self.breaks.emit(minutes)

    def tick(self) -> None:
        minutes, seconds = divmod(int(self.clock.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        self.time.value.setText(f"{hours}:{minutes:02d}:{seconds:02d}")
        self.items.show_value(self.clock.items)
        pace = self.clock.an_hour
        self.pace.show_value(None if pace is None else round(pace))
        self.rest.show_value(self.waiting)
        self.unbroken.show_value(self.clock.in_a_row)
        left = self.clock.left(self.waiting)
        self.end.setText(f"About {duration(left)} for the rest at this pace." if left else "")

    def showEvent(self, event: object) -> None:
        self.tick()
        self._timer.start()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
