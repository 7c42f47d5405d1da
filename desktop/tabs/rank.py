"""The Rank tab: generate completions, put them in order, go on to the next. Calm, fast, keyboard first.

A ranking is on disk before the next item is painted. The board (`widgets.ranking_board`) proposes, `labeling`
keeps, this module shows; side panels hold generation, the guidelines and the history.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.data.pack import PACK
from core.errors import KnownError, known
from core.jobs import queue
from core.jobs.follow import News
from core.preferences import agreement
from core.records import ACTIVE
from core.store import Changes, assignments, guidelines, prompts, rankings
from desktop import settings
from desktop.labeling import Labeling
from desktop.labeling_clock import LabelingClock
from desktop.session import Session
from desktop.theme import SPACE
from desktop.widgets.calibration_result import CalibrationResult
from desktop.widgets.cheat_sheet import CheatSheet
from desktop.widgets.dates import local_time
from desktop.widgets.generate_panel import at_work
from desktop.widgets.ordering import OVERALL, Ordering
from desktop.widgets.parts import Empty, button, column, row, set_role
from desktop.widgets.rank_header import RankHeader
from desktop.widgets.ranking_board import RankingBoard
from desktop.widgets.ranking_keys import command
from desktop.widgets.side_panels import SidePanels

#: The project's setting: ask for an order by each criterion, too.
BY_CRITERIA = "rank_by_criteria"
LEARN = "The reward model can learn from it now."
NOTHING = "Nothing is ranked yet: place at least one completion, or flag it (X)."


class Tab(QWidget):
    """Shows one item after the other. `labeling` is None while the labeler's name cannot be used."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.session = session
        self.labeling: Labeling | None = None
        self._announcing = False
        self._calibrated = False
        self.clock = LabelingClock()
        self._build()
        self.sheet = CheatSheet(self, self.board)
        session.news.connect(self._on_news)
        self.refresh(None)

    def _build(self) -> None:
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
        self.no_prompts = Empty(
            "No prompts yet",
            "Completions are answers to prompts. Write or import some prompts first.",
            "Go to Instructions",
            lambda: self.go("Instructions"),
        )
        self.no_completions = Empty(
            "Nothing to rank yet",
            "Let the local model write a few completions for each prompt. Ranking can begin with the first ones.",
            "Generate completions …",
            lambda: self.show_panel("generate"),
        )
        self.waiting = Empty("The first completions are being written", "")
        self.nobody = Empty("Who ranks?", "Type your name in the field above: rankings are kept apart by labeler.")
        self.all_ranked = Empty("All ranked", "", "Go to Reward model", lambda: self.go("Reward model"))
        undo = button("Undo the last ranking", self.undo, role="link", tip="Ctrl+Z")
        self.unskip_button = button("Bring back what was skipped", self.unskip, role="link")
        below = self.all_ranked.layout()
        assert isinstance(below, QVBoxLayout)
        below.insertLayout(below.count() - 1, row(None, undo, None))
        below.insertLayout(below.count() - 1, row(None, self.unskip_button, None))
        self.calibrated = CalibrationResult(self)
        self.calibrated.going_on.connect(self.go_on)
        self.calibrated.reading.connect(lambda: self.show_panel("rules"))
        self.stack = QStackedWidget(self)
        for page in (
            self.board,
            self.no_prompts,
            self.no_completions,
            self.waiting,
            self.nobody,
            self.all_ranked,
            self.calibrated,
        ):
            self.stack.addWidget(page)
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

    def save(self) -> None:
        """Store what the labeler made, then show the next item. An order that nobody made is not stored."""
        if self.labeling is None or self.labeling.group is None:
            return
        if self._next_criterion():
            return
        if not self.labeling.saveable:
            source = self.labeling.source
            by_script = source is not None and source.labeler.kind == "scripted"
            self.board.say("A script made this order: change it to make it yours." if by_script else NOTHING)
            if self.labeling.ordering.question is not None:
                self.board.say("There are questions left: ← or → for the better one, ↓ for neither.")
            if source is not None and not by_script:
                self.board.say("Nothing is changed yet, so there is nothing new to save. S goes on.")
            return
        ends_calibration = self.labeling.ends_calibration
        if self._operate(self.labeling.save, saved=True) and ends_calibration:
            self._show_calibration()

    def _show_calibration(self) -> None:
        """After the last item of the calibration set: how far the labeler reads the guidelines as its author does."""
        if self.labeling is None:
            return
        found = agreement.against_calibration(self.session.project, self.labeling.labeler.id)
        if found.ranked:
            self.calibrated.show_result(self.session.project, found)
            self._calibrated = True
            self._show_page()
            self._take_focus()

    def go_on(self) -> None:
        """From the result of the calibration set to the next item."""
        self._calibrated = False
        self._show_item()

    def calibrate(self, ranking_id: int) -> None:
        """Make an earlier ranking part of the calibration set."""
        if self.labeling and self._operate(partial(self.labeling.calibrate, ranking_id)):
            self.board.say("It is in the calibration set now: new labelers rank it first.")

    def _next_criterion(self) -> bool:
        """Go on to the next criterion that has no order yet; False when there is none, or none so far."""
        labeling = self.labeling
        if labeling is None or not labeling.criteria or labeling.ordering.flag or not labeling.ordering.tiers:
            return False
        following = labeling.next_criterion
        if following is None:
            return False
        self.switch(following)
        self.board.say(f"Now the order by: {following}." if following else "Now the overall order.")
        return True

    def skip(self) -> None:
        """Leave the item for later: it comes back at the end."""
        if self.labeling and not self.labeling.skip():
            self.board.say("This is the last one: there is no other to go on with.")
        else:
            self.clock.tell(left_out=True)
            self._show_item()

    def skip_for_good(self) -> None:
        """Leave the item unranked; undo brings it back."""
        if self.labeling and self.labeling.group is not None:
            self._operate(self.labeling.skip_for_good)
            self.clock.tell(left_out=True)
            self.board.say("Skipped for good: Ctrl+Z brings it back.")

    def unskip(self) -> None:
        """Bring back everything that this labeler skipped for good."""
        if self.labeling and self._operate(self.labeling.unskip):
            self._reload()

    def switch(self, criterion: str) -> None:
        """Show the order by another criterion."""
        if self.labeling:
            self.labeling.switch(criterion)
            self._show_ordering()

    def use_method(self, method: str) -> None:
        """Rank in another way from now on."""
        if self.labeling:
            self._operate(lambda: self.labeling.use(method) if self.labeling else None)

    def order_by_criteria(self, on: bool) -> None:
        """Ask for an order by each criterion of the guidelines, too; kept in the project for every labeler."""
        self.session.do(self.session.project.set_setting(BY_CRITERIA, on), self)
        self._load_guidelines()
        if self.labeling and self.labeling.group:
            self.labeling.switch((self.labeling.next_criterion or OVERALL) if on else OVERALL)
        self._show_item()

    def undo(self) -> None:
        if self.labeling and self.labeling.can_undo:
            self._operate(self.labeling.undo)
        else:
            self.board.say("There is nothing to undo.")

    def redo(self) -> None:
        if self.labeling and self.labeling.can_redo:
            self._operate(self.labeling.redo)
        else:
            self.board.say("There is nothing to redo.")

    def open_ranking(self, ranking_id: int) -> None:
        """Show an earlier ranking, which can be revised: a revision is a new ranking."""
        if self.labeling:
            self._calibrated = False
            self.labeling.revise(ranking_id)
            self._show_item()

    def adjudicate(self, group_id: int) -> None:
        """Show a prompt on which labelers disagree: what is saved now counts instead of their rankings."""
        if self.labeling:
            self._calibrated = False
            self.labeling.adjudicate(group_id)
            self._show_item()

    def go(self, title: str) -> None:
        """Ask the window, if it is ours, for another tab."""
        show = getattr(self.window(), "show_tab_called", None)
        if show is not None:
            show(title)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that a button or panel did not want go to the board."""
        wish = command(event, len(self.board.grid.cards))
        if wish is not None and self.stack.currentWidget() is self.board:
            self.board.setFocus()
            self.board.obey(wish)
        elif wish is not None and wish.name in ("undo", "redo", "help"):
            self.board.obey(wish)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._take_focus()

    def _operate(self, step: Callable[[], Changes | None], *, saved: bool = False) -> bool:
        """Run a step that may write; only once it is on disk is the next item painted. False if it failed."""
        try:
            changes = step()
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            self.board.say(f"Not saved: {sentence}")
            return False
        self.clock.tell(saved=saved)
        self._show_item()
        if changes is not None:
            self._announcing = True
            try:
                self.session.do(changes, self, undoable=False)
            finally:
                self._announcing = False
            self._load_history()
        return True

    def _change(self, ordering: Ordering) -> None:
        if self.labeling is not None:
            self._write(partial(self.labeling.change, ordering), self._show_ordering)

    def _comment(self, text: str) -> None:
        if self.labeling is not None:
            self._write(partial(self.labeling.set_comment, text), lambda: None)

    def _write(self, step: Callable[[], object], show: Callable[[], None]) -> None:
        """Keep what is begun on disk, then show it; what cannot be kept is said and not shown."""
        try:
            step()
        except (KnownError, sqlite3.Error, OSError) as error:
            sentence = known(error)
            if sentence is None:
                raise
            self.board.say(f"Not saved: {sentence}")
            return
        self.clock.tell()
        show()

    def rename(self, name: str) -> None:
        """Rank under another name from now on; an unusable name is refused with its reason."""
        if self.labeling and name == self.labeling.labeler.name:
            self.header.show_error("")
        elif self._begin(name):
            settings.set_labeler_name(name)
            self._reload()
            self.side.load()
        if self.header.labeler.hasFocus():
            self._take_focus()

    def read_settings(self) -> None:
        """Take over what was chosen in the settings: the labeler's name, the size of the text, the breaks."""
        self.side.clock.minutes.setValue(settings.break_minutes())
        self.board.read_settings()
        name = self.session.labeler_name
        if self.labeling is None or name != self.labeling.labeler.name:
            self.header.labeler.setText(name)
            self.rename(name)

    def _on_news(self, news: News) -> None:
        if not self.isVisible():
            return  # the window calls `refresh` when the tab is seen again
        if any(job.kind == "generate" for job in news.jobs):
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
            found = rankings.labeler(self.session.project, name)
        except KnownError as error:
            self.header.show_error(str(error))
            return False
        self.header.show_error("")
        self.labeling = Labeling(self.session.project, found)
        self.labeling.method = settings.ranking_method()
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
        (self.board if page is self.board else self.calibrated.go_on if page is self.calibrated else self).setFocus()

    def _show_item(self, *, focus: bool = True) -> None:
        if self.labeling:
            self.board.show_item(
                self.labeling.group, self.labeling.ordering, self._note(), origins=self.labeling.reviewing
            )
        self._show_page()
        if self.clock.break_due(settings.break_minutes()):
            self.board.say("You have been at it for a while: a good moment for a break. Everything is saved.")
        if focus:
            self._take_focus()

    def _show_ordering(self) -> None:
        if self.labeling:
            self.board.show_ordering(self.labeling.ordering, self._note())
            self._show_buttons(self.labeling)

    def _note(self) -> str:
        if self.labeling is not None and self.labeling.adjudicating:
            return "Adjudication: what you save here counts instead of everybody else's rankings of this prompt."
        source = self.labeling.source if self.labeling else None
        if source is None:
            return ""
        when = local_time(source.created_at)
        if source.labeler.kind == "scripted":
            reward = source.labeler.detail
            return (
                f"Ranked by a script with the gold reward {reward}, {when}. Change the order to store one of your own."
            )
        return f"Your ranking of {when}. If you change it, it is saved as a new one."

    def _show_page(self) -> None:
        """The board, or what stands in its place."""
        labeling = self.labeling
        if labeling is None:
            self.stack.setCurrentWidget(self.nobody)
            return
        self.header.show_counts(labeling.ranked, labeling.total)
        self.side.clock.waiting = labeling.waiting
        self._show_buttons(labeling)
        if self._calibrated:
            self.stack.setCurrentWidget(self.calibrated)
        elif labeling.group is not None:
            self.stack.setCurrentWidget(self.board)
        elif labeling.total and self._is_writing():
            self.waiting.heading.setText("More completions are being written")
            self.waiting.text.setText("You have ranked all that are there. The next ones are shown as they come.")
            self.stack.setCurrentWidget(self.waiting)
        elif labeling.total:
            what = f"all {labeling.total:,} items" if labeling.total > 1 else "the only item"
            self.unskip_button.setVisible(bool(assignments.skipped(self.session.project, labeling.labeler.id)))
            packed = self.session.project.setting(PACK)
            then = "Send the pack back: File, Send the labeling pack back." if packed else LEARN
            self.all_ranked.text.setText(f"You have ranked {what}. {then}")
            self.stack.setCurrentWidget(self.all_ranked)
        elif not prompts.count(self.session.project):
            self.stack.setCurrentWidget(self.no_prompts)
        else:
            self.waiting.heading.setText("The first completions are being written")
            self.waiting.text.setText("")
            self.stack.setCurrentWidget(self.waiting if self._is_writing() else self.no_completions)
        self._show_generation()

    def _is_writing(self) -> bool:
        job = at_work(self.session.project)
        return job is not None and job.status in ACTIVE

    def _show_buttons(self, labeling: Labeling) -> None:
        self.board.undo_button.setEnabled(labeling.can_undo)
        set_role(self.board.save_button, "primary" if labeling.saveable else "")

    def _show_generation(self) -> None:
        job = at_work(self.session.project)
        active = job is not None and job.status in ACTIVE
        if job is not None:
            self.side.generate.show_job(job)
            self.waiting.text.setText(f"{job.stage or 'Starting the worker'} … You can rank as soon as they are here.")
        if not active and self.stack.currentWidget() is self.waiting:
            self.stack.setCurrentWidget(self.no_completions)
