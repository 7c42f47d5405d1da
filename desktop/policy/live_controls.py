"""The settings that may be changed while a run goes, and what was changed in it so far."""

from typing import Any

from PySide6.QtWidgets import QLayout, QSizePolicy, QWidget

from core.config.algorithms import LIVE
from core.config.options import documented
from core.config.titles import setting_title
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.errors import KnownError
from core.records import ACTIVE, RESUMABLE
from core.runs import live_settings
from core.store.runs import job_metrics, setting_changes
from desktop import errors
from desktop.policy import actions
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, set_role, turn_only_with_focus
from desktop.widgets.bound import action_button
from desktop.widgets.config_form import FloatBox, help_of
from desktop.widgets.elided import ElidedLabel
from desktop.widgets.growing import keep_width

TITLE = "Change while it runs"


class LiveControls(QWidget):
    """Shows what is in force now; Apply, or Return in a field, asks for what was changed from the next step on.

    So it is while a run could be resumed, too. Once it has ended, only the list of its changes is left.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.job: TrainPolicyJob | None = None
        self.fields: dict[str, FloatBox] = {}
        self._shown: dict[str, float] = {}
        self._refused = ""
        parts: list[QLayout] = []
        options = {item.name: item for item in documented(TrainPolicyConfig)}
        for name in LIVE:
            field = FloatBox(options[name].metadata["low"], options[name].metadata["high"], 0.0)
            field.setAccessibleName(setting_title(name))
            field.setToolTip(f"{help_of(options[name])}\nA change is in force from the next step.")
            keep_width(field, 66)
            field.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
            field.lineEdit().returnPressed.connect(self.apply)
            turn_only_with_focus(field)
            self.fields[name] = field
            said = ElidedLabel(setting_title(name), "small")
            said.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            said.setToolTip(field.toolTip())
            said.setBuddy(field)
            parts.append(row(said, field, spacing=SPACE - 2))
        self.button = action_button(actions.APPLY, self.apply)
        self.heading = label(TITLE, "subheading")
        self.heading.setToolTip("Apply, or Return in a field: what was changed is in force from the next step.")
        self.strip = QWidget()
        self.strip.setLayout(column(self.heading, row(*parts, self.button, None, spacing=SPACE), spacing=2))
        self.strip.setAccessibleName(TITLE)
        self.said = label("", "small", wrap=True)
        inner = column(self.strip, self.said, spacing=SPACE // 2)
        self.setLayout(column(card(inner)))
        inner.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)  # a low window has little room

    def show_job(self, job: TrainPolicyJob) -> None:
        """Show a run's settings as they are now; what somebody has typed and not applied is left alone."""
        changes = setting_changes.listed(self.session.project, job.id)
        if self.job is None or self.job.id != job.id:
            self._shown, self._refused = {}, ""
        self.job = job
        values = in_force(self.session, job)
        for name, field in self.fields.items():
            untouched = field.value() == self._shown.get(name) and not field.hasFocus()
            if untouched or name not in self._shown:
                field.setValue(values[name])
                self._shown[name] = field.value()
        kind = ALGORITHMS.get(job.config.algorithm)
        heeded = kind.live if kind else ()
        for name, field in self.fields.items():
            field.setEnabled(name in heeded)
        self._say(self._refused or listed(changes), "error" if self._refused else "small")
        goes_on = job.status in ACTIVE or (job.status in RESUMABLE and bool(job.result.adapter))
        self.strip.setVisible(goes_on)
        self.setVisible(goes_on or bool(changes))

    def apply(self) -> None:
        """Ask for every setting that was typed."""
        if self.job is None:
            return
        self._refused = ""
        for name, field in self.fields.items():
            value = field.entered()
            if value != self._shown[name]:
                try:
                    changes = live_settings.ask(self.session.project, self.job.id, name, value)
                except KnownError as error:
                    self._refused = errors.worded(str(error))
                    break
                self._shown[name] = value
                self.session.announce(changes)
        self.show_job(self.job)

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_role(self.said, role)


def listed(changes: list[dict[str, Any]]) -> str:
    """`Changed: KL coefficient 0.1 from step 62 · temperature 0.9 from the next step`."""
    parts = []
    for change in changes:
        when = "the next step" if change["step"] is None else f"step {change['step'] + 1}"
        parts.append(f"{setting_title(change['name'])} {change['value']:g} from {when}")
    return f"Changed: {' · '.join(parts)}" if parts else ""


def in_force(session: Session, job: TrainPolicyJob) -> dict[str, float]:
    """What was asked for last, else what a steered coefficient has come to, else what the run began with."""
    config = job.config
    kind = ALGORITHMS.get(config.algorithm)
    values = {
        "kl_coef": config.price if kind else config.kl_coef,
        "learning_rate": config.learning_rate or (kind.learning_rate if kind else 0.0),
        "temperature": config.temperature,
    }
    asked = setting_changes.listed(session.project, job.id)
    values |= {change["name"]: float(change["value"]) for change in asked}
    waiting = {change["name"] for change in asked if change["step"] is None}
    if config.kl_target and "kl_coef" not in waiting:
        last = job_metrics.newest_value(session.project, job.id, "objective/kl_coef")
        values["kl_coef"] = values["kl_coef"] if last is None else last
    return values
