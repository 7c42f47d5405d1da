"""The project that is copied or taken from: by its folder, or one that is open, which a copy in its place is not."""

from pathlib import Path

from core.store import Project, open_project

Source = Path | Project


def folder_of(source: Source) -> Path:
    return source.folder if isinstance(source, Project) else source.expanduser().resolve()


def opened(source: Source) -> Project:
    """Over a connection of its own. Raises `ProjectMoved` where one that is open is no longer in its place."""
    return source.again() if isinstance(source, Project) else open_project(source)
