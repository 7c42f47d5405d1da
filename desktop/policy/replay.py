"""A recorded run once more, as if it went on now: its charts grow and its samples come in half a minute.

Nothing is computed and nothing is written: what a run's worker once wrote is read, and shown bit by bit.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QFrame, QProgressBar

from core.config.training import TrainPolicyJob
from core.store import Project
from core.store.runs import job_metrics, job_samples
from desktop.background import with_project
from desktop.policy import actions
from desktop.policy.charts import PolicyCharts
from desktop.policy.samples import SamplesTable
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button

#: A whole run takes so long.
SECONDS = 30.0
#: Milliseconds between two looks at the clock.
TICK = 100
Rows = list[dict[str, Any]]


class Replay(QFrame):
    """The line that says that what is seen is a replay; hidden while there is none. `ended` is called when the run is
    to be shown as it is."""

    def __init__(
        self, project: Project, charts: PolicyCharts, samples: SamplesTable, ended: Callable[[], object]
    ) -> None:
        super().__init__()
        self.setProperty("role", "replay")
        self.setAccessibleName("Replay")
        self.project, self.charts, self.samples, self._ended = project, charts, samples, ended
        self.job: TrainPolicyJob | None = None
        """The run that is replayed."""
        self._steps: list[tuple[int, Rows, Rows]] = []
        self._done = 0
        self._asked = 0
        self._since = QElapsedTimer()
        self.clock = QTimer(self, interval=TICK)
        self.clock.timeout.connect(self._tick)
        self.said = label("", "subheading", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How much of the run is replayed")
        self.stop_button = action_button(actions.END_REPLAY, self.stop)
        line = row(self.said, self.stop_button, spacing=2 * SPACE)
        line.setStretch(0, 1)
        whole = column(line, self.bar, spacing=SPACE // 2)
        whole.setContentsMargins(SPACE + 4, SPACE // 2, SPACE + 4, SPACE)
        self.setLayout(whole)
        self.hide()

    @property
    def on(self) -> bool:
        return self.job is not None

    def start(self, job: TrainPolicyJob) -> None:
        """Read what a run wrote, then show it from its first step."""
        self.job = job
        self._asked += 1
        number = self._asked
        self._say("begins")
        self.show()

        def draw(steps: list[tuple[int, Rows, Rows]]) -> None:
            if number == self._asked and self.job is not None:
                self._begin(steps)

        with_project(self, self.project, lambda project: recorded(project, job.id), draw)

    def _begin(self, steps: list[tuple[int, Rows, Rows]]) -> None:
        self._steps, self._done = steps, 0
        self.bar.setRange(0, max(1, len(steps)))
        self.charts.begin_anew()
        self.samples.show_none()
        self._since.start()
        self.clock.start()
        self._tick()

    def _tick(self) -> None:
        """Show all steps whose time has come."""
        due = shown_after(self._since.elapsed() / 1000, len(self._steps))
        new, self._done = self._steps[self._done : due], due
        if new:
            self.charts.append([row for _, metrics, _ in new for row in metrics])
            self.samples.prepend([row for _, _, samples in new for row in samples])
            self.bar.setValue(due)
            count = (self.job.result.steps if self.job is not None else 0) or self._steps[-1][0]
            self._say(f"step {min(new[-1][0], count)} of {count}")  # what is measured at the end stands after the last
        if due == len(self._steps):
            self.stop()

    def stop(self) -> None:
        """Show the run as it is."""
        if self.job is not None:
            self.rest()
            self.hide()
            self._ended()

    def rest(self) -> None:
        """It is over, and nothing is to be shown after it."""
        self.job = None
        self._asked += 1
        self.clock.stop()

    def _say(self, where: str) -> None:
        assert self.job is not None
        self.said.setText(f"Replay of run {self.job.id}: {where}. Recorded earlier; nothing is computed or written.")


def shown_after(seconds: float, steps: int) -> int:
    """How many of a run's steps are shown after so many seconds: the first at once, the last at the end."""
    times = [SECONDS * place / max(1, steps - 1) for place in range(steps)]
    return bisect_right(times, seconds)


def recorded(project: Project, run: int) -> list[tuple[int, Rows, Rows]]:
    """What a run wrote at each of its steps: the step, its metrics and its samples, as the worker's news has them."""
    found: dict[int, tuple[Rows, Rows]] = {}
    with project.reading():
        for name, points in job_metrics.series(project, run).items():
            for step, value in points:
                row = {"job_id": run, "step": step, "name": name, "value": value}
                found.setdefault(step, ([], []))[0].append(row)
        for sample in job_samples.listed(project, run):
            found.setdefault(sample["step"], ([], []))[1].append(sample)
    return [(step, *rows) for step, rows in sorted(found.items())]
