"""The question before something is written over that another window changed since."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.records import Prompt
from core.store import guidelines
from core.texts import one_line
from desktop.instructions.prompt_table import SPLIT_TITLES
from desktop.widgets import message_boxes

#: Letters of the prompt, and of its tags, as it is now.
LONGEST = 600


def ask_over(parent: QWidget, now: Prompt, then: Callable[[], object]) -> None:
    """Show the prompt as it is `now`, and write over it only where somebody says so; what is typed stays."""
    tags = f", tags {one_line(', '.join(now.tags), LONGEST)}" if now.tags else ""
    more = f"It is now: {one_line(now.text, LONGEST)} ({SPLIT_TITLES[now.split]}{tags})"
    _ask(parent, "This prompt was changed", more, then)


def ask_over_guidelines(parent: QWidget, changed: guidelines.ChangedSince, then: Callable[[], object]) -> None:
    """Show the sections as they are now, and make a version without them only where somebody says so."""
    now = guidelines.parts(changed.now)
    said = [f"{guidelines.SECTIONS[part]}: {one_line(now[part], LONGEST) or '(empty)'}" for part in changed.sections]
    more = "\n".join([f"Version {changed.now.id}, which stays among the versions, says:", *said])
    _ask(parent, "The guidelines were changed", more, then)


def _ask(parent: QWidget, what: str, more: str, then: Callable[[], object]) -> None:
    message_boxes.ask(parent, f"{what} elsewhere since you began", more, "Write over it", then, no="Go on typing")
