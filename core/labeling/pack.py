"""Labeling packs: one file with prompts, completions and guidelines, to be ranked on a machine without the model.

A pack is a small project of its own (SQLite). It is unpacked into a folder, ranked there like any project, packed
again and merged. Merging never overwrites: a ranking is known by its uid, so merging twice changes nothing; where
a labeler ranked the same prompt in both places, both rankings stay and somebody chooses.
"""

import shutil
import sqlite3
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import BadInput, ProjectError, known
from core.store import DATABASE, Changes, Project, assignments, changed, now, open_project, rankings

SUFFIX = ".plumbpack"
PACK = "pack"


@dataclass
class Merged:
    """What a merge did: rankings added and known already, retractions taken over, conflicts to look at, and a
    sentence for each ranking that could not be taken."""

    added: int = 0
    known: int = 0
    retracted: int = 0
    conflicts: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Conflict:
    """Two rankings of one prompt by one labeler, made in two places."""

    id: int
    group_id: int
    prompt: str
    labeler: str
    ours: int
    theirs: int
    taken: str | None


def pack(project: Project, path: Path, labeler: str) -> int:
    """Write a pack for one labeler to `path`; returns how many prompts wait in it.

    It holds what is assigned to the labeler (everything if nothing is assigned), the calibration set and the
    labeler's own rankings, never those of others. Raises `BadInput` if there is nothing to rank.
    """
    person = rankings.labeler(project, labeler)
    queue = assignments.queue(project, person.id)
    mine = set(queue.waiting) | {
        row["group_id"] for row in project.rows("select group_id from rankings where labeler_id = ?", person.id)
    }
    if not queue.waiting and project.setting(PACK) is None:
        raise BadInput(f"There is nothing for {labeler} to rank: generate completions or assign prompts first.")
    partial = path.with_name(path.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        project.db.conn.execute("vacuum into ?", (str(partial),))
        _reduce(partial, person.id, mine | set(queue.calibration), labeler)
        partial.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(queue.waiting)


def _reduce(path: Path, labeler_id: int, groups: set[int], labeler: str) -> None:
    """Leave in the copy only what this labeler needs."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma foreign_keys = on")
        database.execute("create temp table mine (id integer primary key)")
        database.executemany("insert into mine values (?)", [(item,) for item in groups])
        for statement in (
            f"delete from rankings where labeler_id != {labeler_id} and id not in (select ranking_id from calibration)",
            "delete from completion_groups where id not in (select id from mine)",
            "delete from prompts where id not in (select prompt_id from completion_groups)",
            f"delete from assignments where labeler_id != {labeler_id}",
            f"delete from drafts where labeler_id != {labeler_id}",
            f"delete from labelers where id != {labeler_id} and id not in (select labeler_id from rankings)",
            "delete from conflicts",
            "delete from jobs",
            "delete from sqlite_sequence where name = 'jobs'",
            "delete from settings where key not in ('name', 'uid', 'rank_by_criteria', 'assigned', 'repeat_every')",
            "insert into settings (key, value) values ('model', '\"embedded\"')",
        ):
            database.execute(statement)
        database.execute("insert into settings (key, value) values (?, json_quote(?))", (PACK, labeler))
        database.execute("vacuum")


def unpack(path: Path, folder: Path) -> Path:
    """Make a project of a pack in `folder`. A folder with work of the same pack in it is left as it is."""
    folder = folder.expanduser().resolve()
    if (folder / DATABASE).is_file():
        with closing(open_project(folder)) as there, closing(_read(path)) as packed:
            if there.setting("uid") == packed.setting("uid") and there.setting(PACK) == packed.setting(PACK):
                return folder
        raise BadInput(f"{folder} holds another project: choose a new folder for the pack.")
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty: choose a new folder for the pack.")
    _read(path).close()
    try:
        (folder / "runs").mkdir(parents=True)
        shutil.copyfile(path, folder / DATABASE)
    except OSError as error:
        raise known(error) or error from error
    return folder


def labeler_of(path: Path) -> str:
    """Whose pack it is."""
    with closing(_read(path)) as packed:
        return str(packed.setting(PACK) or "")


def _read(path: Path) -> Project:
    """A pack (or a project's folder) as a project that may be read and closed; the file itself is not touched."""
    source = path / DATABASE if path.is_dir() else path
    if not source.is_file():
        raise BadInput(f"{path} is not a file: choose a labeling pack ({SUFFIX}).")
    folder = Path(tempfile.mkdtemp(prefix="plumbline-pack-"))
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as database:
            database.execute("vacuum into ?", (str(folder / DATABASE),))
        return _Copy(folder)
    except (sqlite3.Error, ProjectError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error


class _Copy(Project):
    """A copy that vanishes when it is closed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, open_project(folder).database)

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


def merge(project: Project, path: Path) -> Merged:
    """Take over the rankings of a pack, in one transaction.

    Raises `BadInput` for a pack of another project. A ranking of a prompt that is not there any more, or that has
    other completions now, is named and left out.
    """
    with closing(_read(path)) as packed:
        if packed.setting("uid") != project.setting("uid"):
            raise BadInput(f"{path.name} was made from another project: open that one to merge it.")
        with project.write():
            return _Merge(project, packed, path.name).run()


class _Merge:
    def __init__(self, project: Project, packed: Project, name: str) -> None:
        self.project, self.packed, self.name = project, packed, name
        self.report = Merged()
        self.ids: dict[int, int] = {}
        rows = project.rows("select id, uid from rankings")
        self.there = {row["uid"]: row["id"] for row in rows}

    def run(self) -> Merged:
        by_group: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        # The author's keys of the calibration set come along to be compared with; they are not the labeler's work.
        for row in self.packed.rows(
            "select r.*, l.name, l.kind, l.detail from rankings r join labelers l on l.id = r.labeler_id"
            " where l.name = (select json_extract(value, '$') from settings where key = ?)"
            " or (select count(*) from settings where key = ?) = 0 order by r.id",
            PACK,
            PACK,
        ):
            by_group[row["group_id"], row["labeler_id"]].append(row)
        for (group_id, _), rows in by_group.items():
            if self._same_group(group_id):
                self._take(group_id, rows)
        return self.report

    def _same_group(self, group_id: int) -> bool:
        sql = (
            "select p.text as prompt, c.id, c.text from completion_groups g join prompts p on p.id = g.prompt_id"
            " join completions c on c.group_id = g.id where g.id = ? order by c.id"
        )
        theirs = self.packed.rows(sql, group_id)
        if self.project.rows(sql, group_id) == theirs:
            return True
        prompt = " ".join(theirs[0]["prompt"].split())[:60]
        self.report.refused.append(f"“{prompt}” is not in this project any more, or has other completions now.")
        return False

    def _take(self, group_id: int, rows: list[dict[str, Any]]) -> None:
        person = rankings.labeler(self.project, rows[0]["name"], kind=rows[0]["kind"], detail=rows[0]["detail"])
        uids = {row["uid"] for row in rows}
        ours = self.project.one(
            "select id, uid from current_rankings where group_id = ? and labeler_id = ?", group_id, person.id
        )
        clash = ours is not None and ours["uid"] not in uids
        current = next((row for row in reversed(rows) if not row["retracted_at"] and not row["repeat_of"]), None)
        for row in rows:
            if row["uid"] in self.there:
                self._known(row)
                continue
            retracted = row["retracted_at"] or (now() if clash and not row["repeat_of"] else None)
            new = self._insert(row, person.id, retracted)
            if clash and ours is not None and current is not None and row["uid"] == current["uid"]:
                self.project.db.conn.execute(
                    "insert into conflicts (ours, theirs, created_at) values (?, ?, ?)", (ours["id"], new, now())
                )
                self.report.conflicts += 1
            elif not row["retracted_at"]:
                self.report.added += 1

    def _known(self, row: dict[str, Any]) -> None:
        mine = self.ids[row["id"]] = self.there[row["uid"]]
        self.report.known += 1
        changes = self.project.db.conn.execute(
            "update rankings set retracted_at = ? where id = ? and retracted_at is null and origin != ''",
            (row["retracted_at"], mine),
        )
        if row["retracted_at"] and changes.rowcount:
            self.report.retracted += 1
            self.project.count_edit("rankings")

    def _insert(self, row: dict[str, Any], labeler_id: int, retracted: str | None) -> int:
        values = {
            "group_id": row["group_id"], "labeler_id": labeler_id, "guidelines_id": self._version(row),
            "flag": row["flag"], "comment": row["comment"], "seconds": row["seconds"], "retracted_at": retracted,
            "created_at": row["created_at"], "uid": row["uid"], "method": row["method"],
            "repeat_of": self.ids.get(row["repeat_of"]), "adjudicates": row["adjudicates"], "origin": self.name,
        }  # fmt: skip
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        cursor = self.project.db.conn.execute(
            f"insert into rankings ({names}) values ({marks})", tuple(values.values())
        )
        new = self.ids[row["id"]] = int(cursor.lastrowid or 0)
        for table, columns in (
            ("ranking_items", "completion_id, rank, flag, position"),
            ("criterion_ranks", "criterion, completion_id, rank"),
        ):
            items = self.packed.db.conn.execute(f"select {columns} from {table} where ranking_id = ?", (row["id"],))
            found = [(new, *item) for item in items]
            marks = ", ".join("?" * (columns.count(",") + 2))
            self.project.db.conn.executemany(f"insert into {table} (ranking_id, {columns}) values ({marks})", found)
        return new

    def _version(self, row: dict[str, Any]) -> int:
        """The same version of the guidelines here; for one that only the pack has, the newest that both have."""
        texts = "criteria, ties, flags, examples"
        theirs = self.packed.rows(
            f"select id, {texts} from guidelines where id <= ? order by id desc", row["guidelines_id"]
        )
        ours = {tuple(found.values())[1:]: found["id"] for found in self.project.rows(
            f"select id, {texts} from guidelines order by id"
        )}  # fmt: skip
        for found in theirs:
            if (version := ours.get(tuple(found.values())[1:])) is not None:
                return int(version)
        raise BadInput("The pack was made under guidelines that this project never had: merge it where it was made.")


def conflicts(project: Project, *, open_only: bool = True) -> list[Conflict]:
    rows = project.rows(
        "select k.id, r.group_id, p.text as prompt, l.name as labeler, k.ours, k.theirs, k.taken from conflicts k"
        " join rankings r on r.id = k.theirs join completion_groups g on g.id = r.group_id"
        " join prompts p on p.id = g.prompt_id join labelers l on l.id = r.labeler_id"
        " where k.taken is null or not ? order by k.id",
        int(open_only),
    )
    return [Conflict(**row) for row in rows]


def resolve(project: Project, conflict_id: int, taken: str) -> Changes:
    """Let one of two conflicting rankings count: `ours` or `theirs`. The other one stays in the file."""
    row = project.one("select * from conflicts where id = ?", conflict_id)
    if row is None or taken not in ("ours", "theirs"):
        raise BadInput(f"There is no conflict {conflict_id} with a side {taken!r}: `conflicts` lists them.")
    keep, leave = (row[taken], row["theirs" if taken == "ours" else "ours"])
    with project.write() as database:
        database.conn.execute("update rankings set retracted_at = ? where id = ?", (now(), leave))
        database.conn.execute("update rankings set retracted_at = null where id = ?", (keep,))
        database.conn.execute("update conflicts set taken = ? where id = ?", (taken, conflict_id))
        project.count_edit("rankings")
    return changed("Resolve conflict", "rankings", "conflicts", ids=(keep,))
