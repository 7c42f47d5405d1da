"""Undo and redo in the window: at once, or beside it where a hundred thousand rows come or go."""

from typing import TYPE_CHECKING

from core.errors import KnownError
from core.store.undo import Step
from desktop import errors
from desktop.session import Session

if TYPE_CHECKING:
    from desktop.window import Window


def replay(window: "Window", session: Session, word: str) -> None:
    """`undo` or `redo` the next step and say what it was. Raises `KnownError`; later ones are shown."""
    if not session.history.is_long(word):
        window.projects.tell(f"{getattr(session, word)().label}.")
        return

    def done(opposite: Step | None) -> None:
        try:
            window.projects.tell(f"{session.settle(word, opposite).label}.")
        except KnownError as error:
            errors.show(error, window)

    label = getattr(session.history, f"{word}able")[-1].label
    text = f"Taking back “{label}” …" if word == "undo" else f"Doing “{label}” again …"
    window.waiting.do(text, session.history.work(word), done)
