"""What was typed here and saved, once undo takes that back: the next thing that is done anywhere may forget the redo,
so that it is typed and not saved again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.store import Changes, Project
from core.store.undo.steps import Step
from desktop.session import Session


@dataclass
class _Saved:
    label: str
    typed: Any
    gone: bool = False


class TakenBack(QObject):
    """`gone` and `back` carry what was typed: undo took away what it was saved as, or redo brought that back. `there`
    says whether the row of a number is, and of what was typed where numbers are given again."""

    gone = Signal(object)
    back = Signal(object)

    def __init__(self, session: Session, there: Callable[[Project, int, Any], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._project, self._there = session.project, there
        self._saved: dict[int, _Saved] = {}
        session.replayed.connect(self._look)

    def note(self, changes: Changes, typed: object) -> None:
        """It is saved as the first of the rows that were made."""
        if changes.tables and changes.ids:
            self._saved[changes.ids[0]] = _Saved(changes.label, typed)

    def _look(self, step: Step) -> None:
        """Rows that were deleted by hand, or elsewhere, are no business of an undo of something else."""
        for number, saved in self._saved.items():
            if saved.label == step.label and saved.gone == self._there(self._project, number, saved.typed):
                saved.gone = not saved.gone
                (self.gone if saved.gone else self.back).emit(saved.typed)
