"""Small figures that move under a slider: the loss of a pair, PPO's clip, over-optimisation.

Each is a curve of a formula and a sentence about where the slider stands. `FIGURES` names them by page of the guide.
"""

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QWidget

from desktop.charts.axes import paint_axes
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row

TICKS = 100
#: Gao et al. 2022 (arXiv 2210.10760): gold reward d (ALPHA - BETA log d) at d = sqrt(KL), of a small reward model.
ALPHA, BETA = 1.0, 0.45
#: What the learned reward thinks of the same policy: it hardly turns.
LEARNED = 0.12


class Figure(QWidget):
    """A heading, a plot, a slider from `low` to `high`, and what `say` has to say of its value."""

    def __init__(self, heading: str, name: str, low: float, high: float, begin: float) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.plot = pg.PlotWidget()
        self.plot.setFixedHeight(132)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setAccessibleName(heading)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, TICKS)
        self.slider.setAccessibleName(name)
        self.slider.setValue(round((begin - low) / (high - low) * TICKS))
        self.slider.valueChanged.connect(lambda _: self.draw())
        self.said = label("", "small", wrap=True)
        self.said.setMinimumHeight(3 * self.said.fontMetrics().lineSpacing())
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        inner = column(label(heading), self.plot, row(label(name, "small"), self.slider), self.said, spacing=SPACE)
        self.setLayout(column(card(inner)))
        self.curves = [pg.PlotDataItem() for _ in range(2)]
        self.at = pg.PlotDataItem(symbol="o", symbolSize=9, symbolPen=None, pen=None)
        for item in (*self.curves, self.at):
            self.plot.addItem(item)
        self._paint()
        theme.notifier.changed.connect(self._paint)

    @property
    def value(self) -> float:
        return self.low + (self.high - self.low) * self.slider.value() / TICKS

    def draw(self) -> None:
        """Draw the curves and the point at `value`, and say what they mean."""
        raise NotImplementedError

    def _paint(self) -> None:
        paint_axes(self.plot)
        colours = theme.current()
        for curve, colour in zip(self.curves, colours.series, strict=False):
            curve.setPen(pg.mkPen(colour, width=2))
        self.at.setSymbolBrush(colours.text)
        self.draw()


class PairLoss(Figure):
    """-log sigmoid(d) of the difference d between the rewards of the chosen and the rejected completion."""

    def __init__(self) -> None:
        super().__init__("The loss of a pair", "r_j - r_k", -4.0, 4.0, 1.0)

    def draw(self) -> None:
        x = np.linspace(self.low, self.high, 161)
        here = pair_loss(self.value)
        self.curves[0].setData(x, pair_loss(x))
        self.at.setData([self.value], [here])
        p = float(np.exp(-here))
        way = "It has the pair the right way round." if self.value > 0 else "It has the pair the wrong way round."
        self.said.setText(
            f"The reward model gives the chosen one {self.value:+.1f} against the rejected one: it expects {p:.0%} of "
            f"people to agree, and pays {float(here):.2f}. {way if self.value else 'It cannot tell.'}"
        )


class Clip(Figure):
    """PPO's objective min(r A, clip(r, 1 - e, 1 + e) A) for a token that was better (A = 1) or worse (A = -1)."""

    def __init__(self) -> None:
        super().__init__("PPO's clip", "clip range", 0.05, 0.6, 0.2)

    def draw(self) -> None:
        x = np.linspace(0.2, 2.0, 181)
        for curve, advantage in zip(self.curves, (1.0, -1.0), strict=True):
            curve.setData(x, clipped(x, advantage, self.value))
        self.at.setData([1.0, 1.0], [1.0, -1.0])
        first, second = (f'<span style="color:{colour}">●</span>' for colour in theme.current().series[:2])
        self.said.show_marked(
            f"{first} A token that was good: beyond {1 + self.value:.2f} times its old probability nothing is gained. "
            f"{second} One that was bad: below {1 - self.value:.2f} times, neither."
        )


class OverOptimisation(Figure):
    """Where a policy ends that maximises the learned reward minus a price for each nat of KL."""

    def __init__(self) -> None:
        super().__init__("Over-optimisation", "price of KL", 0.005, 0.3, 0.06)

    def draw(self) -> None:
        kl = np.linspace(0.01, 60, 400)
        learned, gold = rewards_at(kl)
        end = int((learned - self.value * kl).argmax())
        for curve, values in zip(self.curves, (learned, gold), strict=True):
            curve.setData(kl, values)
        self.at.setData([kl[end], kl[end]], [learned[end], gold[end]])
        first, second = (f'<span style="color:{colour}">●</span>' for colour in theme.current().series[:2])
        peak = int(gold.argmax())
        verdict = "past the peak: people like it less again." if end > peak else "people still like it more and more."
        self.said.show_marked(
            f"{first} learned {learned[end]:.1f} {second} gold {gold[end]:.1f}. At this price the policy stops "
            f"{kl[end]:.0f} nats from the reference, {verdict}"
        )


def pair_loss(difference: np.ndarray | float) -> np.ndarray:
    return np.logaddexp(0.0, -np.asarray(difference))


def clipped(ratio: np.ndarray, advantage: float, epsilon: float) -> np.ndarray:
    return np.minimum(ratio * advantage, np.clip(ratio, 1 - epsilon, 1 + epsilon) * advantage)


def rewards_at(kl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The learned and the gold reward of policies so many nats from the reference."""
    d = np.sqrt(kl)
    return d * (ALPHA - LEARNED * np.log(d)), d * (ALPHA - BETA * np.log(d))


FIGURES: dict[str, tuple[Callable[[], Figure], ...]] = {"rlhf": (PairLoss, Clip, OverOptimisation)}
