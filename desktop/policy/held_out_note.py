"""Says of a run of the policy that prompts from its training are held out by now."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.runs import pinned_prompts
from desktop.background import with_project
from desktop.session import Session
from desktop.widgets.basics import label


class HeldOutNote(QWidget):
    """Hidden while there is nothing to say. Read in the background: a run may have many prompts."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._asked = 0
        self.text = label("", "warning", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.hide()

    def show_run(self, job_id: int | None) -> None:
        self._asked += 1
        number = self._asked
        if job_id is None:
            self.hide()
            return

        def show(count: int) -> None:
            if number == self._asked:
                were = "prompt that is held out now was" if count == 1 else "prompts that are held out now were"
                them = "it" if count == 1 else "them"
                self.text.setText(f"{count:,} {were} in this run’s training: comparing its policy leaves {them} out.")
                self.setVisible(count > 0)

        with_project(self, self.session.project, lambda project: pinned_prompts.held_out_since(project, job_id), show)
