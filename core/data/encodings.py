"""In which encoding a file's text is: UTF-8, or UTF-16 and 32 where their marks or their zeros show it. Any other is
guessed at and said, never taken by itself."""

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from core.data.unpacked import binary
from core.errors import BadInput

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
DEFAULT = "utf-8-sig"
#: Bytes that are looked at.
BEGINNING = 4096
PIECE = 1 << 20


def of(path: Path) -> str:
    """The encoding to read the file in."""
    with binary(path) as file:
        begin = file.read(BEGINNING)
    found = next((name for mark, name in MARKS if begin.startswith(mark)), None)
    return found or _by_zeros(begin) or DEFAULT


def _by_zeros(begin: bytes) -> str | None:
    """UTF-16 without a mark: nearly every other byte of a text in Latin letters is 0."""
    half = len(begin) // 2
    for name, high, low in (("utf-16-le", begin[1::2], begin[::2]), ("utf-16-be", begin[::2], begin[1::2])):
        if half > 4 and high.count(0) > 0.7 * half and low.count(0) < 0.1 * half:
            return name
    return None


def guess(path: Path) -> str:
    """What a file that is no UTF-8 may be in; empty where nothing suggests it."""
    with binary(path) as file:
        begin = file.read(PIECE)
    try:
        letters = [letter for letter in begin.decode("cp1252") if ord(letter) > 127]
    except UnicodeDecodeError:
        return ""
    likely = sum(letter.isalpha() or letter in "€‚„…‹‘’“”•–—›¡«»¿°§´·£ " for letter in letters)
    alone = sum(before < 128 for before, byte in pairwise(begin) if byte > 127)
    return "cp1252" if letters and likely > 0.9 * len(letters) and alone > 0.5 * len(letters) else ""


class WrongEncoding(BadInput):
    """The file is no UTF-8. `guess` is what it may be in; empty where nothing suggests it."""

    def __init__(self, path: Path) -> None:
        self.guess = guess(path)
        if self.guess:
            super().__init__(
                f"{path} is not text in UTF-8: it looks like Windows-1252, as Excel writes it. Import it with "
                f"`--encoding {self.guess}`, or save it as UTF-8."
            )
        else:
            super().__init__(
                f"{path} is not text in UTF-8: convert it and import it again, or name its encoding with `--encoding`."
            )


@contextmanager
def recoded(path: Path, encoding: str) -> Iterator[Path]:
    """The file in UTF-8, beside, where its encoding was named; or the file itself. Raises `BadInput`."""
    if not encoding or path.suffix.lower() == ".parquet":
        yield path
        return
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        "".encode(encoding)
    except (LookupError, TypeError, ValueError) as error:
        raise BadInput(f"There is no encoding {encoding!r} of texts: try cp1252, latin-1 or utf-16.") from error
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        target = Path(folder) / path.name.removesuffix(".gz").removesuffix(".GZ")
        with binary(path) as file, target.open("w", encoding="utf-8", errors="surrogatepass", newline="") as out:
            while piece := file.read(PIECE):
                _write(out, decoder, piece, path, encoding)
            _write(out, decoder, b"", path, encoding)
        yield target


def _write(out: TextIO, decoder: codecs.IncrementalDecoder, piece: bytes, path: Path, encoding: str) -> None:
    try:
        text = decoder.decode(piece, not piece)
    except UnicodeError as error:
        raise BadInput(f"{path} is not text in {encoding}: name another encoding.") from error
    out.write(text)
