"""Undo and redo in the window: at once, or beside it where a hundred thousand rows come or go."""

from typing import TYPE_CHECKING

from core.errors import KnownError
from core.store.undo import Direction, Replayed
from desktop import errors
from desktop.session import Session

if TYPE_CHECKING:
    from desktop.window import Window


def replay(window: "Window", session: Session, word: Direction) -> None:
    """`undo` or `redo` the next step and say what it was. Raises `KnownError`; later ones are shown."""
    step = session.history.next(word)
    if step is None or not step.is_long:
        window.projects.tell(f"{(session.undo() if word == 'undo' else session.redo()).label}.")
        return

    def done(replayed: Replayed) -> None:
        try:
            window.projects.tell(f"{session.settle(word, replayed).label}.")
        except KnownError as error:
            errors.show(error, window)

    text = f"Taking back “{step.label}” …" if word == "undo" else f"Doing “{step.label}” again …"
    window.waiting.do(text, session.history.work(word), done)
