"""What came of a run of the policy, in a few sentences under its charts."""

import math

from PySide6.QtCore import Qt

from core.config.training import ALGORITHMS, TrainPolicyJob, TrainRewardJob
from core.guidance.next_step import is_chance
from core.preferences.interval import NOTHING, Interval
from core.report import outcomes
from core.runs import origins
from core.store import Project
from desktop import errors
from desktop.background import with_project
from desktop.session import Session
from desktop.widgets.basics import label, set_role
from desktop.widgets.strangers import Label


class RunResult(Label):
    """Shows `said_of` a run at once, and how sure its gain is as soon as that was computed.

    `warning` is for the place under it: it says where the run learned from a reward model that may be guessing.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._job: TrainPolicyJob | None = None
        self._gains: dict[int, Interval] = {}
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.warning = label("", "warning", wrap=True)
        self.warning.hide()

    def show_job(self, job: TrainPolicyJob) -> None:
        self._job = job
        if job.status == "done" and job.result.reward_after is not None and job.id not in self._gains:
            self._gains[job.id] = NOTHING
            self._measure(job.id)
        self._show()

    def _measure(self, job_id: int) -> None:
        def read(project: Project) -> Interval:
            found = outcomes.measure(project, job_id)
            return found.reward.gain if found and found.reward else NOTHING

        def show(found: Interval) -> None:
            self._gains[job_id] = found
            self._show()

        with_project(self, self.session.project, read, show)

    def _show(self) -> None:
        if self._job is None:
            return
        set_role(self, "error" if self._job.error else "muted")
        text = errors.worded(self._job.error) if self._job.error else ""
        text = text or self.session.waits(self._job) or said_of(self._job, self._gains.get(self._job.id, NOTHING))
        self.setText(text)
        self.setVisible(bool(text))
        doubt = self._doubt(self._job)
        self.warning.setText(doubt)
        self.warning.setVisible(bool(doubt))

    def _doubt(self, job: TrainPolicyJob) -> str:
        reward = self.session.job(job.result.reward_job, TrainRewardJob)
        if job.result.reward_after is None or reward is None or not is_chance(reward):
            return ""
        return (
            f"The accuracy of the reward model that gives these rewards (run {reward.id}) cannot be told from chance: "
            "more of its reward need not mean better answers."
        )


def said_of_loss(job: TrainPolicyJob) -> str:
    """How well a run that learns answers came to foresee those that it did not learn."""
    before, after = job.result.loss_before, job.result.loss_after
    if before is None or after is None:
        return ""
    return (
        f"On held-out answers the loss went from {before:.2f} to {after:.2f} nats a token (perplexity "
        f"{math.exp(min(before, 50)):.1f} to {math.exp(min(after, 50)):.1f})."
    )


def said_of(job: TrainPolicyJob, gain: Interval = NOTHING) -> str:
    """What came of a run; `gain` is that of the reward on held-out prompts, of which there are `gain.n`."""
    found = job.result
    text = ""
    if found.reward_after is not None and found.reward_before is not None:
        where, sure = "held-out prompts", ""
        if gain.value is not None:
            where = f"{gain.n:,} held-out {'prompt' if gain.n == 1 else 'prompts'}"
            what = "gain" if gain.value > 0 else "change"
            likely = "too few prompts for an interval"
            if gain.low is not None:
                likely = f"95%: {gain.low:+.2f} to {gain.high:+.2f}"
            sure = f", a {what} of {gain.value:+.2f} ({likely}),"
        text = (
            f"On {where} the reward went from {found.reward_before:+.2f} to "
            f"{found.reward_after:+.2f}{sure} at a KL of {found.kl:.1f} nats a completion."
        )
        if found.gold_after is not None:
            text += f" Gold reward: {found.gold_before:+.2f} to {found.gold_after:+.2f}."
    elif job.status == "done" and found.adapter and job.config.eval_prompts == 0:
        text = "This run was not measured on held-out prompts, as it was told: Compare shows what changed."
    elif job.status == "done" and found.adapter and found.loss_after is None:
        text = "No prompt is held out, so what was gained is not measured: hold some out under Instructions, Prompts."
    text = f"{said_of_loss(job)} {text}".strip()
    if not text and job.status in ("stopped", "interrupted") and found.adapter:
        text = f"{job.status.capitalize()} after {job.done} of {job.total} steps: Resume goes on from there."
    if found.stop_reason:
        algorithm = ALGORITHMS.get(job.config.algorithm)
        name = f"{algorithm.title} stopped" if algorithm else "Stopped"
        text += f" {name} after {found.steps} steps: {found.stop_reason}."
    if found.best_step:
        text += f" Best checkpoint: step {found.best_step}."
    return f"{text} {origins.told(job.config, found)}".strip()
