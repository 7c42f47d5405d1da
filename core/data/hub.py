"""Data sets on a hub, named `hub:owner/name`: what of one can be read, and that part brought here as plain files.

What came is kept in the data folder and read as any local file is, with the same checks. The oldest goes where the
kept ones become too many.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.data import fields
from core.data.reading import ReadOptions
from core.errors import BadInput, KnownError
from core.humanize import size
from core.machine import base_models, hub
from core.machine.hub import CONVERTED, HubFile, Tell
from core.records import Split
from core.resources import data_folder
from core.store.files import beside

PREFIX = "hub:"
#: `train-00003-of-00012` and `0003` are parts of one thing.
SHARD = re.compile(r"^(?P<name>.*?)[-_.]?\d+([-_]of[-_]\d+)?$")
#: What a hub calls the splits of which it converted the beginning alone.
PARTIAL = "partial-"
#: Bytes that are fetched at once, that are kept, and that stay free on the disk.
MOST, KEPT, SPARE = 5_000_000_000, 10_000_000_000, 1_000_000_000
MOST_FILES = 2000
SHOWN = 20
#: The first is read best.
FORMATS = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
#: JSON files about a data set, which are not in it.
ABOUT = {"dataset_infos.json", "dataset_info.json", "state.json", "config.json", "package.json"}


@dataclass(frozen=True)
class Part:
    """A split of a configuration of the data set `name`. `partial` where the hub converted its beginning alone."""

    name: str
    config: str
    split: str
    revision: str
    files: tuple[HubFile, ...]
    partial: bool = False

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self.files)

    @property
    def source(self) -> str:
        """What its prompts are said to come from."""
        return f"{PREFIX}{self.name} ({self.config}, {self.split})"

    @property
    def use(self) -> Split:
        """Held out is what is called a test, a validation and the like."""
        return fields.split_of({"split": self.split})

    @property
    def note(self) -> str:
        """What is to be known of its size."""
        files = "1 file" if len(self.files) == 1 else f"{len(self.files):,} files"
        return f"{size(self.bytes)}, {files}" + (", its beginning" if self.partial else "")


def name_of(text: str) -> str | None:
    """`owner/name` where a data set on a hub is meant; None for a path. Raises `BadInput` for what names none."""
    if not text.startswith(PREFIX):
        return None
    found = text.removeprefix(PREFIX).strip().strip("/")
    if not base_models.is_hub_id(found):
        raise BadInput(f"{text!r:.120} names no data set of a hub: write it as hub:owner/name.")
    return found


def typed(text: str) -> str:
    """`owner/name` of what a person typed: that, with `hub:` before it, or the address of its page. Raises
    `BadInput`."""
    found = text.strip().removeprefix(PREFIX)
    for hub_address in (hub.address(), hub.PUBLIC):
        if found.startswith(f"{hub_address}/datasets/"):
            found = "/".join(found.removeprefix(f"{hub_address}/datasets/").split("?")[0].split("/")[:2])
    return str(name_of(PREFIX + found))


def parts(name: str, *, token: bool = False, tell: Tell | None = None) -> list[Part]:
    """What there is to choose from, as the hub says now. Raises `KnownError`."""
    revision, files = hub.files(name, token=token, tell=tell)
    found: dict[tuple[str, str, bool, str], list[HubFile]] = {}
    for item in files:
        if (place := _place(item, revision)) is not None:
            found.setdefault(place, []).append(item)
    if not found:
        raise BadInput(f"{name} holds no Parquet, JSON or CSV files, and nothing else of it is read.")
    best: dict[tuple[str, str], Part] = {}
    for place in sorted(found, key=_order):
        config, split, partial, _ = place
        inside = tuple(sorted(found[place], key=lambda item: item.path))
        best.setdefault((config, split), Part(name, config, split, revision, inside, partial))
    return list(best.values())


def _order(place: tuple[str, str, bool, str]) -> tuple[str, str, bool, int]:
    """By names, and of what is there in several formats the whole in the best one first."""
    config, split, partial, suffix = place
    return config, split, partial, FORMATS.index(suffix.removesuffix(".gz"))


def _place(item: HubFile, revision: str) -> tuple[str, str, bool, str] | None:
    """Which configuration and split a file is of, whether of its beginning alone, and the suffix; None if of none."""
    path = PurePosixPath(item.path)
    if revision == CONVERTED:
        if len(path.parts) != 3:
            return None
        split = path.parts[1]
        return path.parts[0], split.removeprefix(PARTIAL), split.startswith(PARTIAL), item.suffix
    if path.name in ABOUT or path.name.startswith("."):
        return None
    stem = path.name[: -len(item.suffix)]
    match = SHARD.fullmatch(stem)
    folder = "/".join(path.parts[:-1])
    name = match["name"] if match else stem
    return folder if folder not in ("", "data") else "default", name or "all", False, item.suffix


def matching(found: list[Part], config: str = "", split: str = "") -> list[Part]:
    """Those of these names; an empty one is any."""
    return [part for part in found if config in ("", part.config) and split in ("", part.split)]


def chosen(found: list[Part], config: str = "", split: str = "") -> Part:
    """The part of these names, or the only one. Raises `BadInput` with what there is."""
    left = matching(found, config, split)
    if len(left) == 1:
        return left[0]
    listed = "\n".join(
        f"  --hub-config {part.config} --hub-split {part.split}  ({part.note})" for part in (left or found)[:SHOWN]
    )
    more = f"\n  … {len(left or found) - SHOWN:,} more" if len(left or found) > SHOWN else ""
    what = "has several parts: say which one" if left else "has no such part: there are"
    raise BadInput(f"{found[0].name} {what}.\n{listed}{more}")


def fetch(part: Part, *, token: bool = False, tell: Tell | None = None) -> tuple[Path, ReadOptions]:
    """Bring the part here, unless it is, and say how to read it: the path of its first file, and the others.

    It is there whole or not at all; what `tell` raises leaves nothing. Raises `KnownError`.
    """
    folder = _folder(part)
    with base_models.writing_data():
        if not _is_whole(folder, part):
            shutil.rmtree(folder, ignore_errors=True)
            _check(part)
            _make_room(part.bytes)
            with beside.folder(folder) as made:
                hub.download(part.name, part.revision, part.files, made, token=token, tell=tell)
        folder.touch()  # so that it is not the oldest
    first, *more = sorted(folder.iterdir())
    return first, ReadOptions(more=tuple(more), source=part.source)


def datasets_folder() -> Path:
    return data_folder() / "datasets"


def _folder(part: Part) -> Path:
    """Another one for other content, even of the same names."""
    known = repr((part.revision, [(item.path, item.size, item.sha256, item.id) for item in part.files]))
    digest = hashlib.sha256(known.encode()).hexdigest()[:16]
    return datasets_folder() / f"{part.name.replace('/', '--')}-{digest}"


def _is_whole(folder: Path, part: Part) -> bool:
    """It came whole; somebody may have deleted of it since."""
    return folder.is_dir() and [path.stat().st_size for path in sorted(folder.iterdir())] == [
        item.size for item in part.files
    ]


def _check(part: Part) -> None:
    """Raise `KnownError` for what is too much, before any of it is fetched."""
    if len(part.files) > MOST_FILES or part.bytes > MOST:
        raise BadInput(
            f"{part.config}, {part.split} of {part.name} is {part.note}, more than the {size(MOST)} in {MOST_FILES:,} "
            "files that are fetched at once: choose a smaller part, or download some of its files and import them."
        )
    place = next(path for path in datasets_folder().absolute().parents if path.is_dir())
    if (free := shutil.disk_usage(place).free) < part.bytes + SPARE:
        raise KnownError(
            f"The disk has {size(free)} left, too little for {size(part.bytes)} and some room: free some space first."
        )


def _make_room(wanted: int) -> None:
    """Delete the data sets that were not read for the longest time, until the new one may be kept too."""
    there = [path for path in datasets_folder().glob("[!.]*") if path.is_dir()]
    held = {path: base_models.bytes_in(path) for path in sorted(there, key=_read_at)}
    for path in _oldest(held, wanted):
        with suppress(OSError), beside.scratch(path.parent) as aside:
            path.rename(aside / path.name)


def _read_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _oldest(held: dict[Path, int], wanted: int) -> Iterable[Path]:
    total = sum(held.values()) + wanted
    for path, count in held.items():
        if total <= KEPT:
            return
        total -= count
        yield path
