"""What the votes say, once somebody asks: who is ahead, how sure that is, and judges beside people."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from core.config.judging import bare
from core.report import arena as report
from core.report.arena import ArenaResults, Standing
from core.store import arena_votes
from desktop import errors
from desktop.actions import GO_TO_PAGE
from desktop.background import with_project
from desktop.compare.arena import actions
from desktop.compare.arena.choice import ArenaChoice
from desktop.compare.arena.judge_dialog import JudgeDialog
from desktop.compare.arena.judges_card import JudgesCard
from desktop.compare.arena.standing_view import StandingView
from desktop.compare.arena.words import counted
from desktop.places import PageId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, clear, column, label, row, scrolled
from desktop.widgets.bound import bind
from desktop.widgets.empty import Empty
from desktop.widgets.strangers import on_button

NOTHING, NO_VOTES = "No votes yet", "The results are made of votes: set an arena up, let its policies answer, and vote."
HIDDEN = "The results are hidden"
WHY = "Who knows what is ahead votes otherwise. Look when you are done voting: your next vote hides them again."
PEOPLE = "People"


class ResultsPage(QWidget):
    """`leading` names a page to go to."""

    leading = Signal(str)

    def __init__(self, session: Session, choice: ArenaChoice, parent: QWidget) -> None:
        super().__init__(parent)
        self.session, self.choice = session, choice
        self._asked, self._revealed = 0, 0
        self.dialog: JudgeDialog | None = None
        """The question that was asked last."""
        self.found: ArenaResults | None = None
        """What is shown, once it is computed."""
        self.empty = Empty(NOTHING, NO_VOTES, GO_TO_PAGE[PageId.ARENA], lambda: self.leading.emit(PageId.ARENA))
        self.hidden = Empty(HIDDEN, WHY, actions.REVEAL, self.reveal)
        self.busy = label("Computing …", "muted")
        self.mark = label("", "warning", wrap=True)
        self.said = label("", "heading", wrap=True)
        self.more = QVBoxLayout()
        self.more.setSpacing(SPACE // 2)
        self.voice = bind(actions.VOTES_OF, QComboBox(self))
        self.voice.activated.connect(lambda _: self._show_voice())
        self.tag = bind(actions.TAG, QComboBox(self))
        self.tag.activated.connect(lambda _: self.load())
        for box in (self.voice, self.tag):
            box.setMinimumWidth(180)
        self.standing = StandingView(self)
        self.judges = JudgesCard(self.ask_judge)
        self.stack = QStackedWidget(self)
        for page in (self.empty, self.hidden, self._page()):
            self.stack.addWidget(page)
        layout = column(self.stack)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)

    def _page(self) -> QWidget:
        self.further = card(column(label("What else there is to say", "heading"), self.more))
        inner = QWidget()
        layout = column(
            row(label("Votes of"), self.voice, label("Prompts"), self.tag, self.busy, None, spacing=SPACE + 4),
            column(self.mark, self.said, spacing=SPACE // 2), self.standing, self.further, self.judges, None,
            spacing=2 * SPACE,
        )  # fmt: skip
        layout.setContentsMargins(0, 0, SPACE, 0)
        inner.setLayout(layout)
        self.area = scrolled(inner)
        return self.area

    def refresh(self) -> None:
        """Votes, answers or arenas came or went."""
        arena = self.choice.arena
        votes = arena_votes.counting(self.session.project, arena.id) if arena is not None else []
        if arena is None or not votes:
            self.stack.setCurrentWidget(self.empty)
        elif self._revealed == arena.id:
            self.load()
        else:
            people = sum(vote.kind == "person" for vote in votes)
            self.hidden.text.setText(f"{counted(people, 'vote')} of people in “{arena.name}” so far. {WHY}")
            self.stack.setCurrentWidget(self.hidden)

    def reveal(self) -> None:
        """Somebody wants to know."""
        if (arena := self.choice.arena) is not None:
            self._revealed = arena.id
            self.area.verticalScrollBar().setValue(0)
            self.refresh()

    def hide_results(self) -> None:
        """Somebody votes again."""
        self._revealed = 0

    def load(self) -> None:
        """Compute anew, beside the window."""
        if (arena := self.choice.arena) is None:
            return
        self._asked += 1
        self.busy.show()
        tag, number = str(self.tag.currentData() or ""), self._asked
        with_project(
            self, self.session.project, lambda project: report.results(project, arena.name, tag=tag),
            partial(self._show, number), partial(self._failed, number),
        )  # fmt: skip

    def ask_judge(self) -> None:
        if (arena := self.choice.arena) is not None:
            self.dialog = JudgeDialog(self.session, arena, self)
            self.dialog.open()

    def _failed(self, number: int, error: Exception) -> None:
        """Such as a tag that no prompt has any more."""
        if number == self._asked:
            self.busy.hide()
            self.tag.setCurrentIndex(0)
            errors.show(error, self)

    def _show(self, number: int, found: ArenaResults) -> None:
        if number != self._asked or not self._revealed:
            return
        self.found = found
        self.busy.hide()
        self.stack.setCurrentIndex(2)
        begins = self.voice.count() == 0
        _fill(self.voice, [(_called(each), each.voice) for each in found.standings])
        if begins:  # with the first who voted at all
            voted = next((each.voice for each in found.standings if each.votes), "")
            self.voice.setCurrentIndex(max(0, self.voice.findData(voted)))
        _fill(self.tag, [("All of them", ""), *((f"Tagged “{tag}”", tag) for tag in found.tags)])
        self.judges.show_judges(found)
        self._show_voice()

    def _show_voice(self) -> None:
        if self.found is None:
            return
        chosen = self.found.standings[max(0, self.voice.currentIndex())]
        told = {*chosen.pair_sentences}
        first, *rest = [each for each in chosen.sentences if each not in told] or [""]
        marked = chosen.kind != "person"
        self.mark.setText(first if marked else "")
        self.mark.setVisible(marked)
        self.said.setText((rest[0] if rest else "") if marked else first)
        clear(self.more)
        for sentence in rest[1:] if marked else rest:
            self.more.addWidget(label(sentence, "muted", wrap=True))
        self.further.setVisible(self.more.count() > 0)
        self.standing.show_standing(chosen, self.found.names)


def _called(found: Standing) -> str:
    """A judge is always marked as one."""
    if found.kind == "judge":
        return f"Judge: {bare(found.voice)}"
    return f"{PEOPLE if found.kind == 'person' else found.voice.capitalize()} ({found.votes:,})"


def _fill(box: QComboBox, items: list[tuple[str, str]]) -> None:
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, data in items:
            box.addItem(on_button(text), data)
        box.setCurrentIndex(max(0, box.findData(chosen)))
