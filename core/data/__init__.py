"""Files in and out. One module per format, found through one list each; nothing is ever half imported.

To add an importer: one module with `NAME`, what its rankings have no place for in `LACKS`, `sniff(head, path)` and
`read(path)`, and its name in `READERS`.
To add an exporter: one module with `NAME` and `write(project, path)`, and its name in `EXPORTERS`.

A reader yields `Row`s (a prompt, or a prompt with ranked answers) and `Refused`s (a line that cannot be
used, and why); the rest of the file is imported all the same. JSON, tables and Parquet come to a reader as the
same objects, through `core.data.source`.
"""

import itertools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from core.data import (
    argilla,
    comparisons,
    hh,
    label_studio,
    llama_factory,
    plain,
    plumbline,
    source,
    tables,
    trl,
    trl_conversational,
)
from core.data.importing import Importer
from core.data.preview import Preview, look
from core.data.rows import ExportReport, Refused, Report, Row, checked
from core.errors import BadInput, NothingToDo, known
from core.records import Prompt
from core.store import Project, prompts
from core.store.files import beside

__all__ = [
    "EXPORTERS",
    "READERS",
    "ExportReport",
    "Preview",
    "Refused",
    "Report",
    "Row",
    "export",
    "import_preferences",
    "import_prompts",
    "preview",
    "read",
    "read_prompts",
]

#: Asked in this order; the first that recognises the file reads it.
READERS = (hh, plumbline, label_studio, argilla, llama_factory, comparisons, tables, trl, plain)
EXPORTERS = {
    module.NAME: module
    for module in (plumbline, tables, trl, trl_conversational, hh, llama_factory, argilla, label_studio)
}

T = TypeVar("T")
#: Told how many rows were read so far; what it raises ends the import, of which nothing is left then.
Tell = Callable[[int], object]


def read(path: Path, tell: Tell | None = None) -> Iterator[Row | Refused]:
    """Rows of a file in whichever format it is; `tell` hears of each how many there were. Raises `BadInput` if it
    cannot be read at all."""
    items = _reader(path).read(path)
    for count in itertools.count(1):
        item = _guarded(path, lambda: next(items, None))
        if item is None:
            return
        if tell is not None:
            tell(count)
        yield checked(item) if isinstance(item, Row) else item


def _reader(path: Path) -> Any:
    """The first reader that recognises the file. Raises `BadInput` if it cannot be read."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to import.")
    head = _guarded(path, lambda: source.head(path))
    return next(module for module in READERS if module.sniff(head, path))


def _guarded(path: Path, step: Callable[[], T]) -> T:
    """`step()`, with a sentence for a file that cannot be read."""
    try:
        return step()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: convert it and import it again.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise known(error) or BadInput(
            f"{path} is damaged and cannot be read to its end: nothing of it was imported."
        ) from error


def preview(path: Path, limit: int = 20) -> Preview:
    """What an import would find, with the first `limit` rows. Raises `BadInput` if the file cannot be read at all."""
    reader = _reader(path)
    return look(reader.NAME, read(path), limit, reader.LACKS)


def read_prompts(path: Path, tell: Tell | None = None) -> Report:
    """What an import of prompts would find, without importing it."""
    report = Report("prompts")
    for row in read(path, tell):
        if isinstance(row, Refused):
            report.refused.append(row)
        else:
            report.prompts.append(Prompt(0, row.prompt, row.tags, row.split, path.name))
    return report


def import_prompts(
    project: Project, path: Path, *, split: str | None = None, tell: Tell | None = None
) -> Report:  # fmt: skip
    """Add the prompts of a file; those that the project has are counted as known.

    Raises `NothingToDo` if there is not one prompt in it.
    """
    report = read_prompts(path, tell)
    if not report.prompts:
        raise NothingToDo(f"{path.name} holds no prompts: give one prompt a line, or JSON lines with a `prompt` field.")
    chosen = report.prompts
    if split in ("train", "heldout"):
        chosen = [Prompt(0, item.text, item.tags, split, item.source) for item in chosen]  # type: ignore[arg-type]
    report.added = len(prompts.add(project, chosen).ids)
    report.known = len(report.prompts) - report.added
    return report


def import_preferences(project: Project, path: Path, labeler: str, *, tell: Tell | None = None) -> Report:
    """Add every row's prompt, answers and order, as a ranking by `labeler` unless the file says whose it is.

    It is one transaction. A row that is already there (same prompt, answers and labeler) is counted as known.
    """
    report = Report("rankings")
    with project.write():
        importer = Importer(project, path.name, labeler)
        for row in read(path, tell):
            new = row if isinstance(row, Refused) else importer.add(row)
            if isinstance(new, Refused):
                report.refused.append(new)
            elif new:
                report.added += 1
            else:
                report.known += 1
        if not report.added and not report.known:
            raise NothingToDo(f"{path.name} holds no preferences: give rows with `chosen` and `rejected`.")
    return report


def export(project: Project, path: Path, name: str) -> ExportReport:
    """Write the rankings to `path`, whole or not at all; the report says what the format could not carry."""
    if name not in EXPORTERS:
        raise BadInput(f"There is no format {name!r}: choose one of {', '.join(EXPORTERS)}.")
    try:
        with beside.file(path) as made:
            report = EXPORTERS[name].write(project, made)
    except OSError as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    return report
