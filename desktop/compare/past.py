"""The comparisons that were made of a run, newest first, each to be looked at again."""

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox

from core.config.jobs import CompareJob
from core.texts import one_line
from desktop.compare.words import prompts_of, step_of
from desktop.runs.run_list import WORDS

#: Letters of a typed prompt.
LONGEST = 40


class PastBox(QComboBox):
    """Hidden where there is none but the one that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Earlier comparisons")
        self.setMaximumWidth(360)
        self.hide()

    def show_jobs(self, jobs: list[CompareJob], shown: int | None) -> None:
        with QSignalBlocker(self):
            self.clear()
            for job in jobs:
                self.addItem(_called(job), job.id)
            self.setCurrentIndex(self.findData(shown))
        self.setVisible(any(job.id != shown for job in jobs))


def _called(job: CompareJob) -> str:
    """`Job 7: 24 held-out prompts, step 4 · stopped`"""
    typed = one_line(job.config.asked[-1].text, LONGEST) if job.config.typed else ""
    word = WORDS[job.status]
    return f"Job {job.id}: {f'“{typed}”' if typed else prompts_of(job)}{step_of(job)}{f' · {word}' if word else ''}"
