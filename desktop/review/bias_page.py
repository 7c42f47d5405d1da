"""What else than quality may have decided: where a card stood, how long its text was, how quickly somebody ranked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStackedWidget, QWidget

from core.preferences import bias
from core.store import Project, labelers
from core.texts import one_line
from desktop.actions import GO_TO
from desktop.background import with_project
from desktop.charts.axes import FOOT, WIDTH_WITH_UNIT, letters, paint_axes, roomy, write
from desktop.places import TabId
from desktop.review import actions
from desktop.session import Session
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, set_role
from desktop.widgets.bound import bind
from desktop.widgets.empty import Empty
from desktop.widgets.figure import Figure

#: Below this chance the shares by position are called a bias.
SIGNIFICANT = 0.01
#: Above this share of the pairs that the longer (or the shorter) one wins, the sentence is a warning.
MUCH = 0.6

#: Seconds named on the logarithmic axis.
TICKS = (1, 2, 5, 10, 20, 60, 120, 300, 600)


LOWEST = 96


@dataclass(frozen=True)
class Found:
    number: int
    positions: list[bias.PositionShare]
    chance: float | None
    lengths: bias.LengthBias
    speeds: list[bias.Speed]


class Plot(QWidget):
    """A plot under its heading, over a sentence that says what it shows."""

    def __init__(self, heading: str, left: str, bottom: str) -> None:
        super().__init__()
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setAccessibleName(heading)
        self._labels = {"left": left, "bottom": bottom}
        self.sentence = label("", "muted", wrap=True)
        self.nothing = label("", "muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for item in (self.plot, self.nothing):  # drawn or not, the cards are as high as each other
            item.setMinimumHeight(LOWEST)
            item.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        head = row(label(heading, "subheading"), None)
        layout = column(head, self.plot, self.sentence, self.nothing)
        layout.setStretch(1, 1)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.say_nothing("Counting …")
        theme.notifier.changed.connect(self.paint)
        self.figure = Figure(self, self._write, filled=lambda: not self.plot.isHidden())
        head.addWidget(self.figure.button())
        self.paint()

    def _write(self, pixels: int) -> None:
        write(self.plot, pixels)
        self.paint()

    def paint(self) -> None:
        paint_axes(self.plot)
        for side, text in self._labels.items():
            self.plot.setLabel(side, text, color=theme.current().muted, **{"font-size": f"{letters(self.plot)}px"})
            self.plot.getAxis(side).enableAutoSIPrefix(False)  # last: a label turns it on again
        self.plot.getAxis("bottom").setHeight(roomy(self.plot, 2 * FOOT))
        self.plot.getAxis("left").setWidth(roomy(self.plot, WIDTH_WITH_UNIT))

    def bars(self, names: list[str], values: list[float], lows: list[float], highs: list[float]) -> None:
        """Bars with their intervals."""
        colours = theme.current()
        places = np.arange(len(names), dtype=float)
        self.plot.clear()
        self.plot.addItem(
            pg.BarGraphItem(x=places, height=values, width=0.6, brush=QColor(colours.series[0]), pen=pg.mkPen(None))
        )
        tops = np.array(highs) - np.array(values)
        bottoms = np.array(values) - np.array(lows)
        pen = pg.mkPen(colours.text, width=1.5)
        self.plot.addItem(pg.ErrorBarItem(x=places, y=np.array(values), top=tops, bottom=bottoms, beam=0.16, pen=pen))
        self.plot.getAxis("bottom").setTicks([list(zip(places.tolist(), names, strict=True))])
        self.plot.setXRange(-0.6, max(0.6, len(names) - 0.4), padding=0)
        self.plot.setYRange(0, min(1.0, max([*highs, 0.6]) * 1.1) + 0.03, padding=0)

    def level(self, value: float) -> None:
        """A dashed line where there is no bias."""
        pen = pg.mkPen(theme.current().muted, style=pg.QtCore.Qt.PenStyle.DashLine)
        self.plot.addItem(pg.InfiniteLine(pos=value, angle=0, pen=pen))

    def say(self, sentence: str, role: str = "muted") -> None:
        """What the plot shows."""
        self.sentence.setText(sentence)
        set_role(self.sentence, role)
        self._show(True)

    def say_nothing(self, sentence: str) -> None:
        """In the place of the plot: what will be drawn here, and when."""
        self.nothing.setText(sentence)
        self._show(False)

    def _show(self, drawn: bool) -> None:
        self.plot.setVisible(drawn)
        self.sentence.setVisible(drawn)
        self.nothing.setVisible(not drawn)


class BiasPage(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._asked = 0
        self._found: Found | None = None
        self.who = QComboBox(self)
        bind(actions.LABELER, self.who)
        self.who.activated.connect(lambda: self.load())
        self.position = Plot("Where the best one stood", "share of wins", "place on the screen")
        self.length = Plot("Do longer completions win?", "share of its wins", "characters longer")
        self.speed = Plot("Seconds for a prompt", "rankings", "seconds")
        plots = row(card(column(self.position)), card(column(self.length)), spacing=2 * SPACE)
        plots.setStretch(0, 1)
        plots.setStretch(1, 1)
        drawn, inner = QWidget(), column(row(self.who, None), plots, card(column(self.speed)), spacing=2 * SPACE)
        inner.setStretch(1, 1)
        inner.setStretch(2, 1)
        drawn.setLayout(inner)
        self.empty = Empty(
            "Nothing to measure yet",
            "Once prompts are ranked, this page shows whether the place on the screen, the length or haste decided.",
            GO_TO[TabId.RANK],
            lambda: session.navigator.open_tab(TabId.RANK),
        )
        self.stack = QStackedWidget(self)
        self.stack.addWidget(drawn)
        self.stack.addWidget(self.empty)
        layout = column(self.stack)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        theme.notifier.changed.connect(self._repaint)

    def refresh(self) -> None:
        before = self.who.currentData()
        self.who.clear()
        self.who.addItem("All labelers", 0)
        for who in labelers.busiest(self.session.project, actions.CHOICES):
            self.who.addItem(one_line(who.title), who.id)
        self.who.setCurrentIndex(max(0, self.who.findData(before)))
        self.load()

    def load(self) -> None:
        """Compute beside the window."""
        self._asked += 1
        number, who = self._asked, int(self.who.currentData() or 0) or None

        def work(project: Project) -> Found:
            shares = bias.positions(project, who)
            speeds = [found for found in bias.speeds(project) if who in (None, found.labeler_id)]
            return Found(number, shares, bias.position_test(project, who), bias.lengths(project, who), speeds)

        with_project(self, self.session.project, work, self._show)

    def _repaint(self) -> None:
        if self._found is not None:
            self._show(self._found)

    def _show(self, found: Found) -> None:
        if found.number != self._asked:
            return
        self._found = found
        some = found.positions or found.lengths.buckets or found.speeds or self.who.currentData()
        self.stack.setCurrentIndex(0 if some else 1)
        self._show_positions(found)
        self._show_lengths(found.lengths)
        self._show_speeds(found.speeds)

    def _show_positions(self, found: Found) -> None:
        shares = [share for share in found.positions if share.best.value is not None]
        if not shares:
            self.position.say_nothing(
                "Once prompts are ranked on this screen: how often the card at each place was the best one."
            )
            return
        values = [_number(share.best.value) for share in shares]
        lows = [_number(share.best.low, value) for share, value in zip(shares, values, strict=True)]
        highs = [_number(share.best.high, value) for share, value in zip(shares, values, strict=True)]
        self.position.bars([chr(64 + share.position) for share in shares], values, lows, highs)
        self.position.level(shares[0].expected)
        biased = found.chance is not None and found.chance < SIGNIFICANT
        chance = "" if found.chance is None else f" (p = {found.chance:.3f}, chi-square)"
        if biased:
            sentence = f"Some places win more often than chance allows{chance}: read all cards first."
            self.position.say(sentence, "warning")
        else:
            self.position.say(f"No place wins more often than chance allows{chance}. The line is the even share.")

    def _show_lengths(self, found: bias.LengthBias) -> None:
        buckets = [bucket for bucket in found.buckets if bucket[2].value is not None]
        if not buckets or found.longer_wins.value is None:
            self.length.say_nothing("Once rankings give pairs: how often the longer one of a pair wins.")
            return
        values = [_number(share.value) for _, _, share, _ in buckets]
        lows = [_number(share.low, value) for (_, _, share, _), value in zip(buckets, values, strict=True)]
        highs = [_number(share.high, value) for (_, _, share, _), value in zip(buckets, values, strict=True)]
        self.length.bars([_span(low, high) for low, high, _, _ in buckets], values, lows, highs)
        self.length.level(0.5)
        share = found.longer_wins
        clear = share.low is not None and (share.low > 0.5 or _number(share.high) < 0.5)
        word = "The longer one wins" if _number(share.value) >= 0.5 else "The shorter one wins"
        most = max(_number(share.value), 1 - _number(share.value))
        verdict = "is that what the guidelines want?" if clear else "about even."
        role = "warning" if clear and most > MUCH else "muted"
        self.length.say(f"{word} {most:.0%} of the pairs: {verdict}", role)

    def _show_speeds(self, found: list[bias.Speed]) -> None:
        seconds = [value for speed in found for value in speed.log_seconds]
        self.speed.plot.clear()
        if not seconds:
            self.speed.say_nothing(
                "Once prompts are ranked on this screen: how long each took, and which were unusually quick or slow."
            )
            return
        counts, edges = np.histogram(seconds, bins=min(30, max(5, len(seconds) // 4)))
        colours = theme.current()
        centres = (edges[:-1] + edges[1:]) / 2
        unusual, _ = np.histogram([np.log(value) for speed in found for _, value in speed.outliers], bins=edges)
        width, pen = 0.9 * (edges[1] - edges[0]), pg.mkPen(None)
        for heights, colour in ((counts, colours.series[0]), (unusual, colours.series[1])):
            bars = pg.BarGraphItem(x=centres, height=heights, width=width, brush=QColor(colour), pen=pen)
            self.speed.plot.addItem(bars)
        ticks = [value for value in TICKS if edges[0] - 1 < np.log(value) < edges[-1] + 1]
        self.speed.plot.getAxis("bottom").setTicks([[(float(np.log(value)), str(value)) for value in ticks]])
        self.speed.plot.enableAutoRange()
        odd = sum(len(speed.outliers) for speed in found)
        medians = ", ".join(f"{speed.name} {speed.median_seconds:.0f} s" for speed in found[:6])
        noun = "ranking was" if odd == 1 else "rankings were"
        extra = (
            f" {odd:,} {noun} far quicker or slower than their labeler's usual (in the other colour)." if odd else ""
        )
        self.speed.say(f"Median: {medians}.{extra}", "warning" if odd else "muted")


def _number(value: float | None, instead: float = 0.0) -> float:
    return instead if value is None else float(value)


def _span(low: Any, high: Any) -> str:
    return f"{low:g}+" if high is None or not np.isfinite(high) else f"{low:g}–{high:g}"
