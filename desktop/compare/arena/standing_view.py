"""What one voice says: the table of policies with its intervals, and every two policies beside each other."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from core.report.arena import Standing
from core.report.arena_pairs import Pair, Place
from core.report.arena_words import points, told
from core.texts import one_line
from desktop.compare.arena.interval_bars import Bar, IntervalBars
from desktop.compare.arena.words import counted
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label, rule

#: Pairs that are told one by one: the strongest policies come first.
MOST_PAIRS = 60
#: What the table's reference has.
REFERENCE = 1000.0
HEADS = (("Elo points (95%)", 188), ("Place", 60), ("Votes", 60))
COLUMNS = ("By all votes (95%)", "These two alone", "At equal lengths", "Votes")
PLACES = "A policy's place is 1 more than the number of policies that are surely stronger: several may share one."


class StandingView(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.bars = IntervalBars("Policies by strength", self)
        self.about = label(PLACES, "small", wrap=True)
        self.pairs = QGridLayout()
        self.pairs.setHorizontalSpacing(3 * SPACE)
        self.pairs.setVerticalSpacing(SPACE // 2)
        self.pairs.setColumnStretch(0, 1)
        self.more = label("", "muted", wrap=True)
        self.setLayout(column(
            card(column(self.bars, self.about)), card(column(label("Two by two", "heading"), self.pairs, self.more)),
            spacing=2 * SPACE,
        ))  # fmt: skip

    def show_standing(self, found: Standing, names: tuple[str, ...]) -> None:
        table = found.table
        what = f"Strength; {one_line(table.reference, 40)} stands at {REFERENCE:,.0f}"
        self.bars.show_bars([_bar(place) for place in table.places], what, HEADS, REFERENCE)
        self._show_pairs(found, names)

    def _show_pairs(self, found: Standing, names: tuple[str, ...]) -> None:
        clear(self.pairs)
        top = Qt.AlignmentFlag.AlignTop
        for place, head in enumerate(COLUMNS, start=1):
            self.pairs.addWidget(label(head, "small"), 0, place)
        shown = list(zip(found.pairs, found.pair_sentences, strict=True))[:MOST_PAIRS]
        for number, (pair, sentence) in enumerate(shown):
            line = 1 + 3 * number
            self.pairs.addWidget(rule(), line, 0, 1, 1 + len(COLUMNS))
            over = f"{one_line(names[pair.one], 60)} over {one_line(names[pair.two], 60)}"
            self.pairs.addWidget(label(over, "subheading", wrap=True), line + 1, 0, top)
            for place, text in enumerate(_cells(pair), start=1):
                self.pairs.addWidget(label(text), line + 1, place, top)
            self.pairs.addWidget(label(sentence, "muted", wrap=True), line + 2, 0, 1, 1 + len(COLUMNS))
        left = len(found.pairs) - len(shown)
        self.more.setText(f"{counted(left, 'pair')} more: the command `arena results` tells them all.")
        self.more.setVisible(left > 0)


def _bar(place: Place) -> Bar:
    found, rank = place.points, "–" if place.rank is None else str(place.rank)
    return Bar(place.name, found.value, found.low, found.high, (points(found), rank, f"{place.votes:,}"))


def _cells(pair: Pair) -> tuple[str, ...]:
    """Of `COLUMNS`."""
    alone = told(pair.win_rate), told(pair.at_equal_lengths.win_rate)
    return (told(pair.modelled), *alone, f"{pair.votes:,}")
