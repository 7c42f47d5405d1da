"""The Compare tab: the reference and the tuned policy answer the same prompts, side by side, with scores.

What is typed may go on as a conversation of several turns: both policies answer what was said so far.
"""

from functools import partial

from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QStackedWidget, QWidget

from core.config.jobs import CompareConfig, CompareJob, JobKind
from core.config.training import TrainPolicyJob
from core.conversation import Conversation
from core.errors import KnownError
from core.guidance.steps import Step
from core.jobs import queue
from core.jobs.follow import News
from core.records import ACTIVE, RESUMABLE, Job
from core.store import Changes, prompts
from core.store.packed_rankings import PACK
from desktop import errors
from desktop.actions import GO_TO
from desktop.compare import actions
from desktop.compare.arena.pages import ArenaPages
from desktop.compare.composer import Composer
from desktop.compare.conversation import Conversing, tokens_of
from desktop.compare.duel import Duel
from desktop.compare.past import PastBox
from desktop.compare.results import Results
from desktop.compare.words import policy_of, said_of
from desktop.conversation.bubbles import ConversationView
from desktop.conversation.talk import Talk
from desktop.places import PageId, TabId
from desktop.runs.checkpoint_box import CheckpointBox
from desktop.runs.run_list import describe
from desktop.session import Session
from desktop.tab import Compares, LooksAtConversation, TabWidget
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button, bind
from desktop.widgets.empty import Empty
from desktop.widgets.pages import Pages

#: What of the tab's height the conversation may take, at least so many pixels.
SHARE, SHARE_ALONE, LEAST = 0.36, 0.62, 150
CHOOSE = "Choose the answer from which it goes on, or begin a new conversation."
WAIT = "Both are still answering: what you typed stays here."
KEPT = "This conversation was still here: go on with it, or begin a new one. What you typed stays."
NEXT = "Type what you say next: both answer it."
FIRST = "Once a policy is tuned, type any prompt to see what it changed, or let both answer the held-out prompts."
READ = "Type any prompt to see what tuning changed"
READ_HELD_OUT = ", or let both answer the held-out prompts"
GONE = "The answers are no longer here: take the turn back to ask again."


class Tab(TabWidget, LooksAtConversation, Compares):
    ID = TabId.COMPARE
    pages: Pages

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._shown: int | None = None
        self._seen = {job.id for job in session.jobs(CompareJob)}
        self.busy = label("", "muted")
        self.conversing = Conversing(session, self, lambda: self.policy.currentData())
        self.conversing.changed.connect(self._talk_changed)
        self.in_talk = bool(self.conversing.talk.messages)
        """Is the conversation seen, and not another comparison?"""
        self._make_fields()
        self._make_results()
        self._lay_out()
        session.news.connect(self._news)
        self.refresh(None)
        if session.project.setting(PACK) is not None:
            self.pages.open(PageId.VOTE)  # nothing else on this tab is for its labeler

    def _make_fields(self) -> None:
        self.policy = QComboBox()
        bind(actions.POLICY, self.policy)
        self.policy.setMinimumWidth(220)
        self.policy.setPlaceholderText("No tuned policy yet")
        self.policy.activated.connect(lambda _: self._policy_chosen())
        self.checkpoint = bind(actions.CHECKPOINT, CheckpointBox())
        self.checkpoint.activated.connect(lambda _: self._policy_chosen())
        self.past = bind(actions.PAST, PastBox())
        self.past.activated.connect(lambda _: self.show_past(self.past.currentData()))
        self.heldout = action_button(actions.HELD_OUT, self.compare_heldout)
        self.composer = Composer(self.session, self)
        self.composer.asked.connect(self.ask)
        self.prompt, self.bar = self.composer.prompt, self.composer.bar
        self.bar.rank_asked.connect(self.conversing.rank_these)
        self.bar.more_asked.connect(self.conversing.write_more)
        self.bar.new_asked.connect(self.conversing.begin_anew)
        self.bar.take_back_asked.connect(self._take_back)

    def _make_results(self) -> None:
        self.what = label("", "muted")
        self.resume = action_button(actions.RESUME, self.go_on)
        self.back = action_button(actions.BACK, self.show_newest)
        self.to_talk = action_button(actions.TO_TALK, self.show_talk)
        self.bubbles = ConversationView(self, on_turn=actions.TALK.turn)
        self.bubbles.turn_chosen.connect(self.conversing.send_turn)
        self.bubbles.unfold()
        self.results = Results(self.session.project)
        self.empty = Empty(
            "Nothing to compare yet",
            FIRST,
            GO_TO[TabId.TUNE],
            lambda: self.session.navigator.open_tab(TabId.TUNE),
        )

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        results = QWidget()
        inner = column(
            row(self.what, self.resume, self.back, self.to_talk, None),
            self.bubbles,
            self.busy,
            self.results,
            spacing=SPACE + 4,
        )
        inner.setStretch(3, 1)
        results.setLayout(inner)
        self.stack.addWidget(results)
        side_by_side = QWidget()
        page = column(
            row(label("Policy"), self.policy, self.checkpoint, self.past, None, self.heldout),
            self.stack,
            column(self.conversing.to_rank, self.composer, spacing=SPACE),
            spacing=2 * SPACE,
        )
        page.setContentsMargins(0, 2 * SPACE, 0, 0)
        page.setStretch(1, 1)
        side_by_side.setLayout(page)
        self.pages = Pages(self)
        self.pages.add(PageId.SIDE_BY_SIDE, PageId.SIDE_BY_SIDE.label, lambda: side_by_side).get()
        self.arena = ArenaPages(self.session, self.pages, self)
        whole = column(
            self.heading("Policies beside each other: one prompt at a time, or blind votes on many in an arena."),
            self.pages,
            spacing=SPACE + 4,
        )
        whole.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    def control_of(self, step: Step) -> QWidget | None:
        return self.heldout if step == Step.COMPARE else None

    @property
    def keyed(self) -> QWidget | None:
        return self.arena.vote.keyed if self.page == PageId.VOTE else None

    def refresh(self, changes: Changes | None) -> None:
        self.arena.refresh(changes)
        kept = self.policy.currentData()
        self.policy.clear()
        for job in self.session.jobs(TrainPolicyJob):
            if job.result.adapter:
                self.policy.addItem(describe(job), job.id)
        self.policy.setCurrentIndex(max(0, self.policy.findData(kept or self._newest_tuned())))
        self._show_checkpoints()
        ready = self.policy.count() > 0
        for widget in (self.policy, self.composer, self.heldout):
            widget.setEnabled(ready)
        self.empty.action.setVisible(not ready)
        self.empty.heading.setText("Not compared yet" if ready else "Nothing to compare yet")
        held_out = READ_HELD_OUT if prompts.holds_out(self.session.project) else ""
        self.empty.text.setText(f"{READ}{held_out}." if ready else FIRST)
        self.conversing.look_again()
        if changes is None and self.in_talk:
            self.show_talk()
        elif changes is None or (self.policy.currentData() != kept and not self.in_talk):
            self.show_newest()

    def _newest_tuned(self) -> int | None:
        """The run to begin with: rather one that came to its end."""
        ended = [job for job in self.session.jobs(TrainPolicyJob) if job.status == "done" and job.result.adapter]
        return ended[0].id if ended else None

    def conversation(self) -> Conversation | None:
        """What was said, with what is being typed; or what is asked by the question to vote on."""
        if self.page == PageId.VOTE:
            return self.arena.vote.conversation()
        return self.composer.conversation(self.conversing.talk if self.in_talk else Talk())

    def show_talk(self) -> None:
        """The conversation as it stands: what was said, and both answers to its last question."""
        talk = self.conversing.talk
        if not talk.messages:
            self.show_newest()
            return
        job = self.conversing.job
        self._show(job, in_talk=True)
        if job is None and not talk.goes_on:
            self.results.say(GONE)
        elif job is not None and job.status not in ACTIVE:
            found = self.results.show_job(job, figures=talk.begins_anew, card=self.conversing.card)
            self.bar.show_answers(len({side["completion"] for duel in found for side in (duel.reference, duel.tuned)}))

    def _talk_changed(self) -> None:
        self.show_talk()
        self.prompt.setFocus()

    def compare_with(self, policy_job: int, checkpoint: str) -> None:
        self.pages.open(PageId.SIDE_BY_SIDE)
        self.policy.setCurrentIndex(max(0, self.policy.findData(policy_job)))
        self._show_checkpoints()
        self.checkpoint.choose(checkpoint)
        self._policy_chosen()

    def _show_checkpoints(self) -> None:
        run = self.session.job(self.policy.currentData(), TrainPolicyJob)
        self.checkpoint.show_run(self.session.project, run)

    def _policy_chosen(self) -> None:
        """In a conversation it only changes who answers next."""
        self._show_checkpoints()
        if not self.in_talk:
            self.show_newest()

    def show_newest(self) -> None:
        """What the chosen policy and the reference said last to the held-out prompts, or else to any."""
        of_run = [job for job in self.session.jobs(CompareJob) if policy_of(job) == self.policy.currentData()]
        jobs = [job for job in of_run if self.checkpoint.means(job.config.checkpoint)]
        busy = next((job for job in jobs if job.status in ACTIVE), None)
        done = sorted((job for job in jobs if job.status == "done"), key=lambda job: job.config.typed)
        self.show_comparison(busy or (done[0] if done else None))

    def show_past(self, job_id: int) -> None:
        """A comparison of the chosen policy that was made before, whatever became of it."""
        job = self.session.job(job_id, CompareJob)
        if job is not None:
            self.checkpoint.choose(job.config.checkpoint)
            self.show_comparison(job)

    def go_on(self) -> None:
        """Let a comparison that was stopped or interrupted go on."""
        if self._shown is None:
            return
        try:
            self.session.resume(self._shown)
        except KnownError as error:
            errors.show(error, self, self.go_on)

    def show_comparison(self, job: CompareJob | None) -> None:
        """A comparison outside the conversation: a card for each prompt, the higher score marked."""
        self._show(job, in_talk=False)
        if job is not None and job.status not in ACTIVE:
            self.results.show_job(job, card=Duel)

    def _show(self, job: CompareJob | None, *, in_talk: bool) -> None:
        """What stands around the cards."""
        talk = self.conversing.talk
        self._shown, self.in_talk = job.id if job else None, in_talk
        self.results.clear()
        self.stack.setCurrentIndex(int(in_talk or job is not None))
        self.bubbles.setVisible(in_talk)
        self.bubbles.show_conversation(talk.conversation if in_talk else None)
        self.composer.show_talk(talk if in_talk else Talk())
        self._share_room()
        self.what.setText(said_of(job) if job is not None else NEXT if in_talk and talk.goes_on else "")
        self.back.setVisible(in_talk or (job is not None and job.config.typed and job.status not in ACTIVE))
        self.to_talk.setVisible(bool(talk.messages) and not in_talk)
        self.conversing.to_rank.setVisible(in_talk and self.conversing.to_rank.isVisible())
        self._show_past()
        self._show_wait(job)

    def _show_past(self) -> None:
        run, shown = self.policy.currentData(), self.session.job(self._shown, CompareJob)
        self.past.show_jobs([job for job in self.session.jobs(CompareJob) if policy_of(job) == run], self._shown)
        self.resume.setVisible(shown is not None and shown.status in RESUMABLE)

    def _show_wait(self, job: Job | None) -> None:
        waits = job is not None and job.status in ACTIVE
        self.busy.setVisible(waits)
        if job is not None and waits:
            self.busy.setText(self.session.waits(job) or "Both are answering …")

    def ask(self) -> None:
        """Let both answer what is typed: the next turn of the conversation, or the first of another one."""
        if not self.composer.text:
            return
        if (why := self._why_not()) and not self.in_talk:
            self.show_talk()
        if why:
            self.composer.say(why)
        elif (asked := self.composer.turn_after(self.conversing.talk)) is not None:
            self._ask(asked)

    def _why_not(self) -> str:
        """Why what is typed cannot be asked now. A conversation of several turns gives way to none but by the person's
        own wish."""
        job, talk = self.conversing.job, self.conversing.talk
        if job is not None and job.status in ACTIVE:
            return WAIT
        if self.in_talk:
            return "" if talk.goes_on or talk.begins_anew else CHOOSE
        return "" if talk.begins_anew else KEPT

    def _ask(self, talk: Talk) -> None:
        try:
            job = self._start(talk.conversation)
        except KnownError as error:
            errors.show(error, self, partial(self._ask, talk))
            return
        self.composer.clear()
        self.conversing.go_to(talk.with_job(job.id))

    def compare_heldout(self) -> None:
        try:
            self.show_comparison(self._start(None))
        except KnownError as error:
            errors.show(error, self, self.compare_heldout)

    def _start(self, asked: Conversation | None) -> CompareJob:
        """Queue a comparison on a conversation, or on the held-out prompts. Raises `KnownError`."""
        policy = self.policy.currentData()
        run = queue.run_of(self.session.project, policy, TrainPolicyJob)
        plain = asked is not None and asked.is_plain
        config = CompareConfig(
            policy_job=policy,
            checkpoint=self.checkpoint.checkpoint,
            prompts=(asked.text,) if asked is not None and plain else (),
            conversations=(asked.key,) if asked is not None and not plain else (),
            gold=run.config.gold,
            max_new_tokens=run.config.max_new_tokens if asked is None else tokens_of(run),
        )
        job = self.session.start(JobKind.COMPARE, config)
        assert isinstance(job, CompareJob)
        return job

    def _take_back(self) -> None:
        self.composer.put_back(self.conversing.take_back())

    def _news(self, news: News) -> None:
        if any(isinstance(job, TrainPolicyJob) for job in news.jobs):
            self.refresh(Changes(frozenset(), ""))
        compared = [job for job in news.jobs if isinstance(job, CompareJob)]
        for job in compared:
            new = job.id not in self._seen
            self._seen.add(job.id)
            if job.status in ACTIVE and new and job.id != self._shown and not self.in_talk:
                self.policy.setCurrentIndex(max(0, self.policy.findData(policy_of(job))))
                self._show_checkpoints()
                self.checkpoint.choose(job.config.checkpoint)
                self.show_comparison(job)
            elif job.id == self._shown and (job.status not in ACTIVE or not self.resume.isHidden()):
                self.show_talk() if self.in_talk else self.show_comparison(job)
        if compared:
            self._show_past()
        shown = self.session.job(self._shown) if self._shown is not None else None
        if news.jobs and shown is not None:
            self._show_wait(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        """With the answers; while there are none, the conversation has all of it."""
        share = SHARE_ALONE if self.conversing.talk.goes_on else SHARE
        self.bubbles.set_highest(max(LEAST, round(share * self.height())))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.results.rest()
        self.composer.leave()
        self.conversing.leave()
        self.arena.leave()
        super().closeEvent(event)
