"""The rounds of the project in one line: pairs, accuracy of the reward model, what the policy gained."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

from core.config.jobs import GenerateJob
from core.config.training import Run
from core.jobs.follow import News
from core.runs.rounds import Round, line, rounds
from desktop.background import with_project
from desktop.session import Session
from desktop.widgets.strangers import tip

WHAT = (
    "A round is: rank, learn a reward, tune. What the tuned policy writes belongs to the next round; the reward model "
    "learns from all of them.\n"
    "Pairs: what was ranked of this round's completions; newer ones came after the newest reward model began.\n"
    "Reward model: how many of the held-out pairs it orders as the labelers did; chance is 50%.\n"
    "Policy: how much higher that reward model scores the held-out prompts' answers after tuning against it."
)


class RoundsLine(QLabel):
    """Read in the background, because it looks at every ranking; hidden while there is nothing to say.

    Where it is too long, the first rounds give way; all of them are in the tooltip.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.whole = ""
        self._asked = 0
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "small")
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.hide()

    def refresh(self) -> None:
        self._asked += 1
        number = self._asked

        def show(found: list[Round]) -> None:
            if number == self._asked:
                self.whole = "   →   ".join(line(each) for each in found)
                self.setToolTip(tip("\n".join([*(line(each) for each in found), "", WHAT])))
                self._fit()
                self.setVisible(any(each.pairs for each in found))

        with_project(self, self.session.project, rounds, show, lambda error: None)

    def on_news(self, news: News) -> None:
        if "rankings" in news.tables or any(
            job.status == "done" and isinstance(job, Run | GenerateJob) for job in news.jobs
        ):
            self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideLeft, self.width()))
