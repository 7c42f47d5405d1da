"""The judges of an arena beside people, and the way to let one vote."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QVBoxLayout

from core.config.judging import bare
from core.report.arena import ArenaResults
from core.texts import one_line
from desktop.compare.arena import actions
from desktop.compare.arena.words import counted
from desktop.theme.theme import SPACE
from desktop.widgets.basics import clear, column, label, row, rule
from desktop.widgets.bound import action_button

ABOUT = (
    "A judge is a model or a reward that votes on the same pairs. Its verdicts are never counted with people's votes: "
    "look first at how far it agrees with people."
)


class JudgesCard(QFrame):
    def __init__(self, let_judge: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.button = action_button(actions.JUDGE, let_judge)
        self.list = QVBoxLayout()
        self.list.setSpacing(SPACE)
        layout = column(
            row(label("Judges", "heading"), None, self.button), label(ABOUT, "muted", wrap=True), self.list
        )  # fmt: skip
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def show_judges(self, found: ArenaResults) -> None:
        clear(self.list)
        for judge, sentences in zip(found.judges, found.judge_sentences, strict=True):
            verdicts = counted(judge.verdicts, "verdict")
            self.list.addWidget(rule())
            self.list.addLayout(
                row(label(f"Judge: {one_line(bare(judge.name), 80)}", "subheading"), None, label(verdicts, "small"))
            )
            for sentence in sentences:
                self.list.addWidget(label(sentence, "muted", wrap=True))
