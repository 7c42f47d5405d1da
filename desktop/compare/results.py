"""What both policies answered: figures over cards, a few of them put up at a time."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.config.jobs import CompareJob
from core.store import Project
from desktop.compare import actions
from desktop.compare.duel import Answers, Duel, answers_of
from desktop.compare.figures import Figures
from desktop.theme.theme import SPACE
from desktop.widgets.basics import clear, column, label, row, scrolled
from desktop.widgets.bound import action_button

#: Cards put up: more are a button away. So many of them in one turn of the event loop: 40 at once take 120 ms.
PAGE, TURN = 40, 4

#: Makes the card of a prompt's answers.
Card = Callable[[Answers], Duel]


class Results(QWidget):
    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._duels: list[Answers] = []
        self._card: Card = Duel
        self._up = self._wanted = 0
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._put_up)
        self.figures = Figures()
        self.list = QVBoxLayout()
        self.list.setSpacing(2 * SPACE)
        self.more = action_button(actions.SHOW_MORE, self._show_more)
        everything = column(self.figures, self.list, row(self.more, None), None, spacing=2 * SPACE)
        everything.setContentsMargins(0, 0, SPACE, 0)
        inner = QWidget()
        inner.setLayout(everything)
        self.setLayout(column(scrolled(inner)))
        self.clear()

    def clear(self) -> None:
        self.rest()
        self._duels, self._up, self._wanted = [], 0, 0
        self.figures.hide()
        self.more.hide()
        clear(self.list)

    def say(self, text: str, role: str = "muted") -> None:
        """A sentence above the cards."""
        self.list.addWidget(label(text, role, wrap=True))

    def show_job(self, job: CompareJob, *, figures: bool = True, card: Card = Duel) -> list[Answers]:
        """A card for each prompt: reference on the left, tuned on the right. Returns what both answered."""
        self.clear()
        if job.error:
            self.say(job.error, "error")
        elif job.status != "done":
            self.say(f"The comparison was {job.status}: resume it, or compare again.")
        self._duels, self._card = answers_of(self._project, job.id), card
        if figures:
            self.figures.show_found(job.result, self._duels)
        self._show_more()
        return self._duels

    def rest(self) -> None:
        """Put no more cards up."""
        self._turn.stop()

    def _show_more(self) -> None:
        """Put up the next cards; a button stands for those after them."""
        self._wanted = min(self._wanted + PAGE, len(self._duels))
        left = len(self._duels) - self._wanted
        self.more.setVisible(left > 0)
        self.more.setText(f"Show {min(left, PAGE)} more of {left:,}")
        self._turn.start()

    def _put_up(self) -> None:
        """The next few of the cards that are wanted."""
        end = min(self._up + TURN, self._wanted)
        for duel in self._duels[self._up : end]:
            self.list.addWidget(self._card(duel))
        self._up = end
        if self._up < self._wanted:
            self._turn.start()
