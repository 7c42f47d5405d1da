"""What the window says when something was taken back or done again."""

from typing import TYPE_CHECKING

from core.labeling.editor import PLACE
from core.store import Changes
from core.store.undo_steps import Step

if TYPE_CHECKING:
    from desktop.window import Window


def show(window: "Window", step: Step, changes: Changes) -> None:
    """Say what it was; what is seen on the Rank tab is shown there, which then says so itself."""
    if step.place == PLACE:
        window.show_tab_called("Rank")
    else:
        window.projects.tell(f"{changes.label}.")
