"""The labeling instructions. Every save is a new version; a ranking remembers the one it was made under."""

import re
from dataclasses import asdict, replace
from pathlib import Path

from core.errors import BadInput
from core.records import Guidelines
from core.resources import resource
from core.store import Changes, Project, changed, now

SECTIONS = {"criteria": "Criteria", "ties": "Ties", "flags": "Flags", "examples": "Examples"}
EMPTY = Guidelines(0, "", "", "", "")


def current(project: Project) -> Guidelines:
    """The newest version, or an empty one with id 0."""
    return next(iter(versions(project, limit=1)), EMPTY)


def current_id(project: Project) -> int:
    """The newest version's id; an empty version is made where there is none."""
    newest = project.database.value("select max(id) from guidelines")
    return newest or save(project, criteria="", ties="", flags="", examples="").ids[0]


def version(project: Project, guidelines_id: int) -> Guidelines:
    found = project.database.records(Guidelines, "select * from guidelines where id = ?", guidelines_id)
    if not found:
        raise BadInput(f"There is no version {guidelines_id} of the guidelines.")
    return found[0]


def versions(project: Project, *, limit: int = -1) -> list[Guidelines]:
    """All versions, or as many, newest first."""
    return project.database.records(Guidelines, "select * from guidelines order by id desc limit ?", limit)


def save(project: Project, *, criteria: str, ties: str, flags: str, examples: str) -> Changes:
    """Store a new version, unless nothing differs from the current one."""
    with project.write() as database:
        latest = current(project)
        new = replace(
            latest, criteria=criteria.strip(), ties=ties.strip(), flags=flags.strip(), examples=examples.strip()
        )
        if latest.id and new == latest:
            return changed("Edit guidelines", ids=(latest.id,))
        saved = database.insert(
            "insert into guidelines (criteria, ties, flags, examples, created_at)"
            " values (:criteria, :ties, :flags, :examples, :created_at)",
            asdict(replace(new, created_at=now())),
        )
    return changed("Edit guidelines", "guidelines", ids=(saved,))


def flags(guidelines: Guidelines) -> dict[str, str]:
    """The flags that the text defines: each line `- name: meaning` (the name may be bold)."""
    found = re.findall(r"^\s*[-*]\s+\**([\w -]+?)\**\s*:\**\s*(.+)$", guidelines.flags, re.MULTILINE)
    return {name.strip().lower(): meaning.strip() for name, meaning in found}


def criteria(guidelines: Guidelines) -> dict[str, str]:
    """The criteria that the text names, at the head of list items: `1. **Honest.** meaning` or `- honest: meaning`."""
    bold = r"^\s*(?:[-*]|\d+[.)])\s+\*\*([\w -]+?)[.:]?\*\*[.:]?\s*(.*)$"
    plain = r"^\s*(?:[-*]|\d+[.)])\s+([\w-]+(?: [\w-]+)?):\s+(.+)$"
    found = re.findall(bold, guidelines.criteria, re.MULTILINE) or re.findall(plain, guidelines.criteria, re.MULTILINE)
    return {name.strip().lower(): meaning.strip() for name, meaning in found if name.strip().lower() != "overall"}


def to_markdown(guidelines: Guidelines) -> str:
    parts = [f"## {title}\n\n{getattr(guidelines, part)}\n" for part, title in SECTIONS.items()]
    return "# Guidelines\n\n" + "\n".join(parts)


def from_markdown(text: str) -> dict[str, str]:
    """The four parts of a Markdown document with the headings Criteria, Ties, Flags and Examples.

    Text before the first known heading counts as criteria. Raises `BadInput` when there is none at all.
    """
    parts = dict.fromkeys(SECTIONS, "")
    part = "criteria"
    for line in text.splitlines():
        heading = re.match(r"#+\s*(\w+)", line)
        named = [key for key, title in SECTIONS.items() if heading and heading[1].lower() in (key, title.lower())]
        if named:
            part = named[0]
        elif not re.match(r"#\s+Guidelines\s*$", line):
            parts[part] += line + "\n"
    if not any(text.strip() for text in parts.values()):
        raise BadInput("The guidelines are empty: write at least the criteria.")
    return {key: text.strip() for key, text in parts.items()}


def templates() -> dict[str, Path]:
    """The guideline documents that are shipped, by name."""
    return {path.stem: path for path in sorted(resource("guidelines").glob("*.md"))}
