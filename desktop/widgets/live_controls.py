"""The settings that may be changed while a run goes: a strip that asks for the change from its next step on."""

from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from core.configs import ALGORITHMS, TrainPolicyConfig
from core.errors import KnownError
from core.jobs import controls, queue
from core.options import documented
from core.records import Job
from desktop import errors
from desktop.forms import FloatBox
from desktop.session import Session
from desktop.theme import SPACE
from desktop.widgets.parts import button, column, label, row, turn_only_with_focus

TITLES = {"kl_coef": "KL coefficient", "learning_rate": "Learning rate", "temperature": "Temperature"}


class LiveControls(QWidget):
    """Shows what is in force now; Apply, or Return in a field, asks for what was changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.job: Job | None = None
        self.fields: dict[str, QDoubleSpinBox] = {}
        bounds = {item.name: item for item in documented(TrainPolicyConfig)}
        parts: list[QWidget | None] = []
        for name in controls.LIVE:
            meta = bounds[name].metadata
            field = FloatBox(meta["low"], meta["high"], 0.0)
            field.setAccessibleName(TITLES[name])
            field.setToolTip(f"{meta['help']} A change is in force from the next step.")
            field.setFixedWidth(86)
            field.setKeyboardTracking(False)
            field.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
            field.lineEdit().returnPressed.connect(self.apply)
            turn_only_with_focus(field)
            self.fields[name] = field
            parts += [label(TITLES[name], "small"), field]
        self.button = button("Apply", self.apply, tip="In force from the next step, and kept with the run")
        self.said = label("", "muted")
        self.said.hide()
        self.setLayout(column(row(*parts, self.button, None, spacing=SPACE), self.said, spacing=SPACE // 2))

    def show_job(self, job: Job) -> None:
        """Show a run's settings as they are now; fields that somebody types in are left alone."""
        fresh = self.job is None or self.job.id != job.id
        self.job = job
        if fresh:
            self._say("")
        for name, value in in_force(self.session, job).items():
            if fresh or not self.fields[name].hasFocus():
                self.fields[name].setValue(value)

    def apply(self) -> None:
        """Ask for every setting that differs from what is in force."""
        if self.job is None:
            return
        asked = []
        before = in_force(self.session, self.job)
        for name, field in self.fields.items():
            field.interpretText()
            if abs(field.value() - before[name]) > 1e-12:
                try:
                    self.session.do(controls.ask(self.session.project, self.job.id, name, field.value()))
                except KnownError as error:
                    errors.show(error, self)
                    return
                asked.append(TITLES[name])
        self._say(f"{', '.join(asked)}: from the next step." if asked else "Nothing was changed.")

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))


def in_force(session: Session, job: Job) -> dict[str, float]:
    """The values asked for last, or what a steered coefficient has come to, or what the run began with."""
    rate = job.config.get("learning_rate") or ALGORITHMS[job.config.get("algorithm", "ppo")].learning_rate
    values = {
        "kl_coef": float(job.config["kl_coef"]),
        "learning_rate": float(rate),
        "temperature": float(job.config["temperature"]),
    }
    if job.config.get("kl_target") and (points := queue.metrics(session.project, job.id, ("objective/kl_coef",))):
        values["kl_coef"] = points["objective/kl_coef"][-1][1]
    return values | {row["name"]: float(row["value"]) for row in controls.changes(session.project, job.id)}
