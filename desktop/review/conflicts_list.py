"""Prompts that one labeler ranked in two places: both orders side by side, one of them to be chosen."""

from functools import partial

from PySide6.QtWidgets import QPushButton, QWidget

from core.labeling.in_letters import order_of
from core.store import conflicts
from core.store.conflicts import Conflict, RankedSince
from core.texts import one_line
from desktop.review import actions
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label, row
from desktop.widgets.bound import action_button
from desktop.widgets.strangers import on_button

SHOWN = 20


class ConflictsList(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.list = column(spacing=SPACE)
        self.setLayout(self.list)
        self.hide()

    def refresh(self) -> None:
        clear(self.list)
        found = conflicts.listed(self.session.project)
        self.setVisible(bool(found))
        if not found:
            return
        self.list.addWidget(label(f"{len(found):,} ranked in two places: which order counts?", "heading"))
        for conflict in found[:SHOWN]:
            choices = [
                self._choice(conflict, side, f"{title}:  {order_of(self.session.project, ranking)}")
                for side, title, ranking in (
                    ("ours", "Here", conflict.ours),
                    ("theirs", "In the pack", conflict.theirs),
                )
            ]
            text = label(f"{one_line(conflict.labeler, 80)}: {one_line(conflict.prompt, 120)}", wrap=True)
            self.list.addWidget(card(column(text, row(*choices, None))))

    def _choice(self, conflict: Conflict, side: str, text: str) -> QPushButton:
        found = action_button(actions.DECIDE, partial(self.take, conflict, side))
        found.setText(on_button(text))
        return found

    def take(self, conflict: Conflict, side: str) -> None:
        try:
            seen = (conflict.ours, conflict.theirs)
            changes = conflicts.resolve(self.session.project, conflict.id, side, seen)
        except RankedSince:
            self.refresh()
            raise
        self.session.announce(changes, self)
        self.refresh()
