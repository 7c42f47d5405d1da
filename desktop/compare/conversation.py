"""The conversation with both policies: what was said, as it is kept in the project, and what becomes of a turn."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.config.jobs import CompareJob, GenerateConfig
from core.config.training import LENGTH, TrainPolicyJob
from core.conversation import Conversation
from core.errors import KnownError
from core.labeling import sending
from core.labeling.sending import Answered
from desktop import errors
from desktop.compare import actions
from desktop.compare.duel import Answers, Duel
from desktop.compare.words import policy_of
from desktop.conversation.kept_talk import KeptTalk
from desktop.session import Session
from desktop.widgets.bound import action_button

#: The project's setting: the conversation as it stands.
KEPT = "talk/compare"


class Conversing(KeptTalk):
    def __init__(self, session: Session, page: QWidget, policy: Callable[[], int | None]) -> None:
        """`policy` is the run whose policy is chosen on the page, if there is one."""
        super().__init__(session, KEPT, actions.TALK, page)
        self._policy = policy

    @property
    def job(self) -> CompareJob | None:
        """In which the last question was answered, where the answers are what is to be seen."""
        return None if self.talk.goes_on or not self.talk.jobs else self.session.job(self.talk.jobs[-1], CompareJob)

    def go_on(self, answer: str) -> None:
        self.go_to(self.talk.with_answer(answer))

    def take_back(self) -> str:
        """The answer from which it goes on, or the last question, whose text is returned."""
        job = self.job
        if job is not None and job.status in ("queued", "running", "paused"):
            self.session.stop(job.id)
        shorter, asked = self.talk.shortened()
        self.go_to(shorter, actions.TALK.take_back.label)
        return asked

    def card(self, duel: Answers) -> Duel:
        """Both answers to the last question, from each of which it may go on."""
        return Duel(duel, title=False, heads=(self._choice(duel, "reference"), self._choice(duel, "tuned")))

    def _choice(self, duel: Answers, side: str) -> QWidget:
        answer = {"reference": duel.reference, "tuned": duel.tuned}[side]["completion"]
        found = action_button(actions.GO_ON[side], lambda: self.go_on(answer), default=False)
        found.setEnabled(bool(answer.strip()))
        return found

    def send_turn(self, place: int) -> None:
        """Ask which answers to a turn are to be ranked."""
        asked, job = self.talk.asked_at(place), self.session.job(self.talk.job_at(place), CompareJob)
        self.to_rank.ask(asked, self._answered(job, asked), self._chosen() if job is None else writer_of(job))

    def _chosen(self) -> GenerateConfig | None:
        """Who writes more answers where nobody knows any more which policy wrote the others."""
        run = self.session.job(self._policy(), TrainPolicyJob)
        return None if run is None else GenerateConfig(policy_job=run.id, max_new_tokens=tokens_of(run))

    def rank_these(self) -> None:
        """Send both answers to the last question to Rank."""
        if (found := self._answered(self.job, self.talk.conversation)) is not None:
            self.to_rank.send(found)

    def write_more(self) -> None:
        """Let the tuned policy answer the last question twice more."""
        if (job := self.job) is not None:
            self.to_rank.write_more(self.talk.conversation, writer_of(job))

    def _answered(self, job: CompareJob | None, asked: Conversation) -> Answered | None:
        """What both said to a question in a job; None where that is about something else."""
        try:
            found = sending.of_comparison(self.session.project, job) if job is not None else []
        except KnownError as error:
            errors.show(error, self.to_rank)
            return None
        return next((each for each in found if each.conversation == asked), None)


def tokens_of(run: TrainPolicyJob) -> int:
    """The greatest length of an answer to what is typed, however short those were that the policy was tuned on."""
    return max(LENGTH, run.config.max_new_tokens)


def writer_of(job: CompareJob) -> GenerateConfig:
    """Who writes more answers as the tuned policy of a comparison did."""
    config = job.config
    return GenerateConfig(
        policy_job=policy_of(job), checkpoint=config.checkpoint, max_new_tokens=config.max_new_tokens,
        temperature=config.temperature, top_p=config.top_p, seed=config.seed,
    )  # fmt: skip
