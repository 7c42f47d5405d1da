"""What a person was given as an archive, before it is believed: its list of files, their sizes, what came out of it."""

import re
import shutil
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.errors import BadInput, KnownError, ProjectError
from core.humanize import readable, size
from core.projects import archive_names
from core.store import DATABASE
from core.store.files import closed
from core.store.files.closed import Fault

SUFFIX = ".plumbline.zip"
#: Bounds of what is taken out of an archive: files, and bytes for each byte of it, beyond the first ones. Adapters
#: hardly get smaller, text to a tenth.
MOST_FILES, MOST_GROWTH, FREE_GROWTH = 50_000, 100, 256 << 20
#: Bytes of an archive's list of files, and of its end, in which zipfile looks for the list.
MOST_DIRECTORY, END = 16 << 20, 1 << 17
#: What the short form says where the long form has the number.
NOT_HERE = 0xFFFFFFFF
#: Bytes that are left free on the disk.
SPARE = 64 << 20
#: The bits of an entry that say that it is encrypted, or patched.
ENCRYPTED = 0x2061


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    """The archive, with everything that zipfile says about a damaged one as a sentence."""
    try:
        if _directory_bytes(path) > MOST_DIRECTORY:
            raise BadInput(f"{path.name} holds more files than any project has: nothing is taken out of it.")
        with ZipFile(path) as packed:
            yield packed
    except (BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError, RuntimeError) as error:
        with path.open("rb") as file:
            begun = file.read(2) == b"PK"
        what = "is damaged or cut short: take another copy of it" if begun else "is not a Plumbline archive"
        raise BadInput(f"{path.name} {what}.") from error


def _directory_bytes(path: Path) -> int:
    """How long the list of files is said to be, at the most: zipfile reads all of it before anybody can look."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END))
        tail = file.read()
    short = [
        struct.unpack_from("<I", tail, found.start() + 12) for found in re.finditer(b"(?=PK\5\6.{18})", tail, re.DOTALL)
    ]
    long = [
        struct.unpack_from("<Q", tail, found.start() + 40) for found in re.finditer(b"(?=PK\6\6.{52})", tail, re.DOTALL)
    ]
    return max((size for (size,) in short + long if size != NOT_HERE), default=0)


def entries(packed: ZipFile, path: Path) -> list[ZipInfo]:
    """The files in an archive, all of which a project may have and none of which would leave its folder."""
    found = packed.infolist()
    if DATABASE not in packed.NameToInfo:
        raise BadInput(f"{path.name} is not a Plumbline archive: choose a file that ends in {SUFFIX}.")
    if len(found) > MOST_FILES:
        raise BadInput(f"{path.name} holds {len(found):,} files, which no project has: nothing is taken out of it.")
    twice = archive_names.clashes([entry.filename for entry in found])
    for entry in found:
        strange = archive_names.fault(entry.filename) or entry.filename in twice
        if strange or not _is_plain(entry):
            name = readable(entry.filename[:80])
            raise BadInput(f"{path.name} holds “{name}”, which no project has: nothing is taken out of it.")
    return [entry for entry in found if not entry.is_dir()]


def _is_plain(entry: ZipInfo) -> bool:
    """A file or a folder, packed as ours are."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    expected = kind in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG)
    return expected and not entry.flag_bits & ENCRYPTED and entry.compress_type in (ZIP_STORED, ZIP_DEFLATED)


def grows(total: int, packed: int) -> bool:
    """Are `total` bytes more than may come out of an archive of `packed` bytes?"""
    return total > MOST_GROWTH * packed + FREE_GROWTH


def bounded(found: list[ZipInfo], path: Path, target: Path) -> int:
    """The bytes that the entries say they have, of which zipfile reads no more. Raises `KnownError` if that is more
    than a project of the archive's size has, or would fill the disk."""
    total, packed = sum(entry.file_size for entry in found), path.stat().st_size
    if grows(total, packed):
        raise BadInput(
            f"{path.name} ({size(packed)}) would become {size(total)}, as no project does: nothing is taken out of it. "
            "If you made it yourself, with an older Plumbline, take it apart with another program."
        )
    there = next(parent for parent in target.parents if parent.exists())
    free = shutil.disk_usage(there).free
    if total + SPARE > free:
        raise KnownError(f"The disk is full: the project needs {size(total + SPARE)} and {size(free)} are free there.")
    return total


def check(database: Path, path: Path) -> None:
    """Is it a whole project that this version can open? Migrations wait until somebody opens it."""
    match closed.fault(database):
        case Fault.FOREIGN:
            raise BadInput(f"{path.name} is not a Plumbline archive: choose a file that ends in {SUFFIX}.")
        case Fault.NEWER:
            raise ProjectError(f"{path.name} was made by a newer Plumbline: update Plumbline to restore it.")
        case Fault.DAMAGED:
            raise BadInput(f"{path.name} is damaged or cut short: take another copy of it.")
