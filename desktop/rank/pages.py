"""The board, or what stands in its place: nothing to rank yet, all ranked, the result of the calibration set."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.guidance.next_step import missing_rankings
from core.labeling.session import LabelingSession
from core.preferences.agreement import Calibration
from core.records import ACTIVE, Job
from core.store import Project, assignments, prompts
from core.store.packed_rankings import PACK
from desktop.actions import GO_TO
from desktop.places import TabId
from desktop.rank import actions
from desktop.rank.board import RankingBoard
from desktop.rank.calibration_result import CalibrationResult
from desktop.widgets.basics import row
from desktop.widgets.bound import action_button
from desktop.widgets.empty import Empty


class RankPages(QStackedWidget):
    """`leading` carries the id of another tab; the other signals are what the buttons on the pages ask for."""

    leading = Signal(object)
    generating = Signal()
    sending_back = Signal()
    undoing = Signal()
    unskipping = Signal()

    def __init__(self, project: Project, board: RankingBoard, parent: QWidget) -> None:
        super().__init__(parent)
        self.project = project
        self.board = board
        self.no_prompts = Empty(
            "No prompts yet",
            "Completions are answers to prompts. Write or import some prompts first.",
            GO_TO[TabId.INSTRUCTIONS],
            lambda: self.leading.emit(TabId.INSTRUCTIONS),
        )
        self.no_completions = Empty(
            "Nothing to rank yet",
            "Let the local model write a few completions for each prompt. Ranking can begin with the first ones.",
            actions.BEGIN_GENERATING,
            self.generating.emit,
        )
        self.waiting = Empty("The first completions are being written", "")
        self.nobody = Empty("Who ranks?", "Type your name in the field above: rankings are kept apart by labeler.")
        self._packed = bool(project.setting(PACK))
        to_reward = partial(self.leading.emit, TabId.REWARD)
        done = (actions.SEND_BACK, self.sending_back.emit) if self._packed else (GO_TO[TabId.REWARD], to_reward)
        self.all_ranked = Empty("All ranked", "", *done)
        undo = action_button(actions.UNDO_LAST, self.undoing.emit)
        self.unskip_button = action_button(actions.UNSKIP, self.unskipping.emit)
        below = self.all_ranked.layout()
        assert isinstance(below, QVBoxLayout)
        below.insertLayout(below.count() - 1, row(None, undo, None))
        below.insertLayout(below.count() - 1, row(None, self.unskip_button, None))
        self.calibrated = CalibrationResult(self)
        for page in (
            self.board,
            self.no_prompts,
            self.no_completions,
            self.waiting,
            self.nobody,
            self.all_ranked,
            self.calibrated,
        ):
            self.addWidget(page)

    def show_state(self, labeling: LabelingSession | None, job: Job | None, calibration: Calibration | None) -> None:
        """The page for what there is to do; `job` writes completions, or wrote the last ones. `calibration` is a result
        that is still to be read."""
        writing = job is not None and job.status in ACTIVE
        if labeling is None:
            self.setCurrentWidget(self.nobody)
        elif calibration is not None:
            self.calibrated.show_result(self.project, calibration)
            self.setCurrentWidget(self.calibrated)
        elif labeling.group is not None:
            self.setCurrentWidget(self.board)
        elif labeling.total and writing:
            self.waiting.heading.setText("More completions are being written")
            self.waiting.text.setText("You have ranked all that are there. The next ones are shown as they come.")
            self.setCurrentWidget(self.waiting)
        elif labeling.total:
            self._show_all_ranked(labeling)
        elif not prompts.count(self.project):
            self.setCurrentWidget(self.no_prompts)
        else:
            self.waiting.heading.setText("The first completions are being written")
            self.waiting.text.setText("")
            self.setCurrentWidget(self.waiting if writing else self.no_completions)

    def show_job(self, job: Job | None, waits: str = "") -> None:
        """How far the writing of completions is, or what it `waits` for."""
        if job is not None:
            stands = waits or f"{job.stage or 'Starting the worker'} …"
            self.waiting.text.setText(f"{stands} You can rank as soon as they are here.")
        if (job is None or job.status not in ACTIVE) and self.currentWidget() is self.waiting:
            self.setCurrentWidget(self.no_completions)

    def _show_all_ranked(self, labeling: LabelingSession) -> None:
        what = f"all {labeling.total:,} items" if labeling.total > 1 else "the only item"
        self.unskip_button.setVisible(bool(assignments.skipped(self.project, labeling.labeler.id)))
        then = "What is left is to send it to whoever gave you the pack." if self._packed else self._learn()
        self.all_ranked.text.setText(f"You have ranked {what}. {then}")
        self.setCurrentWidget(self.all_ranked)

    def _learn(self) -> str:
        missing = missing_rankings(self.project)
        better = f", and better with {missing} more ranked {'prompt' if missing == 1 else 'prompts'}" if missing else ""
        return f"The reward model can learn from it now{better}."
