"""The rounds of the project in one line: pairs, accuracy of the reward model, what the policy gained."""

from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.rounds import Round, line, rounds
from desktop.background import with_project
from desktop.session import Session
from desktop.widgets.parts import label, row


class RoundsLine(QWidget):
    """Read in the background, because it looks at every ranking; hidden while there is nothing to say."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._asked = 0
        self.text = label("", "small")
        self.text.setToolTip(
            "A round is: rank, learn a reward, tune. What the tuned policy writes belongs to the next round; the "
            "reward model learns from all of them."
        )
        layout = row(self.text, None)
        self.setLayout(layout)
        self.hide()

    def refresh(self) -> None:
        self._asked += 1
        number = self._asked

        def show(found: list[Round]) -> None:
            if number == self._asked:
                self.text.setText("   →   ".join(line(each) for each in found))
                self.setVisible(any(each.pairs for each in found))

        with_project(self, self.session.project.folder, rounds, show, lambda error: None)

    def on_news(self, news: News) -> None:
        if "rankings" in news.tables or any(
            job.status == "done" and job.kind in ("train-reward", "train-policy", "generate") for job in news.jobs
        ):
            self.refresh()
