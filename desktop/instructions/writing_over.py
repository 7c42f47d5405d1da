"""The question before a prompt is written over that another window changed since."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.records import Prompt
from core.texts import one_line
from desktop.instructions.prompt_table import SPLIT_TITLES
from desktop.widgets import message_boxes

#: Letters of the prompt, and of its tags, as it is now.
LONGEST = 600


def ask_over(parent: QWidget, now: Prompt, then: Callable[[], object]) -> None:
    """Show the prompt as it is `now`, and write over it only where somebody says so; what is typed stays."""
    tags = f", tags {one_line(', '.join(now.tags), LONGEST)}" if now.tags else ""
    more = f"It is now: {one_line(now.text, LONGEST)} ({SPLIT_TITLES[now.split]}{tags})"
    message_boxes.ask(
        parent, "This prompt was changed elsewhere since you began", more, "Write over it", then, no="Go on typing"
    )
