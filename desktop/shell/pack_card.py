"""The card at the foot of the sidebar in a labeling pack: how much of it is left, and sending it back."""

from PySide6.QtWidgets import QWidget

from core.jobs.follow import News
from core.store import Changes, arenas, assignments, labelers
from core.store.packed_rankings import PACK
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, column, label, set_role
from desktop.widgets.strangers import on_button

TABLES = frozenset({"completions", "completion_groups", "rankings", "assignments"})
LONGEST = 60
SEND = "Send it to whoever gave it to you."


class PackCard(QWidget):
    """For the labeler whom the pack was made for: the loop is somebody else's."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.whose = str(session.project.setting(PACK))
        self.title = label("", "", wrap=True)
        self.title.setStyleSheet("font-weight: 600")
        self.text = label("", "small", wrap=True)
        self.main = button("Send it back …", lambda: session.navigator.send_back())
        above = label(f"Labeling pack of {on_button(self.whose, LONGEST)}", "small", wrap=True)
        lines = column(above, self.title, self.text, self.main, spacing=SPACE - 2)
        frame = card(lines)
        lines.setContentsMargins(SPACE + 4, SPACE + 2, SPACE + 4, SPACE + 2)
        self.setLayout(column(frame))
        self.setAccessibleName("Labeling pack")
        session.changed.connect(self._changed)
        session.news.connect(self._news)
        self.refresh()

    def refresh(self) -> None:
        person = labelers.find(self.session.project, self.whose)
        queue = assignments.queue(self.session.project, person.id) if person is not None else None
        left = len(queue.waiting) if queue is not None else 0
        total = queue.total if queue is not None else 0
        votes = bool(arenas.listed(self.session.project))
        ranked = f"All {total:,} ranked" if total or not votes else "Nothing to rank"
        self.title.setText(f"{left:,} of {total:,} left" if left else ranked)
        then = "Vote under Compare, and send it to whoever gave it to you." if votes else SEND
        self.text.setText("It can be sent back at any time, and again later." if left else then)
        set_role(self.main, "" if left else "primary")

    def _changed(self, changes: Changes, origin: object | None) -> None:
        if changes.tables & TABLES:
            self.refresh()

    def _news(self, news: News) -> None:
        if news.tables & TABLES:
            self.refresh()
