"""The Rank tab: generate completions, put them in order, go on to the next. Calm, fast, keyboard first.

A ranking is on disk before the next item is painted. The board (`widgets.ranking_board`) proposes, `labeling`
keeps, `labeling_actions` acts, this module shows; side panels hold generation, the guidelines and the history.
"""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from core.errors import KnownError
from core.jobs import queue
from core.jobs.follow import News
from core.labeling.clock import LabelingClock
from core.labeling.ordering import OVERALL
from core.labeling.session import Labeling
from core.preferences import agreement
from core.store import Changes, guidelines, labelers
from desktop import user_settings
from desktop.rank.actions import LabelingActions
from desktop.rank.board import RankingBoard
from desktop.rank.cheat_sheet import CheatSheet
from desktop.rank.generate_panel import at_work
from desktop.rank.header import RankHeader
from desktop.rank.keys import command
from desktop.rank.pages import RankPages
from desktop.rank.side_panels import SidePanels
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, go, row, set_role

#: The project's setting: ask for an order by each criterion, too.
BY_CRITERIA = "rank_by_criteria"


class Tab(LabelingActions):
    """Shows one item after the other."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.session = session
        self.labeling: Labeling | None = None
        self.clock = LabelingClock()
        self.sheet: CheatSheet
        self.parts = self._build()

    def _build(self) -> Iterator[None]:
        self.board = RankingBoard(self)
        self.board.changed.connect(self._change)
        self.board.commented.connect(self._comment)
        self.board.saving.connect(self.save)
        self.board.skipping.connect(self.skip)
        self.board.undoing.connect(self.undo)
        self.board.redoing.connect(self.redo)
        self.board.skipping_for_good.connect(self.skip_for_good)
        self.board.switching.connect(self.switch)
        self.board.helping.connect(lambda: self.sheet.toggle())
        self.board.instructions.connect(lambda: self.go("Instructions"))
        self.stack = RankPages(self.session.project, self.board, self)
        self.stack.leading.connect(self.go)
        self.stack.generating.connect(lambda: self.show_panel("generate"))
        self.stack.undoing.connect(self.undo)
        self.stack.unskipping.connect(self.unskip)
        self.stack.calibrated.going_on.connect(self.go_on)
        self.stack.calibrated.reading.connect(lambda: self.show_panel("rules"))
        yield
        self.side = SidePanels(self.session, self.clock, self)
        self.side.closing.connect(lambda: self.show_panel(""))
        self.side.generate.started.connect(self._generation_started)
        self.side.history.opened.connect(self.open_ranking)
        self.side.history.calibrating.connect(self.calibrate)
        self.header = RankHeader(self.session.labeler_name, self)
        self.header.toggled.connect(self.toggle_panel)
        self.header.renamed.connect(self.rename)
        self.header.helping.connect(lambda: self.sheet.toggle())
        self.header.method.connect(self.use_method)
        self.header.viewed.connect(self.board.read_settings)
        self.header.by_criteria.connect(self.order_by_criteria)
        layout = column(self.header, row(self.stack, self.side, spacing=3 * SPACE), spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self.sheet = CheatSheet(self, self.board)
        self.session.news.connect(self._on_news)
        yield
        self.refresh(None)

    def refresh(self, changes: Changes | None) -> None:
        """Read again what `changes` touched; the item on the table stays as it is."""
        if self._announcing:
            return
        tables = changes.tables if changes else None
        if tables is None or tables & {"prompts", "completions", "completion_groups", "rankings"}:
            self._reload()
        if tables is None or "guidelines" in tables:
            self._load_guidelines()
        self.side.load()

    def _generation_started(self) -> None:
        """The keys belong to the cards that are coming, not to the next field after the hidden button."""
        self._show_page()
        self._take_focus()

    def toggle_panel(self, name: str) -> None:
        """Open a side panel, or close it if it is open."""
        self.show_panel("" if self.side.name == name else name)

    def write_with(self, policy_job: int) -> None:
        """Open the panel that lets a run's policy write completions."""
        self.show_panel("generate")
        self.side.generate.choose(policy_job)

    def open_page(self, name: str) -> None:
        """Open a side panel; the one that writes completions with the newest tuned policy."""
        newest = queue.newest_run(self.session.project, "train-policy") if name == "generate" else None
        if newest is not None:
            self.write_with(newest.id)
        else:
            self.show_panel(name)

    def show_panel(self, name: str) -> None:
        self.header.show_panel(name)
        self.side.open_panel(name)
        if name != "generate":
            self._take_focus()

    def _show_calibration(self) -> None:
        """After the last item of the calibration set: how far the labeler reads the guidelines as its author does."""
        if self.labeling is None:
            return
        found = agreement.against_calibration(self.session.project, self.labeling.labeler.id)
        if found.ranked:
            self.stack.calibrated.show_result(self.session.project, found)
            self._calibrated = True
            self._show_page()
            self._take_focus()

    def order_by_criteria(self, on: bool) -> None:
        """Ask for an order by each criterion of the guidelines, too; kept in the project for every labeler."""
        self.session.do(self.session.project.set_setting(BY_CRITERIA, on), self)
        self._load_guidelines()
        if self.labeling and self.labeling.group:
            self.labeling.switch((self.labeling.next_criterion or OVERALL) if on else OVERALL)
        self._show_item()

    def go(self, title: str) -> None:
        """Ask the window, if it is ours, for another tab."""
        go(self, title)

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
        self._show_generation()
        self._take_focus()

    def rename(self, name: str) -> None:
        """Rank under another name from now on; an unusable name is refused with its reason."""
        if self.labeling and name == self.labeling.labeler.name:
            self.header.show_error("")
        elif self._begin(name):
            user_settings.set_labeler_name(name)
            self._reload()
            self.side.load()
        if self.header.labeler.hasFocus():
            self._take_focus()

    def read_settings(self) -> None:
        """Take over what was chosen in the settings: the labeler's name, the size of the text, the breaks."""
        self.side.clock.minutes.setValue(user_settings.break_minutes())
        self.board.read_settings()
        name = self.session.labeler_name
        if self.labeling is None or name != self.labeling.labeler.name:
            self.header.labeler.setText(name)
            self.rename(name)

    def _on_news(self, news: News) -> None:
        if not self.isVisible():
            return  # the window calls `refresh` when the tab is seen again
        if news.jobs:  # also those of others: what writes completions may wait for them
            self._show_generation()
        by_others = self.labeling is None or self.labeling.outdated
        if news.tables & {"completion_groups", "prompts"} or ("rankings" in news.tables and by_others):
            self._reload()
            self._load_history()
        if "guidelines" in news.tables:
            self._load_guidelines()
            self.side.load()

    def _reload(self) -> None:
        if self.labeling is None:
            self._begin(self.session.labeler_name)
        else:
            self.labeling.reload()
        if self.labeling and self.labeling.group is None:
            self.labeling.open_next()
            self._show_item(focus=self.hasFocus())
        else:
            self._show_page()

    def _begin(self, name: str) -> bool:
        """Take up work as the labeler called `name`; says why if that cannot be."""
        try:
            found = labelers.named(self.session.project, name)
        except KnownError as error:
            self.header.show_error(str(error))
            return False
        self.header.show_error("")
        self.labeling = Labeling(self.session.project, found)
        self.labeling.method = user_settings.ranking_method()
        self.side.labeler_id = found.id
        self._load_guidelines()
        return True

    def _load_history(self) -> None:
        if self.side.name == "history":
            self.side.load()

    def _load_guidelines(self) -> None:
        current = guidelines.current(self.session.project)
        self.board.flags = guidelines.flags(current)
        named = guidelines.criteria(current)
        on = len(named) > 1 and bool(self.session.project.setting(BY_CRITERIA, False))
        self.header.show_criteria(named, on)
        self.board.criteria.show_criteria(named if on else {})
        if self.labeling:
            self.labeling.criteria = tuple(named) if on else ()

    def _take_focus(self) -> None:
        """Keys belong to the board, or to the page in its place; never to the next field by chance."""
        page = self.stack.currentWidget()
        result = self.stack.calibrated
        (self.board if page is self.board else result.go_on if page is result else self).setFocus()

    def _show_item(self, *, focus: bool = True) -> None:
        if self.labeling:
            self.board.show_item(
                self.labeling.group, self.labeling.ordering, self._note(), origins=self.labeling.reviewing
            )
        self._show_page()
        if self.clock.break_due(user_settings.break_minutes()):
            self.board.say("You have been at it for a while: a good moment for a break. Everything is saved.")
        if focus:
            self._take_focus()

    def _show_ordering(self) -> None:
        if self.labeling:
            self.board.show_ordering(self.labeling.ordering, self._note())
            self._show_buttons(self.labeling)

    def _show_page(self) -> None:
        """The board, or what stands in its place."""
        labeling, job = self.labeling, at_work(self.session.project)
        if labeling is not None:
            self.header.show_counts(labeling.ranked, labeling.total)
            self.side.clock.waiting = labeling.waiting
            self._show_buttons(labeling)
        before = self.stack.currentWidget()
        self.stack.show_state(labeling, job, calibrated=self._calibrated)
        if before is self.stack.waiting and self.stack.currentWidget() is self.board:
            self.begin_ranking()
        if labeling is not None:
            self._show_generation()

    def begin_ranking(self) -> None:
        """Somebody ranks now: how far the writing of completions is stands at the window's foot, too."""
        if self.side.name == "generate":
            self.show_panel("")

    def _show_buttons(self, labeling: Labeling) -> None:
        self.board.undo_button.setEnabled(labeling.can_undo)
        set_role(self.board.save_button, "primary" if labeling.saveable else "")

    def _show_generation(self) -> None:
        job = at_work(self.session.project)
        if job is not None:
            self.side.generate.show_job(job)
        self.stack.show_job(job, self.session.waits(job) if job is not None else "")
