"""Files in and out. One module per format, found through one list each; nothing is ever half imported.

To add an importer: one module with `NAME`, `sniff(head, path)` and `read(path)`, and its name in `READERS`.
To add an exporter: one module with `NAME` and `write(project, path)`, and its name in `EXPORTERS`.

A reader yields `Row`s (a prompt, or a prompt with ranked answers) and `Refused`s (a line that cannot be
used, and why); the rest of the file is imported all the same.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

from core.data import hh, plain, plumbline, tables, trl
from core.data.rows import ExportReport, Refused, Report, Row
from core.errors import BadInput, NothingToDo
from core.events import NewCompletion
from core.records import Prompt
from core.store import Project, completions, prompts, rankings

#: Asked in this order; the first that recognises the file reads it.
READERS = (hh, plumbline, trl, tables, plain)
EXPORTERS = {module.NAME: module for module in (plumbline, trl)}


def read(path: Path) -> Iterator[Row | Refused]:
    """Rows of a file in whichever format it is. Raises `BadInput` if it cannot be read at all."""
    head = _head(path)
    reader = next(module for module in READERS if module.sniff(head, path))
    try:
        yield from reader.read(path)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: convert it and import it again.") from error
    except (OSError, EOFError) as error:
        raise BadInput(f"{path} is damaged and cannot be read to its end: nothing of it was imported.") from error


def _head(path: Path) -> str:
    """The beginning of the file as text, unpacked if it is gzipped."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to import.")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(65536).decode("utf-8-sig", errors="ignore")
    except (OSError, EOFError) as error:
        raise BadInput(f"{path} cannot be read: check that it is whole and that you may read it.") from error


def holds_preferences(path: Path) -> bool:
    """Does the first usable row of the file hold ranked answers?"""
    return next((bool(row.answers) for row in read(path) if isinstance(row, Row)), False)


def read_prompts(path: Path) -> Report:
    """What an import of prompts would find, without importing it."""
    report = Report("prompts")
    for row in read(path):
        if isinstance(row, Refused):
            report.refused.append(row)
        else:
            report.prompts.append(Prompt(0, row.prompt, row.tags, row.split, path.name))
    return report


def import_prompts(project: Project, path: Path, *, split: str | None = None) -> Report:
    """Add the prompts of a file; those that the project has are counted as known.

    Raises `NothingToDo` if there is not one prompt in it.
    """
    report = read_prompts(path)
    if not report.prompts:
        raise NothingToDo(f"{path.name} holds no prompts: give one prompt a line, or JSON lines with a `prompt` field.")
    chosen = report.prompts
    if split in ("train", "heldout"):
        chosen = [Prompt(0, item.text, item.tags, split, item.source) for item in chosen]  # type: ignore[arg-type]
    report.added = len(prompts.add(project, chosen).ids)
    report.known = len(report.prompts) - report.added
    return report


def import_preferences(project: Project, path: Path, labeler: str) -> Report:
    """Add every row's prompt, answers and order, as a ranking by `labeler`, in one transaction.

    A row that is already there (same prompt, answers and labeler) is counted as known.
    """
    report = Report("rankings")
    with project.write():
        for row in read(path):
            if isinstance(row, Refused):
                report.refused.append(row)
            elif not row.answers:
                report.refused.append(Refused(row.line, "it has a prompt but no ranked answers"))
            elif _add_ranking(project, row, path.name, labeler):
                report.added += 1
            else:
                report.known += 1
        if not report.added and not report.known:
            raise NothingToDo(f"{path.name} holds no preferences: give rows with `chosen` and `rejected`.")
    return report


def _add_ranking(project: Project, row: Row, source: str, labeler: str) -> bool:
    prompts.add(project, [Prompt(0, row.prompt, row.tags, row.split, source)])
    prompt_id = project.value("select id from prompts where text = ?", row.prompt.strip())
    person = rankings.labeler(project, row.labeler or labeler, kind=row.labeler_kind, detail=row.labeler_detail)
    texts = [answer.text for answer in row.answers]
    group_id = _same_group(project, prompt_id, texts)
    if group_id is not None and project.value(
        "select count(*) from current_rankings where group_id = ? and labeler_id = ?", group_id, person.id
    ):
        return False
    if group_id is None:
        made = tuple(NewCompletion(text, 0, True, 0) for text in texts)
        group_id = completions.add_group(project, prompt_id, made, sampling={"imported": source})
    ids = [item.id for item in completions.group(project, group_id).completions]
    rankings.rank(
        project, group_id, person.id, {item: answer.rank for item, answer in zip(ids, row.answers, strict=True)},
        flag=row.flag, comment=row.comment,
        flags={item: answer.flag for item, answer in zip(ids, row.answers, strict=True) if answer.flag},
    )  # fmt: skip
    return True


def _same_group(project: Project, prompt_id: int, texts: list[str]) -> int | None:
    for row in project.rows("select id from completion_groups where prompt_id = ?", prompt_id):
        if [item.text for item in completions.group(project, row["id"]).completions] == texts:
            return int(row["id"])
    return None


def export(project: Project, path: Path, name: str) -> ExportReport:
    """Write the rankings to `path`, whole or not at all; the report says what the format could not carry."""
    if name not in EXPORTERS:
        raise BadInput(f"There is no format {name!r}: choose one of {', '.join(EXPORTERS)}.")
    partial = path.with_name(path.name + ".partial")
    try:
        report = EXPORTERS[name].write(project, partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return report
