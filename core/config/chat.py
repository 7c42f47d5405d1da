"""What may be chosen about how a project's conversations reach a model. The choices are settings of the project."""

from dataclasses import dataclass
from datetime import date

from core.config.options import Settings, option
from core.errors import BadInput

#: Whether a template that can have the model think first is asked to; `template` leaves it to the template.
THINKING = ("template", "on", "off")


@dataclass(frozen=True)
class Chat(Settings):
    """How conversations are put, each choice with what it does; the defaults add nothing of ours."""

    system_prompt: str = option(
        "", "Said before every conversation that brings no system turn of its own.", zero="none"
    )
    chat_date: str = option(
        "",
        "What a template that asks for today's date is told, as YEAR-MONTH-DAY: the same in every run.",
        zero="none",
    )
    thinking: str = option(
        "template", "Whether a model that can think first is asked to; `template` leaves it to the model's own.",
        choices=THINKING,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            valid = not self.chat_date or date.fromisoformat(self.chat_date).isoformat() == self.chat_date
        except ValueError:
            valid = False
        if not valid:
            raise BadInput(f"--chat-date must be a day such as 2026-01-31, not {self.chat_date[:40]!r}.")
