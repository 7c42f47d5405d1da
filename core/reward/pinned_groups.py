"""The rankings that a run learns from and is tested on, as they were when it began: a file in its folder.

It is one JSON value, a list of both parts, with a line for each group of completions, so that a group is read when it
is asked for: a project may hold more than memory does. Earlier versions wrote all of it in one line.
"""

import json
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, overload

from core.errors import BadInput
from core.jobs.context import MOST_PINNED
from core.preferences.judged_groups import JudgedGroup, Judgement
from core.store.files import plain

PINNED = "rankings.json"
#: Groups of a run.
MOST = 5_000_000
SPLITS = ("train", "heldout")
#: Bytes that are written together.
BUFFER = 1 << 20
#: Bytes of a line: a thousand long answers.
LONGEST = 1 << 26
BEGIN, BETWEEN, END = b"[[\n", b"],[\n", b"]]\n"


Starts = tuple["array[int]", "array[int]"]
"""Where the groups begin that a run learns from, and those that it is tested on."""


class PinnedGroups(Sequence[JudgedGroup]):
    """One part of the file. An earlier version's is in memory, which is what it took then, too."""

    def __init__(self, path: Path, starts: "array[int]", known: Sequence[JudgedGroup] = ()) -> None:
        self.path, self._starts, self._known = path, starts, known

    def __len__(self) -> int:
        return len(self._starts) + len(self._known)

    @overload
    def __getitem__(self, place: int) -> JudgedGroup: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[JudgedGroup]: ...
    def __getitem__(self, place: int | slice) -> JudgedGroup | Sequence[JudgedGroup]:
        """Raises `BadInput` where the file changed meanwhile."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if self._known:
            return self._known[place]
        with plain.opened(self.path) as file:
            file.seek(self._starts[place])
            return self._read(file)

    def __iter__(self) -> Iterator[JudgedGroup]:
        """The file is opened once."""
        if self._known:
            yield from self._known
            return
        with plain.opened(self.path) as file:
            for start in self._starts:
                file.seek(start)
                yield self._read(file)

    def _read(self, file: BufferedReader) -> JudgedGroup:
        return _group(plain.value(_line(file).rstrip(b",\n"), self.path), self.path)

    def __add__(self, other: "PinnedGroups") -> "PinnedGroups":
        """Both parts of one file."""
        return PinnedGroups(self.path, self._starts + other._starts, [*self._known, *other._known])


def write(path: Path, groups: Iterable[tuple[bool, JudgedGroup]]) -> Starts:
    """Each group with whether the run is tested on it. A second file lies beside `path` meanwhile."""
    aside = path.with_name(f"{path.name}.tested")
    starts = array("q"), array("q")
    with open(path, "wb", BUFFER) as learnt, open(aside, "w+b", BUFFER) as tested:
        learnt.write(BEGIN)
        ends = [len(BEGIN), 0]
        for is_tested, group in groups:
            line = _written(group)
            file = tested if is_tested else learnt
            if starts[is_tested]:
                ends[is_tested] += file.write(b",\n")
            starts[is_tested].append(ends[is_tested])
            ends[is_tested] += file.write(line)
        learnt.write(b"\n" + BETWEEN)
        before = learnt.tell()
        tested.seek(0)
        shutil.copyfileobj(tested, learnt, BUFFER)
        learnt.write(b"\n" + END)
    aside.unlink()
    return starts[0], array("q", (before + start for start in starts[1]))


def _written(group: JudgedGroup) -> bytes:
    values = vars(group) | {"judgements": [vars(judgement) for judgement in group.judgements]}
    return json.dumps(values).encode()


def read(path: Path) -> tuple[PinnedGroups, PinnedGroups]:
    """What the run learns from, and what it is tested on. Raises `BadInput` for a file that is damaged."""
    with plain.opened(path) as file:
        if file.readline(len(BEGIN)) != BEGIN:
            return _earlier(path)
        starts, part, place = (array("q"), array("q")), 0, len(BEGIN)
        while (line := _line(file)) not in (END, b""):
            if line == BETWEEN:
                part += 1
            elif line != b"\n":
                starts[min(part, 1)].append(place)
                if len(starts[0]) + len(starts[1]) > MOST:
                    raise BadInput(f"{path} holds more groups than any project: take another copy of it.")
            place += len(line)
    if line != END or part != 1:
        raise BadInput(f"{path} is damaged (it has no end): take another copy of it.")
    return PinnedGroups(path, starts[0]), PinnedGroups(path, starts[1])


def _line(file: BufferedReader) -> bytes:
    line = file.readline(LONGEST)
    if len(line) == LONGEST:
        raise BadInput(f"{file.name} holds a group that is larger than any: take another copy of it.")
    return line


def _earlier(path: Path) -> tuple[PinnedGroups, PinnedGroups]:
    parts = plain.parsed(path, MOST_PINNED)
    if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, list) for part in parts):
        raise BadInput(f"{path} is damaged (it holds something else): take another copy of it.")
    learnt, tested = ([_group(values, path) for values in part] for part in parts)
    return PinnedGroups(path, array("q"), learnt), PinnedGroups(path, array("q"), tested)


def _group(values: dict[str, Any], path: Path) -> JudgedGroup:
    """A judged group from its JSON."""
    try:
        for item in values["judgements"]:
            item["ranks"] = tuple(item["ranks"])
        values["judgements"] = tuple(Judgement(**item) for item in values["judgements"])
        for name in ("completion_ids", "completions"):
            values[name] = tuple(values[name])
        found = JudgedGroup(**values)
    except (TypeError, LookupError) as error:
        raise BadInput(f"{path} is damaged (it holds something else): take another copy of it.") from error
    if not _is_whole(found):
        raise BadInput(f"{path} is damaged (group {str(found.group_id)[:20]} is none): take another copy of it.")
    return found


def _is_whole(group: JudgedGroup) -> bool:
    """Is everything of its kind, and each completion ranked? A run of a stranger's may hold anything."""
    count = len(group.completions)
    return (
        type(group.group_id) is type(group.prompt_id) is int
        and isinstance(group.prompt, str)
        and isinstance(group.messages, str | None)
        and group.split in SPLITS
        and len(group.completion_ids) == count
        and all(type(number) is int for number in group.completion_ids)
        and all(isinstance(text, str) for text in group.completions)
        and all(
            type(each.labeler_id) is type(each.ranking_id) is int
            and isinstance(each.criterion, str)
            and len(each.ranks) == count
            and all(isinstance(rank, (int, float)) for rank in each.ranks)
            for each in group.judgements
        )
    )
