"""Which arena the pages show: the newest one until somebody chooses another."""

from PySide6.QtCore import QObject, Signal

from core.store import arenas
from core.store.arenas import Arena
from desktop.session import Session


class ArenaChoice(QObject):
    changed = Signal()
    """Another arena is chosen, or none is there any more."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self.listed: list[Arena] = []
        self._id = 0
        self.read()

    @property
    def arena(self) -> Arena | None:
        return next((each for each in self.listed if each.id == self._id), None)

    def read(self) -> None:
        """Read again which there are."""
        self.listed = arenas.listed(self.session.project)
        if self.arena is None:
            self._choose(self.listed[0].id if self.listed else 0)

    def choose(self, arena_id: int) -> None:
        self.listed = arenas.listed(self.session.project)
        self._choose(arena_id)

    def _choose(self, arena_id: int) -> None:
        if arena_id != self._id:
            self._id = arena_id
            self.changed.emit()
