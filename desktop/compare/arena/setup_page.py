"""Set an arena up: its prompts, who answers them, and the job that lets them."""

from collections import Counter
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QDialog, QStackedWidget, QWidget

from core.arena import settings
from core.config.arena import AnswerConfig, AnswerJob
from core.config.jobs import JobKind
from core.errors import KnownError
from core.jobs.follow import News
from core.records import ACTIVE, Job
from core.store import arenas, prompts
from core.store.arenas import Arena, ArenaPolicy
from desktop import errors
from desktop.actions import GO_TO
from desktop.compare.arena import actions
from desktop.compare.arena.arena_dialog import ArenaDialog
from desktop.compare.arena.choice import ArenaChoice
from desktop.compare.arena.policy_dialog import PolicyDialog
from desktop.compare.arena.words import counted
from desktop.places import PageId, TabId
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, row, set_role, side_panel
from desktop.widgets.bound import action_button, bind
from desktop.widgets.columns import keep_columns
from desktop.widgets.config_form import ConfigForm
from desktop.widgets.empty import Empty
from desktop.widgets.strangers import on_button, tip
from desktop.widgets.tables import fill, table

NOTHING = "No arena yet"
ABOUT = (
    "In an arena two or more policies answer the same prompts, and people vote on two answers at a time without "
    "knowing whose they are. Its results say which policy people like better, and how sure that is."
)
NO_PROMPTS = "An arena needs prompts: add some under Instructions first."
COLUMNS = ("Policy", "Who answers", "Answers")


DialogT = TypeVar("DialogT", bound=QDialog)


class SetupPage(QWidget):
    """`leading` names a page to go to."""

    leading = Signal(str)

    def __init__(self, session: Session, choice: ArenaChoice, parent: QWidget) -> None:
        super().__init__(parent)
        self.session, self.choice = session, choice
        self._taking: list[ArenaPolicy] = []
        self.dialog: QDialog | None = None
        """The question that was asked last."""
        self.arena = bind(actions.CHOOSE, QComboBox(self))
        self.arena.setMinimumWidth(240)
        self.arena.activated.connect(lambda _: choice.choose(self.arena.currentData()))
        self.new = action_button(actions.NEW, self.make)
        self.step = label("", "heading", wrap=True)
        self.about = label("", "muted", wrap=True)
        self.warning = label("", "warning", wrap=True)
        self.answer = action_button(actions.ANSWER, self.let_answer)
        self.vote = action_button(actions.VOTE, lambda: self.leading.emit(PageId.VOTE))
        self.add_policy = action_button(actions.ADD_POLICY, self.ask_policy)
        self.add_prompts = action_button(actions.ADD_PROMPTS, self.ask_prompts)
        self.take_out = action_button(actions.TAKE_OUT, self.remove)
        self.table = table("Policies", COLUMNS)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.itemSelectionChanged.connect(self._enable)
        keep_columns(self.table, {2: 96})
        self.prompts = label("", "muted")
        self.form = ConfigForm(AnswerConfig, leave_out=("arena",), titles=actions.TITLES, actions=actions.SAMPLING)
        self.drawn = label("", "muted", wrap=True)
        self.empty = Empty(NOTHING, ABOUT, actions.NEW, self.make)
        self.empty.action.setProperty("role", "primary")
        self.no_prompts = Empty(
            NOTHING, NO_PROMPTS, GO_TO[TabId.INSTRUCTIONS], lambda: session.navigator.open_tab(TabId.INSTRUCTIONS)
        )
        self.stack = QStackedWidget(self)
        for page in (self.empty, self.no_prompts, self._page()):
            self.stack.addWidget(page)
        layout = column(self.stack)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        session.news.connect(self._on_news)

    def _page(self) -> QWidget:
        words = column(self.step, self.about, self.warning, spacing=SPACE // 2)
        now = row(words, self.answer, self.vote, spacing=2 * SPACE)
        now.setStretch(0, 1)
        found = QWidget()
        layout = column(
            row(label("Arena"), self.arena, None, self.new),
            card(now),
            row(self._taking_part(), self._settings(), spacing=3 * SPACE),
            spacing=2 * SPACE,
        )
        layout.setStretch(2, 1)
        found.setLayout(layout)
        return found

    def _taking_part(self) -> QWidget:
        found = QWidget()
        head = row(label("Policies", "heading"), None, self.take_out, self.add_policy)
        layout = column(head, self.table, spacing=SPACE + 4)
        layout.setStretch(1, 1)
        found.setLayout(layout)
        return found

    def _settings(self) -> QWidget:
        """What all policies have in common."""
        return side_panel(column(
            card(column(label("Prompts", "heading"), self.prompts, row(self.add_prompts, None))),
            card(column(label("How answers are drawn", "heading"), self.drawn, self.form)),
            None, spacing=2 * SPACE,
        ))  # fmt: skip

    def refresh(self) -> None:
        """Read again which arenas there are, who takes part, and how many answers there are."""
        arena = self.choice.arena
        self.arena.clear()
        for each in self.choice.listed:
            self.arena.addItem(on_button(each.name), each.id)
        if arena is None:
            some = prompts.count_some(self.session.project, 1)
            self.stack.setCurrentIndex(0 if some else 1)
            return
        self.arena.setCurrentIndex(self.arena.findData(arena.id))
        self.stack.setCurrentIndex(2)
        self._show(arena)

    def make(self) -> None:
        self._open(ArenaDialog(self.session, self)).made.connect(self._made)

    def ask_prompts(self) -> None:
        self._open(ArenaDialog(self.session, self, self.choice.arena)).made.connect(self._made)

    def ask_policy(self) -> None:
        if (arena := self.choice.arena) is not None:
            self._open(PolicyDialog(self.session, arena, self)).added.connect(self.refresh)

    def remove(self) -> None:
        """Take the selected policy out, if nobody voted on its answers."""
        policy = self._selected()
        if policy is None:
            return
        try:
            changes = arenas.remove_policy(self.session.project, policy.id)
        except KnownError as error:
            errors.show(error, self)
            return
        self.session.announce(changes, self)
        self.refresh()

    def let_answer(self) -> None:
        """Each policy answers what it was not asked yet."""
        arena = self.choice.arena
        if arena is None:
            return
        try:
            wanted = AnswerConfig(arena=arena.id, **self.form.values())
            given = set() if self.form.isHidden() else {*settings.SHARED}
            self.session.start(JobKind.ANSWER, settings.as_before(self.session.project, arena.id, wanted, given))
        except KnownError as error:
            errors.show(error, self, self.let_answer)
            return
        self.refresh()
        self.table.setFocus()  # the button is gone, and what takes its place must not be pressed by mistake

    def _open(self, dialog: DialogT) -> DialogT:
        self.dialog = dialog
        dialog.open()
        return dialog

    def _selected(self) -> ArenaPolicy | None:
        rows = {index.row() for index in self.table.selectedIndexes()}
        return self._taking[rows.pop()] if len(rows) == 1 else None

    def _enable(self) -> None:
        self.take_out.setEnabled(self._selected() is not None)

    def _made(self, arena_id: int) -> None:
        self.choice.choose(arena_id)
        self.refresh()

    def _show(self, arena: Arena) -> None:
        project = self.session.project
        self._taking = taking_part = arenas.policies(project, arena.id)
        asked = len(arenas.prompts(project, arena.id))
        answered = Counter(policy for policy, _ in arenas.who_asked(project, arena.id))
        fill(self.table, [
            (policy.name, said_of(policy), f"{answered[policy.id]:,} of {asked:,}") for policy in taking_part
        ])  # fmt: skip
        cells = [self.table.item(place, column) for place in range(len(taking_part)) for column in (0, 1)]
        for cell in filter(None, cells):  # names and places are long
            cell.setToolTip(tip(cell.text()))
        self._enable()
        self.prompts.setText(f"{counted(asked, 'prompt')}, the same for all.")
        self._show_drawn(arena)
        self._show_step(taking_part, asked, answered)

    def _show_drawn(self, arena: Arena) -> None:
        """All answers are drawn in the same way: once there are some, as those were."""
        before = settings.drawn_before(self.session.project, arena.id)
        self.form.setVisible(before is None)
        self.drawn.setText("All policies in the same way." if before is None else said_of_drawing(before))

    def _show_step(self, taking_part: list[ArenaPolicy], asked: int, answered: Counter[int]) -> None:
        """What to do next."""
        job = self._job()
        left = asked * len(taking_part) - answered.total()
        ready = sum(count > 0 for count in answered.values()) > 1
        few = len(taking_part) < 2
        busy = job is not None and job.status in ACTIVE
        lacking = job.result.lacking if job is not None and not busy else ()
        trouble = " ".join(filter(None, [(job.error or "") if job is not None and left else "", *lacking]))
        self.warning.setText(trouble)
        self.warning.setVisible(bool(trouble))
        if job is not None and busy:
            self.step.setText(progress_of(job))
            self.about.setText(self.session.waits(job) or ("You can vote meanwhile." if ready else ""))
        elif few:
            self.step.setText("Add two policies or more")
            self.about.setText("The base model beside a tuned policy says what tuning brought.")
        elif left:
            self.step.setText(f"{counted(left, 'answer')} to be written")
            self.about.setText("The policies answer one after the other, in the background.")
        else:
            self.step.setText(f"{counted(len(taking_part), 'policy', 'policies')} have answered")
            self.about.setText("Vote on two answers at a time: the pair that tells most comes first.")
        self.about.setVisible(bool(self.about.text()))
        self.answer.setVisible(left > 0 and not few and not busy)
        self.vote.setVisible(ready)
        set_role(self.vote, "" if self.answer.isVisibleTo(self) else "primary")
        set_role(self.add_policy, "primary" if few else "")

    def _job(self) -> AnswerJob | None:
        """The one that answers in this arena, or did last."""
        arena = self.choice.arena
        return next(
            (job for job in self.session.jobs(AnswerJob) if arena is not None and job.config.arena == arena.id), None
        )

    def _on_news(self, news: News) -> None:
        if self.isVisible() and any(isinstance(job, AnswerJob) for job in news.jobs):
            self.refresh()


def said_of(policy: ArenaPolicy) -> str:
    """`run 12, step 40`."""
    at = "" if policy.step is None else f", step {policy.step:,}"
    what = {
        "run": f"run {policy.job_id}{at}" if policy.job_id else "a run that was removed",
        "best-of-n": f"the best of {policy.detail.get('n')} by reward model {policy.job_id or '(removed)'}",
        "adapter": f"the adapter in {policy.detail.get('folder')}",
        "model": f"{policy.detail.get('model')}",
        "server": f"{policy.detail.get('model')} at {policy.detail.get('address')}",
    }
    return what.get(policy.kind, "the base model")


def said_of_drawing(config: AnswerConfig) -> str:
    """As the answers that are there were drawn."""
    return (
        f"As those that are there: temperature {config.temperature:g}, top-p {config.top_p:g}, at most "
        f"{counted(config.max_new_tokens, 'token')}."
    )


def progress_of(job: Job) -> str:
    """`Answering: 12 of 80`."""
    if job.status == "paused":
        return f"Paused at {job.done:,} of {job.total:,} answers"
    if job.status == "queued":
        return "Waiting to answer"
    return f"{job.stage or 'Loading the model'}: {job.done:,} of {job.total:,}" if job.total > 1 else "Answering …"
