"""The report on a reward model: the numbers first, then the plots, then the worst errors with their texts."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QWidget

from core.errors import known
from core.preferences.interval import Interval
from core.records import by_hand
from core.report import export
from core.report.measure import Mistake, RewardReport, measure
from core.store import Project
from desktop.actions import GO_TO_PAGE
from desktop.background import with_project
from desktop.places import PageId
from desktop.reward import actions
from desktop.reward.report_plots import GrowthPlot, Reliability, ScoreHistogram, SliceDots
from desktop.reward.run_choice import RunChoice
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets import file_dialogs
from desktop.widgets.basics import Number, card, clear, column, label, row, scrolled, set_role
from desktop.widgets.bound import action_button, bind
from desktop.widgets.dates import local_time
from desktop.widgets.empty import Empty
from desktop.widgets.flowing import Flowing


class ReportPage(QWidget):
    """`train_asked` is for the page on which one is trained."""

    train_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.report: RewardReport | None = None
        self._asked = 0
        self.runs = bind(actions.SHOWN, RunChoice(session, self))
        self.runs.chosen.connect(self.load)
        self.accuracy = Number("held-out pairs ordered rightly", "Chance is 50 %. Equal scores count half.")
        self.top = Number("best one found", "How often the labeler's favourite has the highest reward.")
        self.loss = Number("log loss", "Chance is 0.693. Mean of -log P(chosen wins), in nats. Lower is better.")
        self.error = Number("calibration error", "How far confidence and accuracy are apart, on average.")
        self.baseline = Number("by length alone", "Accuracy of a rule that looks at nothing but the length.")
        self.warning = label("", "warning", wrap=True)
        self.about = label("", "muted", wrap=True)
        self.length = label("", "muted", wrap=True)
        self.histogram = ScoreHistogram()
        self.reliability = Reliability()
        self.growth = GrowthPlot()
        self.reliability_text = label("", "muted", wrap=True)
        self.growth_text = label("", "muted", wrap=True)
        self.dots = QGridLayout()
        self.dots.setSpacing(2 * SPACE)
        self.errors = column(spacing=2 * SPACE)
        self.said = label("", "muted")
        self.export_button = action_button(actions.EXPORT, self._choose_file)
        head = row(self.runs, self.said, None, self.export_button, spacing=2 * SPACE)
        numbers = Flowing(self.accuracy, self.top, self.loss, self.error, self.baseline)
        plots = QGridLayout()
        plots.setSpacing(2 * SPACE)
        growth_card = card(column(self.growth, self.growth_text, None))
        for place, item in enumerate(
            (
                card(column(self.histogram, None)),
                card(column(self.reliability, self.reliability_text, None)),
                growth_card,
            )
        ):
            plots.addWidget(item, 0, place)
            plots.setColumnStretch(place, 1)
        for place in (0, 1):
            self.dots.setColumnStretch(place, 1)
        inner = QWidget()
        body = column(
            card(column(numbers, self.warning, self.about, self.length, spacing=SPACE)), plots, self.dots,
            label("Worst errors", "heading"), self.errors, None, spacing=2 * SPACE,
        )  # fmt: skip
        body.setContentsMargins(0, 0, SPACE, 0)
        inner.setLayout(body)
        page = QWidget()
        whole = column(head, scrolled(inner), spacing=2 * SPACE)
        whole.setContentsMargins(0, 2 * SPACE, 0, 0)
        page.setLayout(whole)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(
            Empty(
                "No report yet",
                "Train a reward model first: its report says how far it can be trusted, and where not.",
                GO_TO_PAGE[PageId.TRAIN],
                self.train_asked.emit,
            )
        )
        self.stack.addWidget(page)
        outer = column(self.stack)
        self.setLayout(outer)

    def refresh(self) -> None:
        before = self._asked
        self.runs.refresh()
        self.stack.setCurrentIndex(1 if self.runs.count() else 0)
        if self.report is None and self._asked == before:
            self.load()

    def load(self) -> None:
        """Measure the chosen run beside the window."""
        job = self.runs.job
        if job is None:
            return
        self._asked += 1
        number, job_id = self._asked, job.id
        self.said.setText("Measuring …")

        def work(project: Project) -> RewardReport:
            return measure(project, job_id)

        def done(found: RewardReport) -> None:
            if number == self._asked:
                self.show_report(found)

        with_project(self, self.session.project, work, done, self._failed)

    def _failed(self, error: Exception) -> None:
        self.said.setText(str(known(error) or f"The report could not be measured: {error}."))
        set_role(self.said, "error")

    def show_report(self, found: RewardReport) -> None:
        self.report = found
        self.said.setText("")
        set_role(self.said, "muted")
        for shown, value, form in (
            (self.accuracy, found.accuracy, "{:.0%}"),
            (self.top, found.top, "{:.0%}"),
            (self.loss, found.log_loss, "{:.3f}"),
            (self.error, Interval(found.calibration_error), "{:.1%}"),
            (self.baseline, found.length.baseline, "{:.0%}"),
        ):
            shown.show_value(value.value, form, between=(value.low, value.high))
        warnings = export.warnings(found)
        self.warning.setText("\n".join(warnings))
        self.warning.setVisible(bool(warnings))
        self.about.setText(_about(found))
        self.length.setText("" if found.length.warns else found.length.verdict)
        self.length.setVisible(bool(found.pairs) and not found.length.warns)
        self._draw(found)

    def _draw(self, found: RewardReport) -> None:
        clear(self.dots)
        clear(self.errors)
        self.histogram.show_scores(np.array(found.chosen), np.array(found.rejected))
        self.reliability.show_bins(found.bins)
        self.growth.show_growth(found.growth)
        self.reliability_text.setText(found.calibration)
        self.reliability_text.setVisible(bool(found.calibration))
        self.growth_text.setText(found.growth.verdict)
        self.growth_text.setVisible(bool(found.growth.verdict))
        for number, (title, rows) in enumerate(export.parts(found)):
            one = card(column(label(title, "subheading"), SliceDots(rows, title), None))
            self.dots.addWidget(one, *divmod(number, 2))
        for item in found.mistakes:
            self.errors.addWidget(_mistake(item))
        if not found.mistakes:
            self.errors.addWidget(label("None on the held-out pairs.", "muted"))

    def _choose_file(self) -> None:
        if self.report is None:
            return
        name = f"reward-model-{self.report.job_id}.html"
        kinds = "Web page (*.html);;Markdown with plots (*.md);;JSON (*.json)"

        def chosen(target: Path) -> None:
            suffix = "." + dialog.selectedNameFilter().split("*.")[-1].rstrip(")")
            # Without an ending of ours the dialog has not asked about the file that would then be written.
            self.export(target if target.suffix in export.SUFFIXES else _free(target.with_name(target.name + suffix)))

        dialog = file_dialogs.ask_save(self, "Export the report", name, chosen, kinds)

    def export(self, path: Path) -> None:
        """Write the report that is shown, and say where or what went wrong."""
        if self.report is None:
            return
        try:
            export.write(self.session.project, self.report, path)
            self.said.setText(f"Written to {path.name}.")
            set_role(self.said, "muted")
        except OSError as error:
            self.said.setText(str(known(error) or f"{path} cannot be written: choose another place."))
            set_role(self.said, "error")


def _about(found: RewardReport) -> str:
    text = f"Measured on {found.pairs:,} pairs of {found.prompts:,} prompts that it was not trained on."
    if found.missing:
        text += f" {found.missing}"
    if found.stopped:
        text += f" Its training {found.stopped}."
    if found.temperature is not None and found.log_loss_scaled is not None:
        if found.temperature > 1.15:
            text += f" It is too sure of itself: divided by {found.temperature:.1f}, its scores would fit best"
            text += f" (log loss {found.log_loss_scaled:.3f})."
        elif found.temperature < 0.85:
            text += f" It is more cautious than it needs to be (best temperature {found.temperature:.1f})."
    text += " " + " ".join(found.basis.sentences(local_time))
    if found.disagreement is not None:
        text += f" Its members' probabilities differ by {found.disagreement:.1%} (standard deviation)."
    return text


def _free(path: Path) -> Path:
    """The path, or one with a number behind its name if there is such a file."""
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def _mistake(item: Mistake) -> QWidget:
    """One pair side by side: what the labeler chose, and what the model prefers."""

    def side(title: str, text: str, name: str) -> QWidget:
        said = label(text, wrap=True)
        hand = f", ✎ {by_hand(name)}" if name else ""
        return card(column(label(f"{title}{hand}", "small", wrap=True), said, None))

    wrong = f"The model gives this {1 - item.probability:.0%}"
    texts = row(
        side(f"{item.labeler} chose", item.chosen, item.chosen_by),
        side(wrong, item.rejected, item.rejected_by),
        spacing=2 * SPACE,
    )
    texts.setStretch(0, 1)
    texts.setStretch(1, 1)
    found = QWidget()
    found.setLayout(column(label(item.prompt, wrap=True), texts))
    return found
