"""The conversation whose next answer is scored, and what becomes of answers that were."""

from PySide6.QtWidgets import QWidget

from core.config.jobs import GenerateConfig
from core.config.scoring import ScoreJob
from core.conversation import Conversation
from core.labeling import sending
from core.labeling.sending import Answered
from desktop.conversation.kept_talk import KeptTalk
from desktop.reward import actions
from desktop.session import Session

#: The project's setting: the conversation as it stands.
KEPT = "talk/try-it"


class ScoringTalk(KeptTalk):
    """It ends with the answer from which somebody goes on: what is asked next is still being typed."""

    ENDS_ANSWERED = True

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(session, KEPT, actions.TALK, page)

    def asked(self, prompt: str, system: str) -> Conversation:
        """What is answered, if this is asked next."""
        return self.talk.with_question(prompt, system).conversation

    def fits(self, job: ScoreJob) -> bool:
        """Can it go on from an answer that was scored there?"""
        *before, _ = job.config.asked.messages
        new = all(message.role == "system" for message in before)
        return tuple(before) == self.talk.messages or (new and not self.talk.messages)

    def go_on(self, job: ScoreJob, answer: str) -> None:
        """From an answer that was scored."""
        *before, question = job.config.asked.messages
        system = before[0].content if before and not self.talk.messages else ""
        self.go_to(self.talk.with_question(question.content, system).with_job(job.id).with_answer(answer))

    def take_back(self) -> tuple[str, tuple[str, ...]]:
        """The last question with its answer; returns what was asked, and all answers that were scored."""
        number = self.talk.jobs[-1]
        shorter, asked = self.talk.shortened()[0].shortened()
        job = self.session.job(number, ScoreJob)
        answers = job.config.completions if job is not None else (self.talk.messages[-1].content,)
        self.go_to(shorter, actions.TALK.take_back.label)
        return asked, answers

    def send(self, job: ScoreJob) -> None:
        """Let the answers that were scored be ranked first."""
        self.to_rank.send(sending.of_scoring(job))

    def write_more(self, job: ScoreJob) -> None:
        """Let the base model answer the same twice more."""
        self.to_rank.write_more(job.config.asked, GenerateConfig())

    def send_turn(self, place: int) -> None:
        """Ask which answers to a turn are to be ranked."""
        asked, job = self.talk.asked_at(place), self.session.job(self.talk.job_at(place), ScoreJob)
        self.to_rank.ask(asked, self._answered(job, asked), GenerateConfig())

    def _answered(self, job: ScoreJob | None, asked: Conversation) -> Answered | None:
        """What was scored for a question in a job; None where that is about something else."""
        return sending.of_scoring(job) if job is not None and job.config.asked == asked else None
