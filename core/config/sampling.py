"""What all that writes with a policy may choose: how it draws, from which checkpoint, and what it is asked."""

import json
from dataclasses import dataclass
from typing import Any

from core.config.options import check, option
from core.config.training import LENGTH
from core.conversation import Conversation
from core.errors import BadInput


@dataclass(frozen=True)
class SamplingConfig:
    """How completions are drawn from a policy."""

    temperature: float = option(1.0, "Above 1 is more varied, below 1 more certain.", low=0.05, high=3.0)
    top_p: float = option(1.0, "Draw only from the likeliest tokens that hold this much probability.", low=0.05, high=1)
    max_new_tokens: int = option(LENGTH, "Longest completion, in tokens.", low=1, high=4096)
    seed: int = option(0, "The same seed gives the same completions on the same machine.", low=0)

    def __post_init__(self) -> None:
        check(self)


def checkpoint_option() -> Any:
    """Which state of a tuned policy is used; `check_checkpoint` says of what is given whether it is one."""
    help = "Which checkpoint of the run: `last`, `best` by reward after KL, or the number of a step that is kept."
    return option("last", help, advanced=True)


#: Digits of a step's number.
LONGEST_STEP = 9


def check_checkpoint(text: str) -> None:
    """Raises `BadInput` for what names no checkpoint."""
    if text not in ("last", "best") and not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_STEP):
        raise BadInput(f"--checkpoint must be last, best or the number of a step, not {text!r:.60}.")


def conversation(text: str) -> Conversation:
    """A conversation that a job's config holds as JSON. Raises `BadInput` for what is none."""
    try:
        return Conversation.read(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{text[:60]!r} is no conversation ({error}): give a list of messages as JSON.") from error


def typed_questions(texts: tuple[str, ...], conversations: tuple[str, ...]) -> tuple[Conversation, ...]:
    """What was typed, in the order in which it is answered. Raises `BadInput` for what is no conversation."""
    return (*(Conversation.of_text(text) for text in texts if text.strip()), *map(conversation, conversations))
