"""Ask for what a new arena is called and asks, or for more prompts of one."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLayout, QLineEdit, QWidget

from core.arena import policies
from core.config.training import TrainPolicyJob
from core.jobs import queue
from core.store import Project, arenas
from core.store.arenas import Arena
from desktop.compare.arena.asking_dialog import AskingDialog
from desktop.compare.arena.prompt_choice import PromptChoice
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label

ABOUT = (
    "The policies of an arena answer the same prompts. People vote on two answers at a time without knowing whose they "
    "are. Held-out prompts are the fair ones: no policy was tuned on them."
)


class ArenaDialog(AskingDialog):
    """`made` carries the number of the arena. With an `arena`, prompts are added to that one."""

    made = Signal(int)

    def __init__(self, session: Session, parent: QWidget, arena: Arena | None = None) -> None:
        title, agree = ("New arena", "Make") if arena is None else ("More prompts", "Add")
        super().__init__(parent, title, agree)
        self.session, self.arena = session, arena
        self.name = QLineEdit(_unused(session.project), self)
        self.name.setAccessibleName("Name")
        self.prompts = PromptChoice(session.project, self)
        run = queue.newest_run(session.project, TrainPolicyJob)
        self.both = QCheckBox("", self)
        self.run = run.id if run is not None and run.result.adapter else 0
        self.both.setText(f"Begin with the base model and run {self.run}" if self.run else "Begin with the base model")
        self.both.setChecked(True)
        named = column(label("Name", "small"), self.name, spacing=SPACE // 2)
        new: list[QWidget | QLayout] = [named, self.prompts, self.both]
        self.lay_out(label(ABOUT, "muted", wrap=True), *(new if arena is None else [self.prompts]), width=520)
        for each in (self.name, self.both):
            each.setVisible(arena is None)
        self.name.selectAll()

    def submit(self) -> None:
        """All of it or nothing."""
        project, asked = self.session.project, self.prompts.chosen()
        with project.write():
            found = self.arena or arenas.create(project, self.name.text())
            arenas.add_prompts(project, found.id, asked)
            if self.arena is None and self.both.isChecked():
                for form in ("base", *([f"run:{self.run}"] if self.run else [])):
                    policies.add(project, found.id, form)
        told = "Add prompts to the arena" if self.arena is not None else "New arena"
        self.session.announce(project.changed(told, "arenas", "arena_policies", "arena_prompts"))
        self.made.emit(found.id)


def _unused(project: Project) -> str:
    """`Arena 1`, or the next that no other has."""
    taken = {each.name for each in arenas.listed(project)}
    return next(name for number in range(1, len(taken) + 2) if (name := f"Arena {number}") not in taken)
