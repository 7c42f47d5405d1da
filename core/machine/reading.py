"""What a project's base model reads of a conversation, asked of a process that has its tokenizer and no weights."""

import subprocess
import threading
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from core.conversation import Conversation
from core.errors import ModelError
from core.jobs import line_process, model_libraries
from core.machine import base_models
from core.store import Project, chat_settings

#: Seconds after which a question is given up: a tokenizer of any honest size is read in a tenth of that.
PATIENCE = 120


class NotHere(ModelError):
    """The model has to be fetched, or converted, before it can be looked at."""


@dataclass(frozen=True)
class Reading:
    """`pieces` are the exact text, each with whether it is a control token that the template wrote. `longest` is how
    many tokens the model reads; `notes` tell what was done to the conversation."""

    model: str
    pieces: tuple[tuple[str, bool], ...]
    tokens: int
    longest: int
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    @property
    def too_long(self) -> bool:
        """Is it more than the model reads, so that its oldest turns are left out?"""
        return self.tokens > self.longest


class Reader:
    """Starts its process at the first question, which takes some seconds, and keeps it for the next, which take some
    milliseconds. Ask it beside the window's thread; one who asks waits for another. Once closed it reads no more."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._asking = threading.Lock()
        self._closed = False

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, project: Project, conversation: Conversation) -> Reading:
        """Raises `KnownError` with what is wrong: `NotHere` for a model that is not, a template that does not take
        it."""
        model_libraries.check("To show what the model reads")
        model = str(project.setting("model", base_models.EMBEDDED))
        spec = base_models.parse(model)
        base_models.check(spec)
        if not base_models.is_ready(spec):
            raise NotHere(f"{spec.title} is not on this machine yet: fetch it (fetch-model), then look again.")
        settings = asdict(chat_settings.get(project))
        with self._asking:
            found = self._asked({"model": model, "settings": settings, "conversation": conversation.data()})
        if "error" in found:
            raise ModelError(found["error"])
        pieces = tuple((piece["text"], piece["control"]) for piece in found["pieces"])
        return Reading(spec.title, pieces, found["tokens"], found["longest"], tuple(found["notes"]))

    def _asked(self, question: object) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self._process = line_process.start("core.models.read_process", TOKENIZERS_PARALLELISM="false")
        found: dict[str, Any] | None = None
        if not self._closed:  # looked at after the process is known to whoever closes
            found = line_process.ask(self._process, question, PATIENCE)
        if found is None:
            self._end()
            raise ModelError("The process that reads the tokenizer ended: try again, or choose another model.")
        return found

    def close(self) -> None:
        """End the process, also while another thread asks it: that one is told that it ended."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()
        with self._asking:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            line_process.end(self._process)
            self._process = None
