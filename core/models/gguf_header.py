"""Looks at the head of a GGUF file before the libraries do, which read as many entries as it claims to have.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import re
import struct
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ModelError
from core.machine.model_files import MOST_LAYERS, MOST_THINGS

#: More than any published file has. A vocabulary is an array.
MOST_ENTRIES, MOST_TENSORS, MOST_DIMENSIONS = 10_000, 100_000, 4
#: Of all arrays together: the vocabulary's texts, scores and kinds, and its merges.
MOST_ELEMENTS = 2_000_000
MOST_TEXT, MOST_HEAD = 16_000_000, 256_000_000
#: Letters of a token, and the squares of all tokens' together: where a file lists no merges, each way to cut each token
#: is tried, with copies of its parts. Those of published files sum up to some ten millions.
MOST_TOKEN, MOST_CUTTING = 2000, 1_000_000_000
#: Formats of the entries' numbers, by their kinds; 8 is a text and 9 an array.
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
#: Sizes of a model, each of which is a dimension of some tensor or smaller; what a file says of itself is none.
SIZES = re.compile(
    r"(?!general\.|quantize\.|split\.|tokenizer\.)"
    r".*\.(embedding_length|feed_forward_length|vocab_size|key_length|value_length|\w*count\w*)$"
)
LAYERS = re.compile(r"\.block_count$")
#: Each number of a tensor takes a bit at the least: kinds of 1.5 bits and more are known.
NUMBERS_A_BYTE = 8


def check(path: Path) -> int:
    """How many numbers the file's tensors have.

    Raises a `ModelError` that says what in the file cannot be: more than it holds, or sizes that no tensor has.
    """
    try:
        with path.open("rb") as file:
            return _check(path, file)
    except (struct.error, UnicodeDecodeError, OSError, OverflowError) as error:
        raise _refused(path, "it ends too early") from error


def _refused(path: Path, why: str) -> ModelError:
    return ModelError(f"{path.name} cannot be read as a GGUF model ({why}): download it again or choose another.")


def _check(path: Path, file: BinaryIO) -> int:
    if file.read(4) != b"GGUF":
        raise _refused(path, "it is no GGUF file")
    version, tensors, entries = _numbers(file, "<IQQ")
    if version not in (2, 3):
        raise _refused(path, f"its version is {version}")
    if tensors > MOST_TENSORS or entries > MOST_ENTRIES:
        raise _refused(path, f"it claims {tensors} tensors and {entries} entries")
    found: dict[str, int | None] = {}
    left = MOST_ELEMENTS
    for _ in range(entries):
        name, kind = _text(path, file), *_numbers(file, "<I")
        if kind == ARRAY:
            left -= _pass_array(path, file, left)
        else:
            found[name] = _value(path, file, kind)
    shapes = [_shape(path, file) for _ in range(tensors)]
    held = sum(map(prod, shapes))
    if held > NUMBERS_A_BYTE * path.stat().st_size:
        raise _refused(path, "its tensors are larger than it")
    longest = max((max(shape, default=0) for shape in shapes), default=0)
    for name, value in found.items():
        if isinstance(value, int) and SIZES.match(name) and value > _most(name, tensors, longest):
            raise _refused(path, f"it claims {name[:80]} = {value}, which is more than it holds or any model has")
    return held


def _most(name: str, tensors: int, longest: int) -> int:
    if LAYERS.search(name):
        return min(tensors, MOST_LAYERS)
    return min(longest, MOST_THINGS) if "count" in name else longest


def _numbers(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _text(path: Path, file: BinaryIO) -> str:
    (length,) = _numbers(file, "<Q")
    if length > MOST_TEXT or file.tell() > MOST_HEAD:
        raise _refused(path, f"it claims a text of {length} bytes")
    content = file.read(length)
    if len(content) < length:
        raise _refused(path, "it ends too early")
    return content.decode("utf-8", errors="replace")


def _value(path: Path, file: BinaryIO, kind: int) -> int | None:
    """An entry's value where it is a whole number; others are only passed over."""
    if kind == TEXT:
        _text(path, file)
        return None
    if kind not in NUMBERS:
        raise _refused(path, f"it has an entry of the unknown kind {kind}")
    (value,) = _numbers(file, "<" + NUMBERS[kind])
    return value if isinstance(value, int) else None


def _pass_array(path: Path, file: BinaryIO, most: int) -> int:
    """How many elements it has."""
    kind, length = _numbers(file, "<IQ")
    if length > most or kind not in (*NUMBERS, TEXT):
        raise _refused(path, f"it claims an array of {length} entries of the kind {kind}")
    if kind == TEXT:
        cutting = 0
        for _ in range(length):
            letters = len(_text(path, file))
            cutting += letters * letters
            if letters > MOST_TOKEN or cutting > MOST_CUTTING:
                raise _refused(path, f"it has a token of {letters} characters")
    else:
        file.seek(length * struct.calcsize("<" + NUMBERS[kind]), 1)
    return int(length)


def _shape(path: Path, file: BinaryIO) -> tuple[int, ...]:
    _text(path, file)
    (dimensions,) = _numbers(file, "<I")
    if dimensions > MOST_DIMENSIONS:
        raise _refused(path, f"it has a tensor of {dimensions} dimensions")
    shape = _numbers(file, f"<{dimensions}Q")
    _numbers(file, "<IQ")  # the kind of its numbers, and where they lie
    return shape
