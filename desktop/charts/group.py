"""The charts of one run: they look at the same steps, point at the same step and are smoothed alike."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QSlider, QWidget

from desktop import user_settings
from desktop.charts import actions
from desktop.charts.chart import Chart
from desktop.charts.curve import mark, overlay_style
from desktop.charts.overlays import Overlay
from desktop.theme import theme
from desktop.theme.theme import SPACE, overlay_colour
from desktop.widgets.basics import label, row
from desktop.widgets.bound import action_button
from desktop.widgets.elided import ElidedParts
from desktop.widgets.growing import keep_height, keep_width


class ChartGroup(QObject):
    following_changed = Signal(bool)
    """Do the charts show all steps, and those to come?"""
    behind_asked = Signal(int)
    """Somebody wants to know what is behind this step."""

    def __init__(self, *, offers_behind: bool = False) -> None:
        super().__init__()
        self._offers_behind = offers_behind
        self.charts: list[Chart] = []
        self.smoothing = user_settings.smoothing()
        self.following = True
        self._steps: tuple[float, float] = (0, 1)

    def add(self, *charts: Chart) -> None:
        for chart in charts:
            self.charts.append(chart)
            chart.smooth(self.smoothing)
            if not self.following:
                chart.look_at(*self._steps)
            chart.hovered.connect(self._point)
            chart.moved.connect(self._look)
            chart.followed.connect(self.follow)
            if self._offers_behind:
                chart.offer_behind()
                chart.behind_asked.connect(self.behind_asked)

    def _point(self, step: float | None) -> None:
        for chart in self.charts:
            if chart is not self.sender():
                chart.point_at(step)

    def _look(self, low: float, high: float) -> None:
        self._steps = (low, high)
        for chart in self.charts:
            if chart is not self.sender():
                chart.look_at(low, high)
        self._set_following(False)

    def follow(self) -> None:
        """All charts show all steps again, and those to come."""
        for chart in self.charts:
            if not chart.following:
                chart.show_all()
        self._set_following(True)

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.following_changed.emit(following)

    def smooth(self, smoothing: float) -> None:
        self.smoothing = smoothing
        for chart in self.charts:
            chart.smooth(smoothing)


class ChartBar(QWidget):
    """Above the charts of a run: which runs are laid over it, the way back to all steps, and the smoothing."""

    def __init__(self, group: ChartGroup) -> None:
        super().__init__()
        self.group = group
        self._over: list[Overlay] = []
        self._second = ""
        self.legend = ElidedParts("Laid over: ", "small")
        self.follow = action_button(actions.FOLLOW, group.follow)
        self.follow.setStyleSheet("padding: 0;")
        self.follow.hide()
        group.following_changed.connect(lambda following: self.follow.setVisible(not following))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 99)
        keep_width(self.slider, 110)
        self.slider.setValue(round(100 * group.smoothing))
        self.slider.setAccessibleName("Smoothing of the charts")
        tip = "How much of the mean before stays in the thick line: 0 draws the values as they are"
        self.value = label("", "small")
        self.value.setFixedWidth(self.value.fontMetrics().horizontalAdvance("0.00 "))
        words = label("Smoothing", "small")
        for widget in (words, self.slider, self.value):
            widget.setToolTip(tip)
        self.slider.valueChanged.connect(self._smooth)
        self.slider.sliderReleased.connect(self._keep)
        self._show_value()
        layout = row(self.legend, self.follow, words, self.slider, self.value, spacing=SPACE)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        keep_height(self, 3 * SPACE)  # the same with the way back and without
        theme.notifier.changed.connect(self._paint)

    def _smooth(self, percent: int) -> None:
        self._show_value()
        self.group.smooth(percent / 100)
        if not self.slider.isSliderDown():
            self._keep()

    def _keep(self) -> None:
        user_settings.set_smoothing(self.slider.value() / 100)

    def _show_value(self) -> None:
        self.value.setText(f"{self.slider.value() / 100:.2f}")

    def show_over(self, runs: list[Overlay], second: str = "") -> None:
        """Which runs are laid over the shown one, each in its colour; `second` is the curve that is dotted."""
        self._over, self._second = runs, second
        self._paint()

    def _paint(self) -> None:
        runs = self._over
        named = [f"{mark(overlay_colour(run.number), overlay_style(run.number, 0))} Run {run.run}" for run in runs]
        dotted = [f"dotted: {self._second}"] if self._second else []
        self.legend.say(named + dotted if runs else [])
