"""Parquet files as objects, and rows of text written as Parquet."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core import stopping
from core.errors import BadInput

BATCH = 5000
#: Bytes of a batch, if all its rows are as long as a column may be (one text may stand in every row, and be kept
#: once), and of the rows of it that are unpacked at once.
ROOM, PIECE = 400_000_000, 100_000_000
#: Values of a column, and in all columns of rows that are unpacked at once or of a single one; nested ones too.
LONGEST, MOST = 100_000_000, 1_000_000
COLUMNS = 1000


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row with its number, without times, which Python may not hold; those within lists and objects are numbers.

    Raises `OSError` if the file is no Parquet or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        line, left = 0, path.stat().st_size * 1000 + (1 << 28)
        with parquet.ParquetFile(path) as file:
            _check_names(file.schema_arrow.names, path)
            largest = _largest(file.metadata, path)
            for batch in file.iter_batches(batch_size=min(max(ROOM // largest, 4), BATCH)):
                for piece in _pieces(_timeless(batch), path):
                    stopping.heed()
                    for value in piece.to_pylist():
                        line += 1
                        left -= sum(len(cell) for cell in value.values() if isinstance(cell, str))
                        if left < 0:
                            raise BadInput(f"{path.name} unpacks to more than any data set does: choose another file.")
                        yield line, value
    except UnicodeDecodeError:
        raise
    except (pyarrow.ArrowException, OverflowError, NotImplementedError, ValueError) as error:
        raise OSError(f"{path} is no Parquet file that can be read") from error


def _check_names(names: list[str], path: Path) -> None:
    again = next((name for name, count in Counter(names).items() if count > 1), None)
    if again is not None:
        raise BadInput(f"Two columns of {path.name} are called `{again[:100]}`: give each a name of its own.")


def _timeless(batch: Any) -> Any:
    """Without the columns of times, and with those that hold some within as numbers."""
    import pyarrow

    found = {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if not pyarrow.types.is_temporal(field.type):
            kind = _numbers_for_times(field.type)
            try:
                found[field.name] = column if kind == field.type else column.cast(kind)
            except pyarrow.ArrowNotImplementedError:  # intervals of calendar months
                continue
    return pyarrow.RecordBatch.from_pydict(found)


def _numbers_for_times(kind: Any) -> Any:
    import pyarrow as arrow
    from pyarrow import types

    if types.is_struct(kind):
        return arrow.struct([field.with_type(_numbers_for_times(field.type)) for field in kind])
    if types.is_map(kind):
        return arrow.map_(_numbers_for_times(kind.key_type), _numbers_for_times(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_field.with_type(_numbers_for_times(kind.value_type))
        if types.is_fixed_size_list(kind):
            return arrow.list_(inner, kind.list_size)
        return arrow.large_list(inner) if types.is_large_list(kind) else arrow.list_(inner)
    return (arrow.int32() if kind.bit_width == 32 else arrow.int64()) if types.is_temporal(kind) else kind


def _largest(file: Any, path: Path) -> int:
    """Bytes of the largest part of a column. Raises `BadInput` for a table that nobody means, before it is unpacked."""
    if file.num_columns > COLUMNS:
        raise BadInput(f"{path.name} has {file.num_columns:,} columns, more than {COLUMNS:,}: keep those that matter.")
    groups = map(file.row_group, range(file.num_row_groups))
    parts = [group.column(place) for group in groups for place in range(group.num_columns)]
    if any(part.num_values > LONGEST for part in parts):
        raise BadInput(f"{path.name} unpacks to more than any data set does: choose another file.")
    return max([1, *(part.total_uncompressed_size for part in parts)])


def _pieces(batch: Any, path: Path) -> Iterator[Any]:
    """The rows in as many parts as they need. Raises `BadInput` for one that unpacks to too much by itself."""
    values = sum(map(_values, batch.columns))
    if values <= MOST and (batch.num_rows == 1 or batch.nbytes <= PIECE):
        yield batch
    elif batch.num_rows == 1:
        raise BadInput(f"A row of {path.name} holds more than {MOST:,} values: choose another file.")
    else:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half), path)
        yield from _pieces(batch.slice(half), path)


def _values(array: Any) -> int:
    """How many values there are in an Arrow array, with those in its lists and structures."""
    from pyarrow import types

    if types.is_struct(array.type):
        return len(array) + sum(map(_values, array.flatten()))
    if types.is_map(array.type):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        parts = (array.keys.slice(first, last - first), array.items.slice(first, last - first))
        return len(array) + sum(map(_values, parts))
    if types.is_list(array.type) or types.is_large_list(array.type) or types.is_fixed_size_list(array.type):
        return len(array) + _values(array.flatten())
    return len(array)


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
