"""Goes through the answers of the slider: by hand with the slider and the arrow keys, or by itself for a room."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QWidget

from core.runs.slides import Slide
from desktop.policy import actions
from desktop.policy.slide_view import SlideView
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, row
from desktop.widgets.bound import action_button
from desktop.widgets.growing import keep_width

#: Milliseconds a step.
SPEEDS = {"½ second a step": 500, "1 second a step": 1000, "2 seconds a step": 2000, "4 seconds a step": 4000}
USUAL = 2000
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class SlidePlayer(QWidget):
    """Left and Right go a step back or on, Home and End to the first and last, Space starts and stops the show."""

    def __init__(self, *, large: bool = False) -> None:
        super().__init__()
        self.slides: Sequence[Slide] = ()
        self.clock = QTimer(self, interval=USUAL)
        self.clock.timeout.connect(self._next)
        self.view = SlideView(large=large)
        self.view.text.installEventFilter(self)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the run")
        self.slider.setToolTip("Left and Right: a step back or on. Space: start or stop.")
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._show)
        self.play = action_button(actions.SLIDE_PLAY, self.toggle)
        keep_width(self.play, 96)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed of the show")
        for title, pause in SPEEDS.items():
            self.speed.addItem(title, pause)
        self.speed.setCurrentIndex(self.speed.findData(USUAL))
        self.speed.currentIndexChanged.connect(lambda _: self.clock.setInterval(self.speed.currentData()))
        self.loop = QCheckBox("Loop")
        self.loop.setToolTip("Begin again after the last step")
        bar = row(self.play, self.slider, self.speed, self.loop, spacing=2 * SPACE if large else SPACE)
        bar.setStretch(1, 1)
        body = column(self.view, bar, spacing=2 * SPACE if large else SPACE // 2)
        body.setStretch(0, 1)
        self.setLayout(body)
        self.show_slides((), "")

    @property
    def plays(self) -> bool:
        return self.clock.isActive()

    def show_slides(self, slides: Sequence[Slide], lacks: str, at: int | None = None) -> None:
        """Show these, beginning `at` a place, else at the first. `lacks` is for `SlideView`."""
        self.slides = slides
        self.view.show_slides(slides, lacks)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(slides) - 1))
        self.slider.setValue(min(at or 0, self.slider.maximum()))
        self.slider.blockSignals(False)
        for each in (self.slider, self.play, self.speed, self.loop):
            each.setEnabled(len(slides) > 1)
        if len(slides) < 2:
            self.stop()
        self._show(self.slider.value())

    def _show(self, place: int) -> None:
        self.view.show_slide(self.slides[place] if place < len(self.slides) else None)

    def toggle(self) -> None:
        """Start or stop; one that stands at the end begins anew."""
        if self.plays:
            self.stop()
        elif len(self.slides) > 1:
            if self.slider.value() == self.slider.maximum():
                self.slider.setValue(0)
            self.clock.start()
            self.play.setText("Pause")

    def stop(self) -> None:
        self.clock.stop()
        self.play.setText(actions.SLIDE_PLAY.title)

    def _next(self) -> None:
        if self.slider.value() < self.slider.maximum():
            self.slider.setValue(self.slider.value() + 1)
        elif self.loop.isChecked():
            self.slider.setValue(0)
        if self.slider.value() == self.slider.maximum() and not self.loop.isChecked():
            self.stop()

    def hideEvent(self, event: QHideEvent) -> None:
        self.stop()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._press(event):
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The text would take the keys for its own."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._press(event):
            return True
        return super().eventFilter(watched, event)

    def _press(self, event: QKeyEvent) -> bool:
        if event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            return False
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            self.toggle()
        elif key in STEPS:
            self.slider.setValue(self.slider.value() + STEPS[key])
        elif key == Qt.Key.Key_Home:
            self.slider.setValue(0)
        elif key == Qt.Key.Key_End:
            self.slider.setValue(self.slider.maximum())
        else:
            return False
        return True
