"""A model's chat template, rendered in a process of its own (`core/models/templates.py`), which may die of it."""

import atexit
import os
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import ModelError
from core.jobs import line_process
from core.models.template_choice import chosen

#: Seconds that one text may take, starting included; the process itself allows a second of computing.
PATIENCE = 20.0
Turn = Mapping[str, Any]


class Refused(ModelError):
    """The template ended with an error; `why` is what it said."""

    def __init__(self, title: str, why: str) -> None:
        super().__init__(f"The chat template of {title} is broken ({why}): correct it, or choose another model.")
        self.why = why


class ChatTemplate:
    """Renders turns as `tokenizer.apply_chat_template(tokenize=False)` does, but on a fixed day.

    Raises `ModelError` for a template that is broken (`Refused`), that does not end, or that needs too much memory: one
    sentence that says what to do. The process is started again after that.
    """

    def __init__(self, source: str, tokens: dict[str, str], title: str, date: str = "") -> None:
        """`tokens` are the tokenizer's special ones by name, which a template may use. `date` is the day, in ISO's
        form, that is today's to it; without one it is the day on which it is asked."""
        self.source, self.tokens, self.title, self.date = source, tokens, title, date
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def of(cls, tokenizer: Any, title: str, date: str = "") -> "ChatTemplate":
        """The tokenizer's own, or the plain one if it has none."""
        return cls(chosen(tokenizer, title).default, dict(tokenizer.special_tokens_map), title, date)

    def render(
        self, turns: Sequence[Turn], *, add_generation_prompt: bool = False, tools: Sequence[Any] = (), **more: Any
    ) -> str:
        """`more` are further names that the template may read."""
        request = {
            **self.tokens,
            "messages": list(turns),
            "tools": list(tools) or None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
            **more,
        }
        if self.date:
            request["date"] = self.date
        return self._asked(request)

    def _asked(self, request: Any) -> str:
        if self._process is None or self._process.poll() is not None:
            self._process = _idle.taken(self.source)
            if self._process is None:
                self._process = line_process.start("core.models.templates")
                self._asked(self.source)
            weakref.finalize(self, _idle.left, self.source, self._process)
        answer = line_process.ask(self._process, request, PATIENCE)
        if answer is None:
            self.close()
            raise ModelError(
                f"The chat template of {self.title} does not end or needs too much memory: choose another model."
            )
        if "error" in answer:
            if request is self.source:
                self.close()  # it holds no template
            raise Refused(self.title, answer["error"])
        return str(answer["text"])

    def close(self) -> None:
        """End the process; the next text starts another."""
        if self._process is not None:
            line_process.end(self._process)
            self._process = None


class Idle:
    """The process of the model that went last: another load of the same template goes on with it."""

    def __init__(self) -> None:
        self._kept: tuple[int, str, subprocess.Popen[str]] | None = None
        atexit.register(self.end)

    def taken(self, source: str) -> "subprocess.Popen[str] | None":
        """The process if it holds that template, and is this process's own."""
        if self._kept is None or self._kept[:2] != (os.getpid(), source) or self._kept[2].poll() is not None:
            return None
        process, self._kept = self._kept[2], None
        return process

    def left(self, source: str, process: "subprocess.Popen[str]") -> None:
        """Its model is gone."""
        if process.poll() is None:
            self.end()
            self._kept = (os.getpid(), source, process)
        else:
            line_process.end(process)

    def end(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == os.getpid():
            line_process.end(kept[2])


_idle = Idle()
