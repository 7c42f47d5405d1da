"""Files in and out. One module per format, found through one list each; nothing is ever half imported.

To add an importer: one module with `NAME`, what its rankings have no place for in `LACKS`, `sniff(head, path)` and
`read(path)`, and its name in `READERS` of `core.data.reading`.
To add an exporter: one module with `NAME` and `write(project, path)`, and its name in `EXPORTERS`.

A reader yields `Row`s (a conversation, or one with answers, ranked or to be) and `Refused`s (a line that cannot be
used, and why); the rest of the file is imported all the same. JSON, tables and Parquet come to a reader as the
same objects, through `core.data.source`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from core import stopping
from core.data import (
    argilla,
    encodings,
    guessing,
    hh,
    kto,
    label_studio,
    llama_factory,
    mapping,
    plumbline,
    tables,
    trl,
    trl_conversational,
)
from core.data.importing import Importer
from core.data.mapping import PARTS, Columns
from core.data.preview import Inspection, Preview, look, question
from core.data.reading import AS_IT_IS, READERS, ReadOptions, Tell, beginning, format_of, read
from core.data.rows import ExportReport, Refused, Report, Row, nothing
from core.errors import BadInput, known
from core.records import Split
from core.store import Project, completions, counting
from core.store.files import beside

__all__ = [
    "AS_IT_IS",
    "EXPORTERS",
    "PARTS",
    "READERS",
    "Columns",
    "ExportReport",
    "Inspection",
    "Preview",
    "ReadOptions",
    "Refused",
    "Report",
    "Row",
    "beginning",
    "export",
    "guess",
    "import_preferences",
    "import_prompts",
    "inspect",
    "keep_mapping",
    "kept_mappings",
    "named_mapping",
    "preview",
    "read",
]

EXPORTERS = {
    module.NAME: module
    for module in (plumbline, tables, trl, trl_conversational, kto, hh, llama_factory, argilla, label_studio)
}

kept_mappings = mapping.kept
keep_mapping = mapping.keep
named_mapping = mapping.named


def preview(path: Path, limit: int = 20, options: ReadOptions = AS_IT_IS, tell: Tell | None = None) -> Preview:
    """What an import would find, with the first `limit` rows. Raises `BadInput` if the file cannot be read at all."""
    name, lacks = stopping.heeding(lambda: tell and tell(0)).run(format_of, path, options)
    return look(name, read(path, tell, options), limit, lacks)


def inspect(path: Path, limit: int = 20, options: ReadOptions = AS_IT_IS, tell: Tell | None = None) -> Inspection:
    """What a person is shown of a file before they say how it is to be read, whatever is wrong with it."""
    found: Preview | None = None
    fault: BadInput | None = None
    try:
        found = preview(path, limit, options, tell)
    except encodings.WrongEncoding as error:
        if error.guess and not options.encoding:
            return replace(inspect(path, limit, replace(options, encoding=error.guess), tell), encoding=error.guess)
        fault = error
    except BadInput as error:
        fault = error
    try:
        rows = beginning(path, options)
    except BadInput:
        rows = []
    return Inspection(options, found, fault, tuple(rows), tuple(guessing.names(rows)), guessing.guess(rows))


def guess(path: Path, options: ReadOptions = AS_IT_IS) -> Columns:
    """Which column of a file of no known shape may be what, by its first rows; for a person to confirm."""
    return guessing.guess(beginning(path, options))


def import_prompts(
    project: Project,
    path: Path,
    *,
    split: Split | None = None,
    tell: Tell | None = None,
    options: ReadOptions = AS_IT_IS,
    held: Literal["ask", "drop"] = "ask",
) -> Report:
    """Add the prompts of a file; those that the project has are counted as known.

    Raises `NothingToDo` if there is not one prompt in it, and `BadInput` where it may hold answers too, unless these
    are to be dropped.
    """
    report, asking = Report("prompts"), dict[str, None]()
    with project.write():
        importer = Importer(project, options.name(path), "", split)
        for row in read(path, tell, options):
            if isinstance(row, Refused):
                report.refused.append(row)
                continue
            asking |= dict.fromkeys((*row.held, *(["answers"] if row.answers else [])))
            new = importer.ask(row)
            report.added, report.known = report.added + new, report.known + (not new)
        importer.finish()
        if not report.added and not report.known:
            said = (
                f"{options.name(path)} holds no prompts: give one prompt a line, or JSON lines with a `prompt` field."
            )
            raise nothing(said, report.refused)
        if asking and held == "ask":
            raise BadInput(question(tuple(asking), "prompts"))
    report.notes = importer.noticed.sentences
    return report


def import_preferences(
    project: Project,
    path: Path,
    labeler: str,
    *,
    split: Split | None = None,
    tell: Tell | None = None,
    options: ReadOptions = AS_IT_IS,
    held: Literal["ask", "drop"] = "ask",
) -> Report:
    """Add every row's prompt and answers, and their order as a ranking by `labeler` unless the file says whose it is.

    It is one transaction. A row that is already there (same prompt, answers, order and labeler) is counted as known.
    Answers that nobody ranked wait in Rank. Raises `BadInput` where a column may say which of them is better, unless
    that is to be dropped.
    """
    report = Report("rankings")
    with project.write():
        importer = Importer(project, options.name(path), labeler, split)
        for row in read(path, tell, options):
            new = row if isinstance(row, Refused) else importer.add(row)
            if isinstance(new, Refused):
                report.refused.append(new)
            elif new:
                report.added += 1
                report.unranked += isinstance(row, Row) and not row.ranked
            else:
                report.known += 1
            if isinstance(row, Row) and row.answers and row.held and held == "ask":
                raise BadInput(question(row.held, "answers"))
        importer.finish()
        if not report.added and not report.known:
            said = f"{options.name(path)} holds no preferences: give rows with `chosen` and `rejected`."
            raise nothing(said, report.refused)
    report.notes = importer.noticed.sentences
    return report


def export(project: Project, path: Path, name: str) -> ExportReport:
    """Write the rankings to `path`, whole or not at all; the report says what the format could not carry. Raises
    `BadInput` where something is there that may lie nowhere else."""
    if name not in EXPORTERS:
        raise BadInput(f"There is no format {name!r}: choose one of {', '.join(EXPORTERS)}.")
    if path.is_file() and completions.were_imported(project, path.name):
        raise BadInput(
            f"{path} has the name of a file that was imported here, which would be lost: choose another name, or "
            "delete it first."
        )
    try:
        with beside.file(path) as made:
            report = EXPORTERS[name].write(project, made)
    except OSError as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    return replace(report, lost=report.lost | _not_ranked(project))


def _not_ranked(project: Project) -> dict[str, int]:
    """The answers that no export of rankings carries."""
    found = {
        "prompts whose answers nobody ranked": counting.not_ranked(project),
        "demonstrations": counting.demonstrations(project),
    }
    return {what: count for what, count in found.items() if count}
