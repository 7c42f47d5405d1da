"""Parquet files as objects, and rows of text written as Parquet."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import BadInput

BATCH = 5000


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row with its number, without times, which Python may not hold.

    Raises `OSError` if the file is no Parquet or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        line, left = 0, path.stat().st_size * 1000 + (1 << 28)
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                kept = [n for n, field in enumerate(batch.schema) if not pyarrow.types.is_temporal(field.type)]
                for value in batch.select(kept).to_pylist():
                    line += 1
                    left -= sum(len(cell) for cell in value.values() if isinstance(cell, str))
                    if left < 0:
                        raise BadInput(f"{path.name} unpacks to more than any data set does: choose another file.")
                    yield line, value
    except UnicodeDecodeError:
        raise
    except (pyarrow.ArrowException, OverflowError, NotImplementedError, ValueError) as error:
        raise OSError(f"{path} is no Parquet file that can be read") from error


def head(path: Path) -> str:
    """The first row as JSON."""
    return next((json.dumps(value, default=str) for _, value in objects(path)), "")


def write(path: Path, rows: Iterable[dict[str, Any]], columns: dict[str, Any]) -> int:
    """Write the rows in batches; `columns` are the Arrow types by name. Returns how many there were."""
    import pyarrow
    from pyarrow import parquet

    schema, written, source = pyarrow.schema(columns), 0, iter(rows)
    with parquet.ParquetWriter(path, schema) as file:
        while batch := list(islice(source, BATCH)):
            file.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
            written += len(batch)
    return written
