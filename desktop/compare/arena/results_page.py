"""What the votes say, once somebody asks: a table with intervals, win rates, and judges beside people."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHeaderView, QStackedWidget, QTableWidget, QWidget

from core.errors import KnownError
from core.store import arena_votes
from desktop import errors
from desktop.actions import GO_TO_PAGE
from desktop.background import with_project
from desktop.compare.arena import actions, findings
from desktop.compare.arena.choice import ArenaChoice
from desktop.compare.arena.findings import Findings
from desktop.compare.arena.interval_bars import IntervalBars
from desktop.compare.arena.judge_dialog import JudgeDialog
from desktop.compare.arena.words import counted
from desktop.places import PageId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label, row, scrolled
from desktop.widgets.bound import action_button, bind
from desktop.widgets.empty import Empty
from desktop.widgets.strangers import on_button
from desktop.widgets.tables import ROW, fill, table

NOTHING, NO_VOTES = "No votes yet", "The results are made of votes: set an arena up, let its policies answer, and vote."
HIDDEN = "The results are hidden"
WHY = "Who knows what is ahead votes otherwise. Look when you are done voting: your next vote hides them again."
JUDGES = (
    "A judge is a model or a reward that voted on the same pairs. Its votes are never counted with those of people; to "
    "trust them, look at how far they agree with people first."
)


class ResultsPage(QWidget):
    """`leading` names a page to go to."""

    leading = Signal(str)

    def __init__(self, session: Session, choice: ArenaChoice, parent: QWidget) -> None:
        super().__init__(parent)
        self.session, self.choice = session, choice
        self._asked, self._revealed = 0, 0
        self.empty = Empty(NOTHING, NO_VOTES, GO_TO_PAGE[PageId.ARENA], lambda: self.leading.emit(PageId.ARENA))
        self.hidden = Empty(HIDDEN, WHY, actions.REVEAL, self.reveal)
        self.said = label("", "heading", wrap=True)
        self.about = label("", "muted", wrap=True)
        self.notes = label("", "muted", wrap=True)
        self.voters = bind(actions.VOTES_OF, QComboBox(self))
        self.tag = bind(actions.TAG, QComboBox(self))
        for box in (self.voters, self.tag):
            box.activated.connect(lambda _: self.load())
            box.setMinimumWidth(180)
        self.bars = IntervalBars("Policies by how often they win", self)
        self.rates = table("Win rates", ())
        self.rates.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.judges = table("Judges", ("Judge", "Votes", "Agrees with people", "Position"))
        self.judges.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.let_judge = action_button(actions.JUDGE, self.ask_judge)
        self.stack = QStackedWidget(self)
        for page in (self.empty, self.hidden, self._page()):
            self.stack.addWidget(page)
        layout = column(self.stack)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)

    def _page(self) -> QWidget:
        self.judged = card(column(
            row(label("Judges", "heading"), None, self.let_judge), label(JUDGES, "muted", wrap=True), self.judges,
        ))  # fmt: skip
        inner = QWidget()
        layout = column(
            self.said, self.about,
            row(label("Votes of"), self.voters, label("Prompts"), self.tag, None, spacing=SPACE + 4),
            card(self._holding(self.bars)), label("How often the row wins over the column", "heading"), self.rates,
            self.notes, self.judged, None, spacing=2 * SPACE,
        )  # fmt: skip
        layout.setContentsMargins(0, 0, SPACE, 0)
        inner.setLayout(layout)
        return scrolled(inner)

    def _holding(self, widget: QWidget):  # type: ignore[no-untyped-def]
        return column(widget)

    def refresh(self) -> None:
        """Votes, answers or arenas came or went."""
        arena = self.choice.arena
        if arena is None or not (votes := arena_votes.counting(self.session.project, arena.id)):
            self.stack.setCurrentWidget(self.empty)
            return
        people = sum(vote.kind == "person" for vote in votes)
        self.hidden.text.setText(f"{counted(people, 'vote')} of people so far in {arena.name}. {WHY}")
        if self._revealed != arena.id:
            self.stack.setCurrentWidget(self.hidden)
            return
        self.load()

    def reveal(self) -> None:
        """Somebody wants to know."""
        if (arena := self.choice.arena) is not None:
            self._revealed = arena.id
            self.refresh()

    def hide_results(self) -> None:
        """Somebody votes again."""
        self._revealed = 0
        if self.stack.currentIndex() == 2:
            self.stack.setCurrentWidget(self.hidden)

    def load(self) -> None:
        """Compute anew, beside the window."""
        if (arena := self.choice.arena) is None:
            return
        self._asked += 1
        self.about.setText("Computing …")
        self.about.show()
        wanted = arena.id, self._asked, str(self.voters.currentData() or ""), str(self.tag.currentData() or "")
        with_project(self, self.session.project, partial(_read, wanted), self._show, self._failed)

    def ask_judge(self) -> None:
        if (arena := self.choice.arena) is not None:
            JudgeDialog(self.session, arena, self).open()

    def _failed(self, error: Exception) -> None:
        self.about.setText("")
        errors.show(error, self)

    def _show(self, found: Findings) -> None:
        if found.number != self._asked or self._revealed == 0:
            return
        self.stack.setCurrentIndex(2)
        self.said.setText(found.said)
        self.about.setText("")
        self.about.hide()
        self.bars.show_bars(found.bars, found.what, found.heads, found.middle)
        _show_table(self.rates, ("", *found.names), found.matrix)
        self.notes.setText("\n".join(found.notes))
        self.notes.setVisible(bool(found.notes))
        _fill(self.voters, found.voters)
        _fill(self.tag, (("All prompts", ""), *((f"Tagged “{tag}”", tag) for tag in found.tags)))
        rows = [(line.name, f"{line.votes:,}", line.agreement, line.position) for line in found.judges]
        _show_table(self.judges, ("Judge", "Votes", "Agrees with people", "Position"), rows)
        self.judges.setVisible(bool(rows))


def _read(wanted, project):  # type: ignore[no-untyped-def]
    return findings.read(project, *wanted)


def _show_table(found: QTableWidget, heads, rows) -> None:  # type: ignore[no-untyped-def]
    found.setColumnCount(len(heads))
    found.setHorizontalHeaderLabels([on_button(head) for head in heads])
    found.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    fill(found, list(rows))
    found.setFixedHeight(40 + ROW * max(1, len(rows)))


def _fill(box: QComboBox, items) -> None:  # type: ignore[no-untyped-def]
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, data in items:
            box.addItem(on_button(text), data)
        box.setCurrentIndex(max(0, box.findData(chosen)))
