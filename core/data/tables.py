"""CSV and TSV with a header: `prompt`, and `chosen` and `rejected` if they are preferences."""

import csv
from collections.abc import Iterator
from pathlib import Path

from core.data.rows import Refused, Row, preference

NAME = "csv"


def sniff(head: str, path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv")


def read(path: Path) -> Iterator[Row | Refused]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        if "prompt" not in (rows.fieldnames or ()):
            yield Refused(1, "the first line names no column `prompt`")
            return
        try:
            for row in rows:
                prompt, chosen, rejected = (row.get(name) or "" for name in ("prompt", "chosen", "rejected"))
                if chosen or rejected:
                    yield preference(rows.line_num, prompt, chosen, rejected)
                elif prompt.strip():
                    yield Row(rows.line_num, prompt.strip())
                else:
                    yield Refused(rows.line_num, "it has no prompt")
        except csv.Error as error:
            yield Refused(rows.line_num, f"the rest of the file is no CSV ({error})")
