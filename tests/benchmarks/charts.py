"""How quick the charts are with 20,000 steps, or as many as `--steps` says: moving the view, and a step that arrives.

The page is as large as the window at 1280x800. Twice four curves: four linked charts with one each, and one chart in
which a run with two curves lies over another. A time runs until every chart is painted anew (offscreen, on the CPU).
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.labeling import percentile

PANS, STEPS = 150, 150
NAMES = ("objective/scores", "objective/kl", "objective/entropy", "completions/mean_length")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_QPA_UPDATE_IDLE_TIME"] = "0"  # milliseconds that Qt waits for more before it paints; no work
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PLUMBLINE_DATA"] = folder
        app = application()
        found: dict[str, Any] = {"points_a_curve": options.steps, "curves": 4}
        for name, page in (("four_charts", four_charts), ("one_chart", one_chart)):
            rounds = [page(options.steps) for _ in range(options.runs)]
            for key in rounds[0]:
                values = [each[key] for each in rounds]
                found |= {f"{name}_{key}": statistics.median(values), f"{name}_{key}_best": min(values)}
        del app
        return found


def application() -> Any:
    from PySide6.QtWidgets import QApplication

    from desktop.theme import theme

    app = QApplication([])
    theme.apply(app, "light")
    return app


def points(seed: int, count: int) -> list[tuple[int, float]]:
    import numpy as np

    walk = np.cumsum(np.random.default_rng(seed).normal(0, 0.02, count))
    return list(enumerate((walk + np.random.default_rng(seed + 9).normal(0, 1, count)).tolist(), start=1))


def four_charts(count: int) -> dict[str, float]:
    from desktop.charts.chart import Chart

    charts = [Chart((name,)) for name in NAMES]
    for seed, chart in enumerate(charts):
        chart.extend(chart.names[0], points(seed, count))
    return drive(charts, count)


def one_chart(count: int) -> dict[str, float]:
    from desktop.charts.chart import Chart
    from desktop.charts.overlays import Overlay

    names = ("objective/scores", "objective/gold")
    chart = Chart(names, words=("learned", "gold"))
    for seed, name in enumerate(names):
        chart.extend(name, points(seed, count))
    chart.overlay([Overlay(2, 0, {name: points(seed, count) for seed, name in enumerate(names, start=2)})])
    return drive([chart], count)


def drive(charts: list[Any], count: int) -> dict[str, float]:
    """Milliseconds to pan, far out and close by, and to draw one more step of every curve that grows."""
    from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

    from desktop.charts.group import ChartGroup

    app = QApplication.instance()
    assert app is not None
    group = ChartGroup()
    group.add(*charts)
    page = QWidget()
    grid = QGridLayout(page)
    for number, chart in enumerate(charts):
        grid.addWidget(chart, number // 2, number % 2)
    page.resize(1280, 800)
    page.show()
    for chart in charts:
        chart.draw()

    painted: set[int] = set()
    for number, chart in enumerate(charts):
        chart.plot.exposed.connect(lambda number=number: painted.add(number))

    def timed(step: Callable[[], object]) -> float:
        painted.clear()
        began = time.perf_counter()
        step()
        while len(painted) < len(charts):
            app.processEvents()
            assert time.perf_counter() < began + 5, "a chart is not painted"
        return 1000 * (time.perf_counter() - began)

    def live(step: int) -> None:
        for chart in charts:
            for name in chart.names:
                chart.append(name, step, 1.0 + step % 7)
            chart.draw()

    app.processEvents()
    appending = [timed(lambda step=count + n: live(step)) for n in range(1, STEPS + 1)]
    view = charts[0].plot
    panning = []
    for width in (count // 2, count // 20, count // 200):
        view.setXRange(0, width, padding=0)
        app.processEvents()
        stride = (count - width) // (PANS // 3)
        places = range(stride, count - width, stride)
        panning += [timed(lambda low=low, w=width: view.setXRange(low, low + w, padding=0)) for low in places]
    page.close()
    return {
        "pan_ms_median": statistics.median(panning),
        "pan_ms_p99": percentile(panning, 99),
        "append_ms_median": statistics.median(appending),
        "append_ms_p99": percentile(appending, 99),
    }
