"""Vote, blind: two answers at a time or an order of all, and nothing on the page that tells whose they are or who is
ahead."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QStackedWidget, QWidget

from core.arena.asking import Question
from core.conversation import Conversation
from core.errors import KnownError
from core.store.packed_rankings import PACK
from desktop.actions import GO_TO_PAGE
from desktop.compare.arena import actions
from desktop.compare.arena.ballot import Ballot
from desktop.compare.arena.choice import ArenaChoice
from desktop.compare.arena.keys import MOUSE, SECTIONS, command
from desktop.compare.arena.remarks import Remarks
from desktop.compare.arena.voter_dialog import VoterDialog
from desktop.compare.arena.voting import Voting, pair_of
from desktop.compare.arena.whole_keys import MOUSE as WHOLE_MOUSE
from desktop.compare.arena.whole_keys import SECTIONS as WHOLE_SECTIONS
from desktop.compare.arena.whole_pane import WholePane
from desktop.compare.arena.words import outlook
from desktop.places import PageId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.bound import action_button, bind
from desktop.widgets.cheat_sheet import CheatSheet
from desktop.widgets.elided import OneLine
from desktop.widgets.empty import Empty
from desktop.widgets.unwritten import NotWritten

NOTHING = "Nothing to vote on yet"
NO_ARENA = "Make an arena first: choose prompts, add two or more policies, and let them answer."
NO_ANSWERS = (
    "Two or more policies must have answered the same prompts first, in other words: add them under Arena, and let "
    "them answer."
)
DONE = "You have voted on every pair"
NEXT = "Look at the results, or let others vote: choose their name as the labeler in Rank."
SEND = "What is left is to send the pack, once all in it is ranked, to whoever gave it to you."
#: The ways to vote: pairs, and whole orders.
WAYS = ("Two at a time", "All answers")


class VotePage(QWidget):
    """`leading` names a page to go to; `voted` tells that a vote was given or taken back here."""

    leading = Signal(str)
    voted = Signal()

    def __init__(self, session: Session, choice: ArenaChoice, parent: QWidget) -> None:
        """`parent` is the tab, which is not told of what is done here."""
        super().__init__(parent)
        self.session, self.choice = session, choice
        self.dialog: VoterDialog | None = None
        """The question that was asked last."""
        self.voting = Voting(session, parent)
        self._shown: tuple[Question, int] | None = None
        """The question on the table, and the number of whom it was asked."""
        self.about = OneLine(parent=self)
        self.about.setProperty("role", "muted")
        self.voter = OneLine(parent=self)
        self.voter.setProperty("role", "muted")
        self.change = action_button(actions.CHANGE, self.ask_voter)
        self.change.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.ballot = Ballot(self)
        self.remarks = Remarks(session.project, self.ballot.comment, self)
        self.voting.first = self.remarks.of
        self.empty = Empty(NOTHING, NO_ARENA, GO_TO_PAGE[PageId.ARENA], lambda: self.leading.emit(PageId.ARENA))
        self.packed = session.project.setting(PACK) is not None
        if self.packed:
            self.done = Empty(DONE, SEND, actions.SEND_BACK, lambda: session.navigator.send_back())
        else:
            self.done = Empty(DONE, NEXT, GO_TO_PAGE[PageId.STANDINGS], lambda: self.leading.emit(PageId.STANDINGS))
        self.stack = QStackedWidget(self)
        self.whole = WholePane(session, parent, self)
        self.whole.remark_on = self.remarks.on
        self.voting.is_typed = self.whole.is_typed = self.remarks.is_typed
        self.way = bind(actions.WAY, QComboBox(self))
        self.way.addItems(WAYS)
        for page in (self.empty, self.ballot, self.done, self.whole):
            self.stack.addWidget(page)
        self.help = bind(actions.KEYS, button(actions.KEYS.title, self._help))  # its key: the ballot
        self.help.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = row(self.about, self.way, self.voter, self.change, self.help, spacing=2 * SPACE)
        head.setStretch(0, 1)
        layout = column(
            head, self.error, NotWritten(self.remarks.throttle, self), self.stack, spacing=SPACE + 4
        )  # fmt: skip
        layout.setContentsMargins(0, SPACE + 4, 0, 0)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.sheet = CheatSheet(self, self.ballot, SECTIONS, MOUSE)
        self.whole_sheet = CheatSheet(self, self.whole.board, WHOLE_SECTIONS, WHOLE_MOUSE)
        self._connect()

    def _connect(self) -> None:
        voting, ballot = self.voting, self.ballot
        voting.asked.connect(self._show)
        voting.hinted.connect(ballot.say)
        voting.voted.connect(self.voted)
        voting.kept.connect(self.remarks.forget)
        self.remarks.joined.connect(ballot.say)
        ballot.voted.connect(lambda outcome: voting.vote(outcome, self.remarks.latest()))
        ballot.putting_off.connect(voting.put_off)
        ballot.taking_back.connect(voting.take_back)
        ballot.helping.connect(self.sheet.toggle)
        self.whole.asked.connect(self._show_whole)
        self.whole.voted.connect(self.voted)
        self.whole.kept.connect(self.remarks.forget)
        self.whole.board.helping.connect(self.whole_sheet.toggle)
        self.way.activated.connect(self._switch)

    @property
    def by_whole(self) -> bool:
        """Are all answers ordered at once?"""
        return self.way.currentIndex() == 1

    def _switch(self) -> None:
        self.refresh()
        self._take_focus()

    def _help(self) -> None:
        (self.whole_sheet if self.stack.currentWidget() is self.whole else self.sheet).toggle()

    def ask_voter(self) -> None:
        """Let somebody else vote, here and now."""
        self.dialog = VoterDialog(self.session, self)
        self.dialog.chosen.connect(self.refresh)
        self.dialog.finished.connect(lambda _: self._take_focus())
        self.dialog.open()

    def refresh(self) -> None:
        """Read again who votes in which arena, and what there is to ask."""
        self.error.hide()
        arena = self.choice.arena
        if arena is None:
            self._stop()
            return
        try:
            (self.whole if self.by_whole else self.voting).begin(arena, self.session.labeler_name)
        except KnownError as error:
            self._stop()
            self.error.setText(str(error))
            self.error.show()

    def _stop(self) -> None:
        self.whole.stop()
        self.voting.stop()

    def conversation(self) -> Conversation | None:
        """What is asked by the question on the table."""
        voting = self.whole.voting if self.stack.currentWidget() is self.whole else self.voting.voting
        return voting.prompt.conversation if voting is not None and voting.prompt is not None else None

    def leave(self) -> None:
        """The project is about to close."""
        self.remarks.leave()

    def _show(self) -> None:
        """What is read now is not moved, nor is what is typed."""
        voting, on = self.voting.voting, self.voting.question
        asked = (on, voting.labeler.id) if voting is not None and on is not None else None
        another = asked != self._shown
        self._shown = asked
        if another and on is not None and voting is not None and voting.prompt is not None:
            self.ballot.show_question(voting.prompt.conversation, *voting.answers)
            self.remarks.show_pair(pair_of(on), voting.labeler.id)
        self._show_counts()
        self.empty.text.setText(NO_ARENA if voting is None else NO_ANSWERS)
        self.stack.setCurrentWidget(self.ballot if on is not None else self.done if self.voting.mine else self.empty)
        self._show_ways()
        if another:
            self._take_focus()

    def _show_whole(self) -> None:
        voting = self.whole.voting
        if voting is not None:
            self.about.setText(f"{voting.arena.name}:  {self.whole.told}")
            self.voter.setText(f"Voting as {voting.labeler.name}")
            self.voter.show()
            self.change.setVisible(not self.packed)
            entering = self.stack.currentWidget() is not self.whole
            self.stack.setCurrentWidget(self.whole)
            self._show_ways()
            if entering:
                self.whole.take_focus()

    def _show_ways(self) -> None:
        """Where there is nothing to vote on, there is no way to choose either."""
        for each in (self.way, self.help):
            each.setVisible(self.stack.currentWidget() is not self.empty)

    def _show_counts(self) -> None:
        voting, mine = self.voting.voting, len(self.voting.mine)
        self.voter.setVisible(voting is not None)
        self.change.setVisible(voting is not None and not self.packed)
        self.ballot.take_back.setEnabled(mine > 0)
        if voting is None:
            self.about.setText("")
            return
        said = outlook(mine, len(self.voting.votes), voting.left)
        self.about.setText(f"{voting.arena.name}:  {said}" if voting.left or self.voting.votes else voting.arena.name)
        self.voter.setText(f"Voting as {voting.labeler.name}")

    @property
    def keyed(self) -> QWidget | None:
        """What has the keys: a board, or the page itself where a vote can still be taken back."""
        page = self.stack.currentWidget()
        if page is self.whole:
            return self.whole.keyed
        return self.ballot if page is self.ballot else self if page is self.done else None

    def _take_focus(self) -> None:
        if self.isVisible():
            (self.keyed or self).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that nothing else wanted are the ballot's; without a question, a vote can still be taken back."""
        wish = command(event) if self.stack.currentWidget() is not self.whole else None
        if wish is not None and (self.stack.currentWidget() is self.ballot or wish in ("take_back", "help")):
            self.ballot.obey(wish)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.ballot.read_settings()
        self.whole.board.read_settings()
        self._take_focus()
