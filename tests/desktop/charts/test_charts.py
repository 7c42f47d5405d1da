"""Charts of a run: linked, smoothed, marked, laid over each other, taken elsewhere, and quick when they are long."""

import csv

import numpy as np
import pytest
from pyqtgraph import InfLineLabel
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QGridLayout, QMessageBox, QWidget

from desktop import user_settings
from desktop.background import wait_for_all
from desktop.charts.chart import Chart
from desktop.charts.group import ChartBar, ChartGroup
from desktop.charts.markers import Line
from desktop.charts.overlays import Overlay
from desktop.charts.series import Series, smoothed
from desktop.reward.report_plots import ScoreHistogram
from desktop.theme import theme

WAVE = [(step, float(np.sin(step / 3))) for step in range(1, 31)]


@pytest.fixture
def page(qtbot):
    """Two linked charts under their bar, in a window."""
    group = ChartGroup()
    group.add(Chart(("objective/scores", "objective/gold"), words=("learned", "gold")), Chart(("objective/kl",)))
    for chart in group.charts:
        chart.run = 7
        for name in chart.names:
            chart.extend(name, WAVE)
    window = QWidget()
    grid = QGridLayout(window)
    window.bar = ChartBar(group)
    grid.addWidget(window.bar, 0, 0, 1, 2)
    for column, chart in enumerate(group.charts):
        grid.addWidget(chart, 1, column)
    window.group = group
    window.resize(1000, 400)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    for chart in group.charts:
        chart.draw()
    return window


def steps(chart):
    return chart.plot.viewRange()[0]


def test_the_mean_is_the_weighted_sum_of_what_came_before_however_it_arrives():
    values = np.random.default_rng(0).normal(size=200)
    weights = [np.array([0.8**age for age in range(n, -1, -1)]) for n in range(200)]
    expected = [float(w @ values[: len(w)] / w.sum()) for w in weights]
    assert smoothed(values, 0.8)[0] == pytest.approx(expected)
    assert list(smoothed(values, 0.0)[0]) == list(values)
    piecewise = Series("loss", 0.8)
    piecewise.extend(enumerate(values[:120]))
    for step in range(120, 200):
        piecewise.append(step, values[step])
    assert piecewise.means == pytest.approx(expected)


def test_a_long_series_is_drawn_with_few_points_and_every_peak():
    values = np.random.default_rng(1).normal(size=100_000)
    values[[31_234, 77_777]] = 50, -50
    series = Series("loss")
    series.extend(enumerate(values))
    for low, high in ((0, 100_000), (20_000, 90_000), (31_200, 31_300)):
        x, y = series.drawn(low, high, 500, means=False)
        inside = values[low : high + 1]
        assert len(x) <= 1100 and low <= x.min() and x.max() <= high and (np.diff(x) >= 0).all()
        assert (y.min(), y.max()) == (inside.min(), inside.max())
    series.append(100_000, 99.0)
    series.append(100_001, 0.0)
    assert series.drawn(0, 100_001, 500, means=False)[1].max() == 99.0, "before its bucket is full, too"


def test_a_step_that_is_pointed_at_is_read_in_all_charts_with_the_pointer_and_with_keys(page):
    first, second = page.group.charts
    first.plot.pointed.emit(12.2)
    assert all("step 12" in chart.readout.text() for chart in (first, second))
    assert f"{WAVE[11][1]:.3g}" in second.readout.text()
    QTest.keyClick(second.plot, Qt.Key.Key_Right)
    assert "step 13" in first.readout.text()
    QTest.keyClick(second.plot, Qt.Key.Key_Escape)
    assert "step" not in first.readout.text()


def test_charts_are_moved_together_and_follow_again_when_asked(page):
    first, second = page.group.charts
    assert not page.bar.follow.isVisible()
    second.plot.setFocus()
    QTest.keyClicks(second.plot, "+")
    assert steps(first) == steps(second)
    assert steps(first)[0] > 5
    assert page.bar.follow.isVisible()
    zoomed = steps(first)
    first.append("objective/scores", 31, 0.5)
    first.draw()
    assert steps(first) == zoomed, "who looks at some steps is not taken away from them"
    page.bar.follow.click()
    assert not page.bar.follow.isVisible()
    assert [steps(chart)[0] < 1 and steps(chart)[1] > 30 for chart in (first, second)] == [True, True]
    first.append("objective/scores", 60, 0.5)
    first.draw()
    assert steps(first)[1] > 60


def test_smoothing_holds_for_all_curves_and_is_remembered(page):
    first = page.group.charts[0]
    first.overlay([Overlay(3, 0, {"objective/scores": WAVE})])
    page.bar.slider.setValue(90)
    own, _, other = first.keys
    expected = smoothed(np.array([value for _, value in WAVE]), 0.9)[0]
    assert own.series.means == pytest.approx(expected)
    assert other.series.means == pytest.approx(expected)
    assert ChartGroup().smoothing == user_settings.smoothing() == 0.9


def test_laid_over_runs_have_colours_and_their_curves_lines_of_their_own(page):
    first = page.group.charts[0]
    first.overlay([Overlay(run, run, dict.fromkeys(first.names, WAVE)) for run in range(6)])
    looks = [(key.colour, key.style) for key in first.keys]
    assert len(looks) == 14
    assert len(set(looks)) == 14


@pytest.mark.parametrize("length", [300, 5000])
def test_a_step_that_arrives_is_painted_alone_and_lays_nothing_out_anew(page, length):
    first = page.group.charts[0]
    page.bar.slider.setValue(60)
    first.extend("objective/scores", enumerate(np.random.default_rng(2).normal(size=length).cumsum(), start=31))
    first.draw()
    QApplication.processEvents()
    asked, widths = [], []
    page.event = lambda event: asked.append(event.type()) or QWidget.event(page, event)
    paint = first.plot.paintEvent
    first.plot.paintEvent = lambda event: widths.append(event.rect().width()) or paint(event)
    for step in range(length + 31, length + 61):
        first.append("objective/scores", step, step % 7)
        first.draw()
        QApplication.processEvents()
    assert QEvent.Type.LayoutRequest not in asked
    assert np.median(widths) < 0.2 * first.plot.width()
    bit_by_bit = page.screen().grabWindow(page.winId()).toImage()
    assert bit_by_bit == page.grab().toImage().convertToFormat(bit_by_bit.format())


def test_a_line_says_what_it_means_where_the_pointer_is_near(page):
    first = page.group.charts[0]
    first.set_marks([Line(18, "the best one", "best", kind="tick"), Line(5, "changed", kind="mark")])
    near = first.plot.plotItem.vb.viewRect()
    near.setLeft(17.8)
    near.setRight(18.2)
    asked = []
    first.plot.show_tip = lambda _, text: asked.append(text)
    first.plot.tip_asked.emit(first.plot.pos(), near)
    near.moveLeft(10)
    first.plot.tip_asked.emit(first.plot.pos(), near)
    assert asked[0] == "the best one"
    assert asked[1] == "" and "double-click" in first.toolTip(), "nothing covers a curve that is read"


def saved(chart, qtbot, words, path):
    action = next(action for action in chart.menu.actions() if words in action.text())
    action.trigger()
    dialog = chart.findChild(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    wait_for_all()
    QApplication.processEvents()


def test_a_chart_is_saved_and_copied_with_the_runs_laid_over_it(page, qtbot, tmp_path):
    first = page.group.charts[0]
    first.overlay([Overlay(3, 0, {"objective/scores": WAVE[:10]})])
    saved(first, qtbot, "CSV", tmp_path / "chart.csv")
    rows = list(csv.reader((tmp_path / "chart.csv").open(encoding="utf-8")))
    assert rows[0] == ["step", "Run 7 learned", "Run 7 gold", "Run 3 learned"]
    assert (rows[10][0], float(rows[10][3]), rows[11][3], len(rows)) == ("10", WAVE[9][1], "", 31)
    saved(first, qtbot, "PNG", tmp_path / "chart.png")
    assert QImage(str(tmp_path / "chart.png")).width() >= 2 * first.plot.width()
    saved(first, qtbot, "SVG", tmp_path / "chart.svg")
    assert QSvgRenderer(str(tmp_path / "chart.svg")).isValid()
    assert "Run 3 learned" in (tmp_path / "chart.svg").read_text(encoding="utf-8")
    first.menu.actions()[0].trigger()
    assert not QApplication.clipboard().image().isNull()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chart.csv", "chart.png", "chart.svg"]


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(page, qtbot, tmp_path):
    (tmp_path / "file").write_text("mine")
    saved(page.group.charts[0], qtbot, "PNG", tmp_path / "file" / "chart.png")
    (box,) = page.group.charts[0].findChildren(QMessageBox)
    assert "chart.png cannot be written: choose another place." in box.informativeText()
    box.close()


def test_the_numbers_beside_small_values_stay_when_the_theme_changes(qtbot):
    chart = Chart(("objective/scores",), heading="Reward")
    qtbot.addWidget(chart)
    chart.show()
    chart.extend("objective/scores", [(step, -0.1 * step) for step in range(5)])
    chart.draw()
    for mode in ("dark", "light"):
        theme.apply(QApplication.instance(), mode)
        axis = chart.plot.getAxis("left")
        assert axis.scale * axis.autoSIPrefixScale == 1


def test_values_that_hardly_differ_have_numbers_that_leave_the_unit_its_room(qtbot):
    chart = Chart(("objective/kl",), level=(0.6931, "as good as chance"))
    qtbot.addWidget(chart)
    chart.resize(400, 300)
    with qtbot.waitExposed(chart):
        chart.show()
    chart.append("objective/kl", 1, 0.693147)
    chart.draw()
    low, high = chart.plot.viewRange()[1]
    assert low < 0.6931 < 0.693147 < high
    axis = chart.plot.getAxis("left")
    spacing = axis.tickSpacing(low, high, 200)[1][0]
    assert all(len(text) <= len("0.693") for text in axis.tickStrings([low, high], 1, spacing))


def test_a_still_plot_says_small_scores_as_they_are(qtbot):
    plot = ScoreHistogram()
    qtbot.addWidget(plot)
    plot.show_scores(np.linspace(-0.5, 0.6, 50), np.linspace(-0.6, 0.5, 50))
    plot.resize(400, 300)
    plot.show()
    plot.grab()
    axis = plot.plot.getAxis("bottom")
    assert axis.autoSIPrefixScale == 1
    assert "0.001" not in axis.labelString()


@pytest.mark.parametrize(("wheel", "said"), [(True, "move, the wheel to zoom"), (False, "Ctrl and the wheel to zoom")])
def test_the_wheel_zooms_as_the_tooltip_says(qtbot, wheel, said):
    chart = Chart(("objective/kl",), small=True, wheel=wheel)
    chart.run = 1
    qtbot.addWidget(chart)
    chart.extend("objective/kl", WAVE)
    chart.resize(500, 300)
    chart.show()
    chart.draw()
    assert said in chart.toolTip()
    before = steps(chart)
    middle = QPointF(chart.plot.rect().center())
    turned = QWheelEvent(
        middle, chart.plot.mapToGlobal(middle), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(chart.plot.viewport(), turned)
    assert (steps(chart) != before) == wheel


def test_a_ticks_word_stands_where_no_curve_passes(qtbot):
    chart = Chart(("objective/kl",))
    chart.run = 1
    qtbot.addWidget(chart)
    chart.extend("objective/kl", [(1, 0.0), *((step, 1.0 if step < 15 else 9.0) for step in range(2, 31))])
    chart.set_marks([Line(step, "kept", "best", kind="tick") for step in (6, 24)])
    chart.resize(500, 300)
    chart.show()
    qtbot.waitExposed(chart)
    chart.draw()
    words = sorted(
        (item for item in chart.plot.items() if isinstance(item, InfLineLabel)), key=lambda item: item.line.x()
    )
    view = chart.plot.getViewBox()
    heights = [view.mapSceneToView(word.sceneBoundingRect().bottomLeft()).y() for word in words]
    assert heights[0] > 1, "above the curve, which runs along the foot there"
    assert heights[1] < 2, "on its tick, far below the curve"


def test_what_is_laid_over_ends_in_an_ellipsis_where_there_is_no_room(page):
    page.bar.show_over([Overlay(run, run, {"objective/kl": WAVE}) for run in (8, 9)], "gold")
    assert page.bar.legend.text().endswith("dotted: gold")
    page.bar.setFixedWidth(430)
    QApplication.processEvents()
    assert "Run 8" in page.bar.legend.text() and page.bar.legend.text().endswith("…")
    assert page.bar.legend.sizeHint().width() <= page.bar.legend.width()
    assert page.bar.legend.toolTip().endswith("dotted: gold")
