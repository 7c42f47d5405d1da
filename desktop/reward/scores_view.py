"""What a reward model thinks of completions: a table of rewards, and the chosen completion token by token."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.config.scoring import ScoreResult
from core.texts import one_line
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label
from desktop.widgets.columns import keep_columns
from desktop.widgets.strangers import Reading
from desktop.widgets.tables import ROW, fill, table
from desktop.widgets.token_colours import PIECES, coloured

#: With more completions than this, each is held against the others together.
ONE_BY_ONE = 6


class ScoresView(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found = ScoreResult()
        self.scores = table("Rewards", ("Completion", "Reward", "Percentile", "Beats the others"))
        keep_columns(self.scores, {1: 84, 2: 84, 3: 84})
        self.scores.currentCellChanged.connect(lambda *_: self._show_trace())
        self.trace = Reading()
        self.trace.setAccessibleName("Where the reward moves in the completion")
        self.trace.setTabChangesFocus(True)
        self.trace.setPlaceholderText("Score a completion: it is shown here, with what each of its tokens does.")
        self.legend = label(
            "What each token does to the reward, if the text ended there: blue raises it, orange lowers it.",
            "small", wrap=True,
        )  # fmt: skip
        self.setLayout(
            column(
                self.scores, label("Where the reward moves", "heading"), self.trace, self.legend, spacing=SPACE
            )
        )  # fmt: skip
        self._fit(0)
        theme.notifier.changed.connect(self._show_trace)

    @property
    def chosen(self) -> int:
        """The place of the completion that is looked at; -1 is none."""
        return self.scores.currentRow()

    def clear(self) -> None:
        self._found = ScoreResult()
        fill(self.scores, [])
        self._fit(0)
        self._show_trace()

    def show_scores(self, result: ScoreResult, lines: Sequence[str]) -> None:
        """A row for each of the completions; the best is looked at first."""
        self._found = result
        scores, wins, columns = result.scores, result.wins, result.columns
        places = result.percentiles or (None,) * len(scores)
        spread = result.spread or (None,) * len(scores)
        few = 1 < len(scores) <= ONE_BY_ONE
        beats = tuple(f"Beats {n}" for n in range(1, len(scores) + 1)) if few else ("Beats the others",)
        names = ("Completion", "Reward", "Percentile", *beats, *columns)
        self.scores.setColumnCount(len(names))
        self.scores.setHorizontalHeaderLabels(names)
        best = max(scores)
        rows = []
        for number, text in enumerate(lines):
            others = [value for other, value in enumerate(wins[number]) if other != number]
            each = ["–" if other == number else f"{value:.0%}" for other, value in enumerate(wins[number])]
            mean = "–" if not others else f"{sum(others) / len(others):.0%}"
            unsure = "" if spread[number] is None else f" ± {spread[number]:.2f}"
            mark = " ★" if len(scores) > 1 and scores[number] == best else ""
            rows.append(
                (
                    f"{number + 1}   {text}",
                    f"{scores[number]:+.2f}{unsure}{mark}",
                    "–" if places[number] is None else f"{places[number]:.0%}",
                    *(each if few else [mean]),
                    *(f"{values[number]:+.2f}" for values in columns.values()),
                )
            )
        fill(self.scores, rows)
        self._fit(len(rows))
        self.scores.setCurrentCell(scores.index(best), 0)
        self._show_trace()

    def _fit(self, rows: int) -> None:
        """The table is as high as its rows, and scrolls beyond six."""
        self.scores.setFixedHeight(ROW * min(max(rows, 2), ONE_BY_ONE) + ROW + SPACE)

    def _show_trace(self) -> None:
        """The chosen completion, each token on the colour of what it does to the reward."""
        place, traces = self.chosen, self._found.traces
        self.legend.setVisible(bool(traces))
        if not 0 <= place < len(traces):
            self.trace.setHtml("")
            return
        pieces, rewards = traces[place].pieces[:PIECES], traces[place].rewards[: PIECES + 1]
        steps = [after - before for before, after in pairwise(rewards)]
        strongest = max(map(abs, steps), default=0) or 1.0
        words = [coloured(piece, step, strongest) for piece, step in zip(pieces, steps, strict=True)]
        start, end = rewards[0], traces[place].rewards[-1]
        count = len(traces[place].pieces)
        cut = f" The first {PIECES:,} of {count:,} tokens are shown." if count > PIECES else ""
        self.trace.setHtml(
            f'<p style="line-height: 150%">{"".join(words)}</p><p style="color: {theme.current().muted}">'
            f"Empty: {start:+.2f}. Whole: {end:+.2f}. Largest step: {_largest(pieces, steps)}.{cut}</p>"
        )
        self.trace.setAlignment(Qt.AlignmentFlag.AlignLeft)


def _largest(pieces: Sequence[str], steps: list[float]) -> str:
    if not steps:
        return "none"
    place = max(range(len(steps)), key=lambda n: abs(steps[n]))
    return f"{steps[place]:+.2f} at “{escape(one_line(pieces[place], 40))}”"
