"""Undo and redo in the window: at once, or beside it where a hundred thousand rows come or go."""

from core.errors import KnownError
from core.store.undo import Direction, Replayed
from desktop.session import Session
from desktop.tab import TabWidget, TakesBack
from desktop.workspace import Workspace


def take_back(workspace: Workspace, word: Direction, tab: TabWidget | None) -> None:
    """Undo or redo: what the shown `tab` takes back itself, what this window did anywhere else."""
    session = workspace.session
    if session is None:
        return
    try:
        if isinstance(tab, TakesBack):
            if word == "undo":
                tab.undo()
            else:
                tab.redo()
        elif not workspace.busy:
            replay(workspace, session, word)
    except KnownError as error:
        workspace.failed.emit(error)


def replay(workspace: Workspace, session: Session, word: Direction) -> None:
    """`undo` or `redo` the next step and say what it was. Raises `KnownError`; later ones are shown."""
    step = session.history.next(word)
    if step is None or not step.is_long:
        workspace.say(f"{(session.undo() if word == 'undo' else session.redo()).label}.")
        return

    def done(replayed: Replayed) -> None:
        try:
            workspace.say(f"{session.settle(word, replayed).label}.")
        except KnownError as error:
            workspace.failed.emit(error)

    text = f"Taking back “{step.label}” …" if word == "undo" else f"Doing “{step.label}” again …"
    workspace.do_first(text, session.history.work(word), done)
