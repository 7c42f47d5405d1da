"""What may be chosen about how a project's conversations reach a model. The choices are settings of the project."""

from dataclasses import dataclass
from datetime import date

from core.config.options import Settings, option
from core.errors import BadInput

#: Whether a template that can have the model think first is asked to; `template` leaves it to the template.
THINKING = ("template", "on", "off")
#: Whether what a model thinks before its answer counts when that is judged.
REASONING = ("judged", "kept")


@dataclass(frozen=True)
class Chat(Settings):
    """How conversations are put, each choice with what it does; the defaults add nothing of ours."""

    system_prompt: str = option(
        "", "Said before every conversation that brings no system turn of its own.", zero="none"
    )
    chat_date: str = option(
        "",
        "What a template that asks for today's date is told, as YEAR-MONTH-DAY: the same in every run. One that "
        "has a day of its own (Llama 3.1's) keeps that.",
        zero="none",
    )
    thinking: str = option(
        "template", "Whether a model that can think first is asked to; `template` leaves it to the model's own.",
        choices=THINKING,
    )  # fmt: skip
    reasoning: str = option(
        "judged", "What a model writes within <think> is `judged` with its answer, or `kept` but not judged.",
        choices=REASONING,
    )  # fmt: skip
    chat_template: str = option(
        "", "The chat template: `plain` (User: and Assistant: before turns), the name of one of the model's own, or a "
        "text of Jinja.", zero="the model's own, or the plain one if it has none",
    )  # fmt: skip
    stop: str = option(
        "", r"Texts at which an answer ends, beside the model's end: several with | between them, \n is a line's end.",
        zero="none",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            valid = not self.chat_date or date.fromisoformat(self.chat_date).isoformat() == self.chat_date
        except ValueError:
            valid = False
        if not valid:
            raise BadInput(f"--chat-date must be a day such as 2026-01-31, not {self.chat_date[:40]!r}.")

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts of `stop`."""
        texts = (part.replace("\\n", "\n").replace("\\t", "\t") for part in self.stop.split("|"))
        return tuple(text for text in texts if text)


#: What a project has where nobody chose.
DEFAULT = Chat()
