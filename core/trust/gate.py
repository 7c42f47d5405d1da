"""May this project do that? Asked before a job is queued or resumed, by the worker, and by what loads code or fetches.

A project is trusted when it was made on this machine, or after `trust`. Of any other everything can be looked at,
ranked and exported, but nothing that it names is run, fetched or written before a person agreed.
"""

import shlex
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.errors import BadInput, KnownError
from core.jobs import lock
from core.machine import base_models
from core.store import DATABASE, Project, backups, jobs
from core.store.files import closed
from core.trust import registry
from core.trust.registry import ProjectFile, Standing
from core.trust.wish import AskFirst, Wish, allow, of_model

#: Why a job of a project that is not trusted stands still.
AT_REST = "Nobody knows here who made this project, so its jobs wait for you: resume the job if you want it to run."


def is_trusted(project: Project) -> bool:
    return _standing(project).trusted


def trust(project: Project, wishes: Sequence[Wish] = ()) -> None:
    """A person looked at it and trusts it, with all that it wishes by then. Raises `ProjectMoved` if another lies there
    now than the one that they looked at."""
    project.check_place()
    file = ProjectFile.of(project)
    registry.change(file, lambda found: replace(found, trusted=True))
    allow(file, wishes)


def made_here(project: Project) -> None:
    """A person made it on this machine, with the base that they named. Where that cannot be kept they are asked
    later."""
    with suppress(KnownError):
        registry.keep(ProjectFile.of(project), Standing(trusted=True, made=True))
        choose_model(project, str(project.setting("model", base_models.EMBEDDED)))
        registry.leave_word(project)


def choose_model(project: Project, text: str) -> None:
    """A person names the base model themself, which they agree to for later, too, wherever links lead from there.
    Raises `KnownError`."""
    wishes = of_model(text, here=True)
    allow(ProjectFile.of(project), [place for wish in wishes for place in wish.seen()])


def hand_on(project: Project, copy: Project) -> None:
    """A person copied the project here: the copy may do what the project may."""
    with suppress(KnownError):
        registry.keep(ProjectFile.of(copy), _standing(project))
        registry.leave_word(copy)


def revoke(project: Project) -> None:
    """Take back whatever was allowed."""
    registry.keep(ProjectFile.of(project), Standing())


def ask_from_now_on(project: Project) -> None:
    """Something comes into it of which nobody knows who made it: what the project names is asked for from now on, but
    for what was allowed. Raises `KnownError` where that cannot be kept."""
    file = ProjectFile.of(project)
    if registry.standing(file) is not None:
        registry.change(file, lambda found: replace(found, trusted=False, made=False))


def is_new(project: Project) -> bool:
    """Was this file never seen here, so that it has to be looked through before it is believed?"""
    return registry.standing(ProjectFile.of(project)) is None


def look_through(folder: Path) -> None:
    """Read all of a project's file, which may take long. Raises `DamagedProject`."""
    if closed.fault(folder / DATABASE) is not None:
        raise backups.damaged(folder)


def arrive(project: Project, *, worker: bool = False, anew: bool = False) -> bool:
    """To be called when a project is opened: the first time, or each time if `anew`, jobs of one that is not trusted
    are put to rest, so that nothing starts by itself. One at which another worker is at work is left alone. A command
    or a worker looks through a file that was never seen here; the window did so beside itself.

    Returns whether any were put to rest. Raises `DamagedProject`.
    """
    file = _known_again(project)
    found = registry.standing(file)
    if found is None and not anew:
        look_through(project.folder)
    settled = found is not None and (found.trusted or not anew)
    stopped = False
    try:
        if not settled and (worker or not lock.held(project.folder)):
            stopped = put_to_rest(project)
            registry.keep(file, found or Standing())
        with project.without_waiting():
            registry.leave_word(project)
    except (sqlite3.OperationalError, KnownError):
        if worker and not settled:
            raise
        # it can be looked at where nothing can be kept, too
    return stopped


def _known_again(project: Project) -> ProjectFile:
    """Which file it is; one that lacks an identity, or whose own cannot be read, gets one if it can be written."""
    file = ProjectFile.of(project)
    if not file.identity:
        with suppress(sqlite3.OperationalError):
            project.set_setting("identity", uuid.uuid4().hex)
            return ProjectFile.of(project)
    return file


def put_to_rest(project: Project) -> bool:
    """Stop what waits or claims to run. Returns whether there was any."""
    if not jobs.any_waiting(project):
        return False
    jobs.put_to_rest(project, AT_REST)
    return True


def lacking(project: Project, wishes: Sequence[Wish]) -> list[Wish]:
    """Those that a person must be asked about, in every project, whose database may have been replaced by another; and
    code again when it changed. What nobody allowed is not looked at. Raises `BadInput` for what was allowed and is not
    there any more."""
    found = _standing(project)
    asked: list[Wish] = []
    for wish in wishes:
        if wish.key in found.allowed:
            asked += [_said(each, found) for each in wish.seen() if found.allowed.get(each.key) != each.digest]
        else:
            asked.append(wish)
    return asked


def _said(wish: Wish, found: Standing) -> Wish:
    before = ", which has changed since you allowed it" if wish.key in found.allowed else ""
    return replace(wish, words=wish.words + before)


def check(project: Project, wishes: Sequence[Wish]) -> None:
    """Raise `AskFirst` for what a person did not agree to, `BadInput` for what they cannot even be asked about."""
    asked = lacking(project, wishes)
    chosen = registry.modules() if asked else frozenset()
    for wish in asked:
        if wish.module and wish.module not in chosen:
            raise BadInput(not_chosen(wish.module))
    if asked:
        raise AskFirst(ProjectFile.of(project), asked)


def not_chosen(module: str) -> str:
    command = f"trust -m {shlex.quote(module)}"
    return f"The module {module!r} is none that you chose for rewards: if it is yours, choose it with `{command}`."


def granted(project: Project, wish: Wish) -> Wish:
    """Code as a person allowed it, with the hash of what they agreed to. Raises as `check` does."""
    check(project, [wish])
    place = wish.seen()[-1]
    return replace(place, digest=_standing(project).allowed[place.key])


def choose(project: Project, wishes: Sequence[Wish]) -> None:
    """A person names these themself: in a project that they made that is the choice, a model and a server of this
    machine are it in one that they trust, and a file anywhere; what else there is must have been allowed, and what is
    sent over the network in every project. Raises as `check` does."""
    found = _standing(project)
    free = {"file"} | ({"model", "server"} if found.trusted else set())
    wanting = [wish for wish in lacking(project, wishes) if wish.kind != "network"]
    typed = [wish for wish in wanting if found.made or wish.kind in free]
    if typed:
        allow(ProjectFile.of(project), [place for wish in typed for place in wish.seen()])
    check(project, wishes)


def _standing(project: Project) -> Standing:
    return registry.standing(ProjectFile.of(project)) or Standing()
