"""Asked before rankings made under older guidelines come back: which those are, and what was changed since."""

import difflib
from collections.abc import Callable

from PySide6.QtWidgets import QMessageBox, QWidget

from core.records import Guidelines
from core.store import Project, assignments, guidelines
from desktop.widgets import message_boxes

MORE = "They come back in their labelers' queues. The earlier rankings count until the new ones are made."


def ask(parent: QWidget, project: Project, then: Callable[[], object]) -> QMessageBox:
    """Call `then` if they are to be ranked again."""
    found, versions = assignments.older_by_version(project), {each.id: each for each in guidelines.versions(project)}
    count, newest = sum(number for _, _, number in found), versions[max(versions)]
    lines = [f"{who}: {number:,} under version {version}" for version, who, number in found]
    heading = f"Rank {count:,} {'prompt' if count == 1 else 'prompts'} again?"
    asked = message_boxes.ask(parent, heading, "\n".join([MORE, "", *lines]), "Rank again", then)
    older = dict.fromkeys(version for version, _, _ in found)
    message_boxes.add_details(
        asked, "\n\n".join(_changed(versions[each], newest) for each in older if each in versions)
    )
    return asked


def _changed(old: Guidelines, new: Guidelines) -> str:
    """The lines that went and came between two versions."""
    before, after = (guidelines.to_markdown(each).splitlines() for each in (old, new))
    names = (f"version {old.id}", f"version {new.id}")
    return "\n".join(difflib.unified_diff(before, after, *names, n=1, lineterm=""))
