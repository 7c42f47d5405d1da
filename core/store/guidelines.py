"""The labeling instructions. Every save is a new version; a ranking remembers the one it was made under."""

import hashlib
import itertools
import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from core.errors import BadInput
from core.records import Guidelines
from core.resources import resource
from core.store import Changes, Project, now
from core.store.begun import Change, digests

SECTIONS = {"criteria": "Criteria", "ties": "Ties", "flags": "Flags", "examples": "Examples"}
#: A heading that begins a part, by its depth and its first word.
HEADING = re.compile(rf"^(#+)[^\S\n]*({'|'.join(SECTIONS)})\b", re.IGNORECASE | re.MULTILINE)
#: A line of a part that would begin another one in the document, whether or not it is marked as none.
OPENS = re.compile(rf"^\\*#{{1,2}}[^\S\n]*(?:{'|'.join(SECTIONS)}\b|Guidelines[^\S\n]*$)", re.IGNORECASE | re.MULTILINE)
#: Letters of the name of a flag or a criterion.
LONGEST_NAME = 100
#: Items of a list, each within one line, and without a part that could be read in two ways: else a line of blanks would
#: take hours. A name is whatever stands before its colon.
ITEM = r"(?:[-*]|\d+[.)])\s++"
NAME = rf"[^:*]{{1,{LONGEST_NAME}}}+"
FLAG = rf"[-*]\s++\**({NAME})\**\s*:\**(.*)"
BOLD = ITEM + rf"\*\*({NAME}):?\*\*[.:]?(.*)"
PLAIN = ITEM + r"([^\s:*]{1,50}+(?:[^\S\n][^\s:*]{1,50}+)?)[\u00a0\u202f]?:(?!\S)(.*)"
#: Without a shape of their own, and part of how Persian, Hindi or Arabic are spelt.
JOINERS = "\u200b\u200c\u200d\u200e\u200f"
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


def parts(guidelines: Guidelines) -> dict[str, str]:
    """The text of each section."""
    return {part: str(getattr(guidelines, part)) for part in SECTIONS}


def begun_over(guidelines: Guidelines) -> dict[str, str]:
    """What a change of this version is begun over: a digest of each section."""
    return digests(parts(guidelines))


class ChangedSince(BadInput):
    """`sections` would be written over that are others by now than what the change was begun over: see `now`."""

    def __init__(self, now: Guidelines, sections: list[str]) -> None:
        names = " and ".join(SECTIONS[part] for part in sections)
        super().__init__(
            f"{names} changed until version {now.id}, which was saved elsewhere since you began: look at it, then say "
            "what is to stay."
        )
        self.now, self.sections = now, sections


def digest(guidelines: Guidelines) -> str:
    """By this a version is known again, in whichever project and under whichever number."""
    texts = [getattr(guidelines, part) for part in SECTIONS]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def save(project: Project, *, criteria: str, ties: str, flags: str, examples: str) -> Changes:
    """Store a new version, unless nothing differs from the current one."""
    with project.write() as database:
        latest = current(project)
        new = replace(
            latest, criteria=criteria.strip(), ties=ties.strip(), flags=flags.strip(), examples=examples.strip()
        )
        if latest.id and new == latest:
            return project.changed("Edit guidelines", ids=(latest.id,))
        saved = database.insert(
            "insert into guidelines (criteria, ties, flags, examples, created_at)"
            " values (:criteria, :ties, :flags, :examples, :created_at)",
            asdict(replace(new, created_at=now())),
        )
    return project.changed("Edit guidelines", "guidelines", ids=(saved,))


def save_change(project: Project, change: Change) -> Changes:
    """Store a new version; sections that are as they were when the change was begun stay as they are now. Raises
    `ChangedSince` where another would be written over that was saved since."""
    with project.write():
        latest = current(project)
        left = change.over(parts(latest))
        if foreign := left.foreign(parts(latest)):
            raise ChangedSince(latest, foreign)
        return save(project, **left.typed)


def flags(guidelines: Guidelines) -> dict[str, str]:
    """The flags that the text defines: each line `- name: meaning` (the name may be bold)."""
    return {name: meaning for name, meaning in _items(FLAG, guidelines.flags) if meaning}


def of_all_answers(meaning: str) -> bool:
    """Does a flag of this meaning speak of all answers together? Then it is none for a single one."""
    return (
        re.match(r"\s*(?:every|no|none of the|neither|all(?: of)?(?: the)?) answers?\b", meaning, re.IGNORECASE)
        is not None
    )


def criteria(guidelines: Guidelines) -> dict[str, str]:
    """The criteria that the text names, at the head of list items: `1. **Honest.** meaning` or `- honest: meaning`."""
    found = _items(BOLD, guidelines.criteria) or [item for item in _items(PLAIN, guidelines.criteria) if item[1]]
    return {name: meaning for name, meaning in found if name != "overall"}


def _items(pattern: str, text: str) -> list[tuple[str, str]]:
    """Names and meanings of the lines that the pattern fits; a meaning may stand on the line below."""
    lines = [line.strip() for line in text.split("\n")]
    found = []
    for line, below in itertools.zip_longest(lines, lines[1:], fillvalue=""):
        match = re.match(pattern, line)
        if match and (name := _name(match[1])):
            found.append((name, match[2].strip() or ("" if re.match(ITEM, below) else below)))
    return found


def _name(text: str) -> str:
    """As it is kept with rankings: in small letters, with one space for whatever stands between words. Empty for what
    names nothing or has signs that nobody types."""
    name = " ".join(text.split()).rstrip(".।。").lower()
    return name if is_name(name) and any(map(str.isalnum, name)) else ""


def is_name(name: str) -> bool:
    """May it be the name of a flag or a criterion? Joiners and marks of direction are letters in some scripts."""
    return len(name) > 0 and all(sign.isprintable() or sign in JOINERS for sign in name)


def to_markdown(guidelines: Guidelines) -> str:
    """One document. A line of a part that would begin another one has a backslash before it, as Markdown has it."""
    parts = [
        f"## {title}\n\n{OPENS.sub(lambda line: chr(92) + line[0], getattr(guidelines, part))}\n"
        for part, title in SECTIONS.items()
    ]
    return "# Guidelines\n\n" + "\n".join(parts)


def from_markdown(text: str) -> dict[str, str]:
    """The four parts of a Markdown document with the headings Criteria, Ties, Flags and Examples, all of one depth;
    deeper ones belong to the text.

    Text before the first known heading counts as criteria. Raises `BadInput` when there is none at all.
    """
    parts = dict.fromkeys(SECTIONS, "")
    part, depth = "criteria", _depth(text)
    for line in re.split(r"\r?\n", text):
        heading = HEADING.match(line)
        if heading and len(heading[1]) <= depth:
            part = heading[2].lower()
        elif not re.match(r"#\s+Guidelines\s*$", line):
            parts[part] += (line.removeprefix("\\") if OPENS.match(line) else line) + "\n"
    if not any(text.strip() for text in parts.values()):
        raise BadInput("The guidelines are empty: write at least the criteria.")
    return {key: text.strip() for key, text in parts.items()}


def _depth(text: str) -> int:
    """How many # are before the headings of the parts: as many as most different ones have, the fewest of these."""
    found = {(len(marks), name.lower()) for marks, name in HEADING.findall(text)}
    counts = Counter(depth for depth, _ in found)
    return min(counts, key=lambda depth: (-counts[depth], depth), default=1)


def templates() -> dict[str, Path]:
    """The guideline documents that are shipped, by name."""
    return {path.stem: path for path in sorted(resource("guidelines").glob("*.md"))}
