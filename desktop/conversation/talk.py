"""A conversation with a policy as it stands: what was said, and the jobs in which each question was answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.conversation import Conversation, Message


@dataclass(frozen=True)
class Talk:
    """`jobs` has one number for each of the user's turns. The last message is a question, or the answer from which
    somebody goes on."""

    messages: tuple[Message, ...] = ()
    jobs: tuple[int, ...] = ()

    @classmethod
    def read(cls, data: object) -> "Talk":
        """From what `data` gave; an empty one for anything else: a project may come from elsewhere."""
        if not isinstance(data, Mapping):
            return cls()
        try:
            messages, jobs = data["messages"], data["jobs"]
            found = Conversation.read([*messages, {"role": "user", "content": "?"}]).messages[:-1]
            talk = cls(found, tuple(number for number in jobs if type(number) is int))
        except (KeyError, TypeError, ValueError, RecursionError):
            return cls()
        return talk if talk.questions and len(talk.jobs) == talk.questions and talk.by_turns else cls()

    def data(self) -> dict[str, Any] | None:
        """As JSON has it."""
        messages = [message.data() for message in self.messages]
        return {"messages": messages, "jobs": list(self.jobs)} if messages else None

    @property
    def conversation(self) -> Conversation:
        return Conversation(self.messages)

    @property
    def questions(self) -> int:
        return _questions(self.messages)

    @property
    def by_turns(self) -> bool:
        """Is it a system's turn or none, then the user's and the assistant's by turns?"""
        roles = [message.role for message in self.messages]
        turns = roles[1:] if roles[:1] == ["system"] else roles
        return all(role == ("user", "assistant")[place % 2] for place, role in enumerate(turns))

    @property
    def goes_on(self) -> bool:
        """Is the user's next turn awaited?"""
        return bool(self.messages) and self.messages[-1].role != "user"

    @property
    def begins_anew(self) -> bool:
        """Is it so short that another question is another conversation?"""
        return not self.goes_on and self.questions < 2

    def begins_with(self, other: "Talk") -> bool:
        """Does it hold all of another one, from its beginning?"""
        messages, jobs = len(other.messages), len(other.jobs)
        return (self.messages[:messages], self.jobs[:jobs]) == (other.messages, other.jobs)

    def with_question(self, text: str, system: str = "") -> "Talk":
        """The user's next turn, or another conversation that begins with `system`."""
        before = self.messages if self.goes_on else ((Message("system", system),) if system else ())
        return Talk((*before, Message("user", text)), self.jobs if self.goes_on else ())

    def with_job(self, job_id: int) -> "Talk":
        """The last question is answered in this job."""
        return replace(self, jobs=(*self.jobs, job_id))

    def with_answer(self, text: str) -> "Talk":
        return replace(self, messages=(*self.messages, Message("assistant", text)))

    def shortened(self) -> tuple["Talk", str]:
        """Without the answer from which it goes on, or without its last question, and what that asked."""
        if self.goes_on:
            return replace(self, messages=self.messages[:-1]), ""
        *before, question = self.messages
        talks = any(message.role != "system" for message in before)
        return Talk(tuple(before) if talks else (), self.jobs[:-1]), question.content

    def asked_at(self, place: int) -> Conversation:
        """The conversation up to the question that the turn at this place asks or answers; a system's turn is told with
        the first one."""
        ends = {"system": place + 2, "user": place + 1}
        return Conversation(self.messages[: ends.get(self.messages[place].role, place)])

    def job_at(self, place: int) -> int:
        """The job in which that question was answered."""
        return self.jobs[max(0, _questions(self.messages[: place + 1]) - 1)]


def _questions(messages: tuple[Message, ...]) -> int:
    return sum(message.role == "user" for message in messages)
