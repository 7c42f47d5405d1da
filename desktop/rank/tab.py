"""The Rank tab: generate completions, put them in order, go on to the next. Calm, fast, keyboard first.

A ranking is on disk before the next item is painted. The board proposes, `core.labeling` keeps, the controller acts,
this module shows; side panels hold generation, the guidelines and the history.
"""

from itertools import islice

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from core.config.training import TrainPolicyJob
from core.conversation import Conversation
from core.errors import KnownError
from core.guidance.steps import Step
from core.jobs import queue
from core.jobs.follow import News
from core.labeling.page_items import BY_CRITERIA, MOST_NAMES
from core.labeling.session import LabelingSession
from core.preferences.judged_groups import OVERALL
from core.runs.trail_pages import Place
from core.store import Changes, guidelines
from core.store.packed_rankings import PACK
from desktop import user_settings
from desktop.conversation.reading import show_reading
from desktop.places import PageId, TabId
from desktop.rank.answering import Answering
from desktop.rank.board import RankingBoard
from desktop.rank.controller import RankingController
from desktop.rank.header import RankHeader
from desktop.rank.keys import MOUSE, SECTIONS, command
from desktop.rank.pages import RankPages
from desktop.rank.panels.generate import at_work
from desktop.rank.panels.side_panels import SidePanels
from desktop.rank.remarks import Remarks
from desktop.runs.trail_dialog import show_trail
from desktop.session import Session
from desktop.tab import LooksAtConversation, Ranks, ReadsSettings, TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, row, set_role
from desktop.widgets.cheat_sheet import CheatSheet
from desktop.widgets.strangers import clipped

#: What the queue is made of.
ITEMS = {"prompts", "completions", "completion_groups"}


class Tab(TabWidget, Ranks, ReadsSettings, LooksAtConversation):
    """Shows one item after the other; `controller` acts."""

    ID = TabId.RANK

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.controller = RankingController(session, self)
        self.controller.item_changed.connect(self.show_item)
        self.controller.order_changed.connect(self._show_order)
        self.controller.order_begun.connect(self.begin_ranking)
        self.controller.stored.connect(self._load_history)
        self.board = RankingBoard(self)
        self._connect_board(self.board, self.controller)
        self.answering = Answering(self.board, self.controller, self)
        self.remarks = Remarks(self.board, self.controller, self)
        self.stack = RankPages(self.session.project, self.board, self)
        self.stack.leading.connect(self.go)
        self.stack.generating.connect(lambda: self.show_panel("generate"))
        self.stack.sending_back.connect(lambda: self.session.navigator.send_back())
        self.stack.undoing.connect(self.controller.undo)
        self.stack.unskipping.connect(self.controller.unskip)
        self.stack.calibrated.going_on.connect(self.controller.go_on)
        self.stack.calibrated.reading.connect(lambda: self.show_panel("rules"))
        self.side = SidePanels(self.session, self.controller.clock, self)
        self.side.closing.connect(lambda: self.show_panel(""))
        self.side.generate.started.connect(self._generation_started)
        self.side.history.opened.connect(self.controller.open_ranking)
        self.side.history.calibrating.connect(self.controller.calibrate)
        self.side.history.asked.connect(lambda ranking: show_trail(self.session, Place("ranking", ranking), self))
        self.header = RankHeader(self.session.labeler_name, self)
        self.header.toggles[PageId.GENERATE].setVisible(not self.session.project.setting(PACK))  # there is no model
        self.header.toggled.connect(self.toggle_panel)
        self.header.renamed.connect(self.rename)
        self.header.method.connect(self.controller.use_method)
        self.header.viewed.connect(self.board.read_settings)
        self.header.by_criteria.connect(self.order_by_criteria)
        self.header.reading.connect(self.show_reading)
        layout = column(self.header, row(self.stack, self.side, spacing=3 * SPACE), spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self.sheet = CheatSheet(self, self.board, SECTIONS, MOUSE)
        self.board.helping.connect(self.sheet.toggle)
        self.header.helping.connect(self.sheet.toggle)
        self.session.news.connect(self._on_news)
        self.refresh(None)

    def _connect_board(self, board: RankingBoard, controller: RankingController) -> None:
        board.changed.connect(controller.change)
        board.skipping.connect(controller.skip)
        board.undoing.connect(controller.undo)
        board.redoing.connect(controller.redo)
        board.skipping_for_good.connect(controller.skip_for_good)
        board.switching.connect(controller.switch)
        board.instructions.connect(lambda: self.go(TabId.INSTRUCTIONS))
        controller.hinted.connect(board.say)
        board.viewing.connect(lambda name: self.header.toggle_view(name))
        controller.left_out.connect(board.show_left_out)

    @property
    def labeling(self) -> LabelingSession | None:
        """The labeler's session, or None while the labeler's name cannot be used."""
        return self.controller.labeling

    def refresh(self, changes: Changes | None) -> None:
        """Read again what `changes` touched; the item on the table stays as it is."""
        tables = changes.tables if changes else None
        if tables is None or tables & ITEMS or ("rankings" in tables and self._outdated):
            self.reload()
        if tables is None or "guidelines" in tables:
            self._load_guidelines()
        self.side.load()

    def _generation_started(self) -> None:
        """The keys belong to the cards that are coming, not to the next field after the hidden button."""
        self._show_page()
        self._take_focus()

    def control_of(self, step: Step) -> QWidget | None:
        return {Step.RANK: self.board.grid, Step.GENERATE: self.side.generate.generate}.get(step)

    @property
    def keyed(self) -> QWidget | None:
        page, result = self.stack.currentWidget(), self.stack.calibrated
        return self.board if page is self.board else result.go_on if page is result else None

    def toggle_panel(self, name: str) -> None:
        """Open a side panel, or close it if it is open."""
        self.show_panel("" if self.side.name == name and not self.side.isHidden() else name)

    def write_with(self, policy_job: int, checkpoint: str = "last") -> None:
        """Open the panel that lets a run's policy write completions."""
        self.show_panel("generate")
        self.side.generate.choose(policy_job, checkpoint)

    def open_page(self, page: PageId) -> None:
        """Open a side panel; the one that writes completions with the newest tuned policy."""
        newest = queue.newest_run(self.session.project, TrainPolicyJob) if page == PageId.GENERATE else None
        if newest is not None:
            self.write_with(newest.id)
        else:
            self.show_panel(page)

    def show_panel(self, name: str) -> None:
        self.header.show_panel(name)
        self.side.open_panel(name)
        if name != "generate":
            self._take_focus()

    def order_by_criteria(self, on: bool) -> None:
        """Ask for an order by each criterion of the guidelines, too; kept in the project for every labeler."""
        self.session.announce(self.session.project.set_setting(BY_CRITERIA, on), self)
        self._load_guidelines()
        if self.labeling:
            editor = self.labeling.editor
            editor.switch((editor.next_criterion or OVERALL) if on else OVERALL)
        self.show_item()

    def adjudicate(self, group_id: int) -> None:
        """Show a prompt on which labelers disagree: what is saved now counts instead of their rankings."""
        self.controller.adjudicate(group_id)

    def rank(self, group_id: int) -> None:
        """Show a prompt that was sent here."""
        self.controller.open_group(group_id)

    def conversation(self) -> Conversation | None:
        """What is asked by the item on the table."""
        group = self.labeling.group if self.labeling is not None else None
        return group.prompt.conversation if group is not None else None

    def show_reading(self) -> None:
        """Show what the model reads of the item on the table."""
        if (found := self.conversation()) is not None:
            show_reading(self.session, found, self)

    def go(self, tab: TabId) -> None:
        """Lead to another tab."""
        self.session.navigator.open_tab(tab)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that a button or panel did not want go to the board."""
        wish = command(event, len(self.board.grid.cards))
        if wish is not None and wish.name == "escape" and self.window().focusWidget() is self.board:
            super().keyPressEvent(event)
        elif wish is not None and self.stack.currentWidget() is self.board:
            self.board.setFocus()
            self.board.obey(wish)
        elif wish is not None and wish.name in ("undo", "redo", "help"):
            self.board.obey(wish)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow_name()
        self.controller.reach_back(True)
        self._show_buttons()
        self.show_generation()
        self._take_focus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.board.answer.leave()
        self.controller.reach_back(False)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The project is about to close."""
        self.answering.leave()
        self.remarks.leave()
        super().closeEvent(event)

    def rename(self, name: str) -> None:
        """Rank under another name from now on; an unusable name is refused with its reason."""
        if self.labeling and name == self.labeling.labeler.name:
            self.header.show_error("")
        elif self._begin(name):
            self.session.labeler_name = name
            self.reload()
            self.side.load()
        if self.header.labeler.hasFocus():
            self._take_focus()

    def read_settings(self) -> None:
        """Take over what was chosen in the settings: the labeler's name, the size of the text, the breaks."""
        self.side.clock.minutes.setValue(user_settings.break_minutes())
        self.board.read_settings()
        self.session.take_over_name()
        self._follow_name()

    def _follow_name(self) -> None:
        """Somebody else may have been named in the settings, or in a vote."""
        name = self.session.labeler_name
        if self.labeling is None or name != self.labeling.labeler.name:
            self.header.labeler.setText(name)
            self.rename(name)

    def _on_news(self, news: News) -> None:
        if not self.isVisible():
            return  # the window calls `refresh` when the tab is seen again
        if news.jobs:  # also those of others: what writes completions may wait for them
            self.show_generation()
        if news.tables & {"completion_groups", "prompts"} or ("rankings" in news.tables and self._outdated):
            self.reload()
            self._load_history()
        if "guidelines" in news.tables:
            self._load_guidelines()
            self.side.load()

    @property
    def _outdated(self) -> bool:
        """Has somebody else ranked?"""
        return self.labeling is None or self.labeling.queue.outdated

    def reload(self) -> None:
        """Look for items that came or went; what is begun stays on the table."""
        if self.labeling is None:
            self._begin(self.session.labeler_name)
        elif said := self.labeling.reload():
            self._show_item(focus=False)
            self.board.say(said)
            return
        if self.labeling and self.labeling.group is None:
            self.labeling.open_next()
            self._show_item(focus=self.hasFocus())
        else:
            self._show_page()

    def _begin(self, name: str) -> bool:
        """Take up work as the labeler called `name`; says why if that cannot be."""
        try:
            self.controller.begin(name)
        except KnownError as error:
            self.header.show_error(str(error))
            return False
        self.header.show_error("")
        if self.labeling is not None:
            self.side.labeler_id = self.labeling.labeler.id
        self._load_guidelines()
        return True

    def _load_history(self) -> None:
        if self.side.name == "history":
            self.side.load()

    def _load_guidelines(self) -> None:
        current = clipped(guidelines.current(self.session.project))
        self.board.flags = dict(islice(guidelines.flags(current).items(), MOST_NAMES))
        criteria = islice(guidelines.criteria(current).items(), MOST_NAMES)
        named = {name: meaning for name, meaning in criteria if name != OVERALL}
        on = len(named) > 1 and bool(self.session.project.setting(BY_CRITERIA, False))
        self.header.show_criteria(named, on)
        self.board.criteria.show_criteria(named if on else {})
        if self.labeling:
            self.labeling.editor.criteria = tuple(named) if on else ()

    def _take_focus(self) -> None:
        """Keys belong to the board, or to the page in its place; never to the next field by chance."""
        (self.keyed or self).setFocus()

    def show_item(self) -> None:
        """Show what is on the table, or what stands in its place."""
        self._show_item(focus=True)

    def _show_item(self, *, focus: bool) -> None:
        if self.labeling:
            editor = self.labeling.editor
            self.remarks.show_item()
            self.board.show_item(self.labeling.group, editor.ordering, self.controller.note, origins=editor.reviewing)
            self.answering.show_item()
        self._show_page()
        if self.controller.clock.break_due(user_settings.break_minutes()):
            self.board.say("You have been at it for a while: a good moment for a break. Everything is saved.")
        if focus:
            self._take_focus()

    def _show_order(self) -> None:
        if self.labeling:
            self.board.show_ordering(self.labeling.ordering, self.controller.note)
            self._show_buttons()

    def _show_page(self) -> None:
        """The board, or what stands in its place."""
        labeling, job = self.labeling, at_work(self.session.project)
        if labeling is not None:
            self.header.show_counts(labeling.ranked, labeling.total)
            self.side.clock.waiting = labeling.waiting
            self._show_buttons()
        before = self.stack.currentWidget()
        self.stack.show_state(labeling, job, self.controller.calibration)
        if before is self.stack.waiting and self.stack.currentWidget() is self.board:
            self.begin_ranking()
        if labeling is not None:
            self.show_generation()

    def begin_ranking(self) -> None:
        """Somebody ranks now: how far the writing of completions is stands at the window's foot, too."""
        if self.side.name == "generate":
            self.show_panel("")

    def _show_buttons(self) -> None:
        if self.labeling:
            self.board.undo_button.setEnabled(self.labeling.can_undo)
            set_role(self.board.save_button, "primary" if self.labeling.saveable else "")

    def show_generation(self) -> None:
        """How far the writing of completions is."""
        job = at_work(self.session.project)
        if job is not None:
            self.side.generate.show_job(job)
        self.stack.show_job(job, self.session.waits(job) if job is not None else "")
