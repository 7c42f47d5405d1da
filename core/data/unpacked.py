"""The bytes of a data file, unpacked: the one door that every reader of text comes through. Here it ends what unpacks
to more than any data set does, and hears whether it is still wanted, whatever is in the file."""

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

from core import stopping
from core.errors import BadInput

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Bytes that a file may unpack to, for each of its own and beside.
RATIO, BESIDE = 1000, 1 << 28
PIECE = 1 << 16


def is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


class _Unpacked(io.RawIOBase):
    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._left = path.stat().st_size * RATIO + BESIDE
        self._file: io.BufferedIOBase = gzip.GzipFile(path) if is_packed(path) else path.open("rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        stopping.heed()
        count = self._file.readinto1(buffer)
        self._left -= count
        if self._left < 0:
            raise BadInput(f"{self._name} unpacks to more than any data set does: choose another file.")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def binary(path: Path) -> io.BufferedReader:
    """The file's bytes, unpacked if it is gzipped. Reading them raises `BadInput` for what no data set is."""
    return io.BufferedReader(_Unpacked(path), PIECE)
