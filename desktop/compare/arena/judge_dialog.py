"""Ask for a judge: who votes in place of people, and on what of the arena."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.config.jobs import JobKind
from core.store.arenas import Arena
from desktop.compare.arena import actions
from desktop.compare.arena.asking_dialog import KindDialog
from desktop.runs.judge_fields import JudgeFields
from desktop.session import Session
from desktop.widgets.basics import label

ABOUT = (
    "A judge votes on every pair of answers of this arena. Its votes stay its own: they are never counted with those "
    "of people, and Results says how far it agrees with people."
)


class JudgeDialog(KindDialog):
    """`started` tells that the job is queued."""

    started = Signal()
    fields: JudgeFields

    def __init__(self, session: Session, arena: Arena, parent: QWidget) -> None:
        super().__init__(parent, "Let a judge vote", "Let it vote")
        self.session, self.arena = session, arena
        self.fields = JudgeFields(
            session, self, address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK
        )  # fmt: skip
        self.lay_out(label(ABOUT, "muted", wrap=True), self.fields)

    def submit(self) -> None:
        self.session.start(JobKind.JUDGE, self.fields.config(arena=self.arena.name))
        self.started.emit()
