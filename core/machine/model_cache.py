"""The models that were brought to this machine: their size, who uses them, and how to be rid of one. No torch."""

import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import AlteredProject, BadInput, KnownError
from core.jobs import lock
from core.machine import base_models
from core.machine.base_models import ModelSpec
from core.store.files import beside, closed


@dataclass(frozen=True)
class CachedModel:
    """`users` are folders of projects that name it, of the ones that were looked at."""

    folder: Path
    title: str
    bytes: int
    users: tuple[Path, ...]


def listed(projects: Iterable[Path]) -> list[CachedModel]:
    """The models in the cache, largest first. Takes as long as the disk needs to list their files."""
    root = base_models.models_folder()
    named = {project: models_named(project) for project in projects}
    found = []
    for config in [*root.glob("[!.]*/config.json"), *root.glob("gguf/*/config.json")]:
        folder = config.parent
        users = tuple(project for project, specs in named.items() if any(_is_of(spec, folder) for spec in specs))
        found.append(CachedModel(folder, folder.name.replace("--", "/"), base_models.bytes_in(folder), users))
    return sorted(found, key=lambda model: -model.bytes)


def uses(project: Path, folder: Path) -> bool:
    """Does a project name the model that lies in a folder of the cache? The project is only read, whatever its
    version, and what it names elsewhere is not looked at."""
    return any(_is_of(spec, folder) for spec in models_named(project))


def models_named(project: Path) -> list[ModelSpec]:
    """The models that a project names, none of which is looked at."""
    found = []
    with suppress(sqlite3.Error, AlteredProject, ValueError, RecursionError):
        for name in closed.models(project):
            with suppress(KnownError):
                found.append(base_models.parse(name))
    return found


def _is_of(spec: ModelSpec, folder: Path) -> bool:
    """Of a GGUF file the name has to do: which file it is only a look at it tells."""
    if spec.kind == "gguf":
        return folder.parent == base_models.gguf_folder() and folder.name.rpartition("-")[0] == spec.name
    return folder == spec.folder


def delete(folder: Path, projects: Iterable[Path]) -> None:
    """Delete a model; whoever needs it again fetches it again. A worker that waits for work leaves for it.

    Raises `BadInput` while a worker of one of the `projects` is at work with it. May take seconds.
    """
    if not folder.is_relative_to(base_models.models_folder()):
        raise BadInput(f"{folder} is not in the cache: Plumbline did not bring it here.")
    with ExitStack() as guards:
        for project in projects:
            if lock.held(project) and uses(project, folder):
                guard = lock.take_over(project)
                if guard is None:
                    raise BadInput(f"The worker of {project.name} is using {folder.name}: stop its job first.")
                guards.callback(guard.close)
        with beside.scratch(folder.parent) as aside:
            folder.rename(aside / folder.name)  # at once: half a model must not look like one
