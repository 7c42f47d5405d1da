"""What a comparison found as numbers: rewards, the share of answers that score higher, KL."""

import numpy as np
from PySide6.QtWidgets import QWidget

from core.config.jobs import CompareResult
from core.preferences.statistics import share_interval
from desktop.compare.duel import Answers
from desktop.compare.words import doubt_of
from desktop.theme.theme import SPACE
from desktop.widgets.basics import Number, column, label
from desktop.widgets.flowing import Flowing


class Figures(QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.before = Number("reward of the reference")
        self.after = Number("reward of the tuned policy")
        self.gold = Number("gold reward, before → after")
        self.kl = Number("KL, nats a completion")
        self.wins = Number(
            "answers scored higher", "Equal scores count half. Beside it: where the share likely lies (95%)."
        )
        self.numbers = Flowing(self.before, self.after, self.wins, self.gold, self.kl)
        self.doubt = label("", "muted", wrap=True)
        self.setLayout(column(self.numbers, self.doubt, spacing=SPACE + 4))

    def show_found(self, found: CompareResult, duels: list[Answers]) -> None:
        """`duels` are both answers of each prompt, copy by copy."""
        self._show_numbers(found, duels)
        doubt = doubt_of(len({duel.prompt for duel in duels}))
        self.doubt.setText(doubt)
        self.doubt.setVisible(bool(doubt))
        self.show()

    def _show_numbers(self, found: CompareResult, duels: list[Answers]) -> None:
        self.numbers.setVisible(found != CompareResult())
        self.before.show_value(found.reward_before, "{:+.2f}")
        self.after.show_value(found.reward_after, "{:+.2f}")
        self.kl.show_value(found.kl, "{:.1f}")
        sums: dict[str, list[float]] = {}  # by prompt, because answers to one are not independent
        for duel in duels:
            a, b = duel.reference["score"], duel.tuned["score"]
            if a is not None and b is not None:
                of_prompt = sums.setdefault(duel.prompt, [0.0, 0.0])
                of_prompt[0] += 0.5 if a == b else float(b > a)
                of_prompt[1] += 1
        if sums:
            table = np.array(list(sums.values()))
            likely, (won, scored) = share_interval(table), table.sum(0)
            self.wins.show_share(won, int(scored), (likely.low, likely.high))
        else:  # a project that was packed brings its comparison without the answers
            self.wins.show_value(found.win_rate, "{:.0%}")
        before, after = found.gold_before, found.gold_after
        self.gold.setVisible(before is not None and after is not None)
        if before is not None and after is not None:
            self.gold.value.setText(f"{before:+.2f} → {after:+.2f}")
