"""A project's file from outside: what it is called, whether it is whole, copies of it, locks."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from core.store import DATABASE, labelers, open_project
from core.store.connection import statement_for
from core.store.files import closed, lock_file, snapshots
from core.store.files.closed import Fault


def test_a_lock_is_held_once_and_until_it_is_closed(tmp_path):
    held = lock_file.take(tmp_path / "lock")
    assert held is not None and lock_file.take(tmp_path / "lock") is None
    held.close()
    again = lock_file.take(tmp_path / "lock")
    assert again is not None
    again.close()


def test_a_closed_project_says_its_name_and_models_and_nothing_is_left_behind(filled):
    folder = filled.folder
    filled.set_setting("model", "hub:a/b")
    filled.close()
    before = sorted(path.name for path in folder.iterdir())
    assert closed.name(folder) == "Test project"
    assert sorted(path.name for path in folder.iterdir()) == before
    assert closed.models(folder) == ["hub:a/b"]


def test_faults_of_a_file_are_told_apart(filled, tmp_path):
    copy = tmp_path / "copy.db"
    snapshots.write(filled, copy)
    assert closed.fault(copy) is None
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        database.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('plumbline', 'm9', '')"
        )
        assert closed.fault(copy) is Fault.NEWER
        database.execute("pragma application_id = 1")
    assert closed.fault(copy) is Fault.FOREIGN
    copy.write_bytes(copy.read_bytes()[:5000])
    assert closed.fault(copy) in (Fault.DAMAGED, Fault.FOREIGN)
    copy.write_bytes(b"no database at all" * 100)
    assert closed.fault(copy) is Fault.DAMAGED


def test_whoever_has_a_project_open_is_seen(filled):
    assert closed.is_open_elsewhere(filled.folder)
    filled.close()
    assert not closed.is_open_elsewhere(filled.folder)


def test_nothing_is_at_work_in_a_copy(filled, tmp_path):
    for status in ("queued", "running", "paused", "done"):
        filled.database.execute(
            "insert into jobs (kind, name, config, status, created_at) values ('score', '', '{}', ?, '')", (status,)
        )
    snapshots.write(filled, tmp_path / "copy.db")
    snapshots.rest(tmp_path / "copy.db", "Other")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        stood = [status for (status,) in copy.execute("select status from jobs order by id")]
        name = copy.execute("select value from settings where key = 'name'").fetchone()[0]
    assert (stood, json.loads(name)) == (["stopped", "interrupted", "interrupted", "done"], "Other")
    assert filled.name == "Test project"


def test_a_pack_holds_only_what_its_labeler_needs(filled, tmp_path):
    who = labelers.named(filled, "Bo's")
    labelers.named(filled, "Ana")
    shutil.copytree(filled.folder / "runs", tmp_path / "runs")
    snapshots.write(filled, tmp_path / DATABASE)
    snapshots.reduce_to_pack(tmp_path / DATABASE, who.id, who.name, {2, 3})
    with closing(open_project(tmp_path)) as packed:
        assert packed.database.column("select id from completion_groups") == [2, 3]
        assert [person.name for person in labelers.listed(packed)] == ["Bo's"]
        assert (packed.setting("pack"), packed.setting("uid")) == ("Bo's", filled.setting("uid"))


def test_all_that_is_read_together_is_as_of_one_moment(filled):
    with closing(open_project(filled.folder)) as other, filled.reading():
        before = labelers.listed(filled)
        labelers.named(other, "Ana")
        assert labelers.listed(filled) == before
    assert len(labelers.listed(filled)) == len(before) + 1


def test_only_names_of_the_schema_come_into_a_statement(filled):
    connection = filled.database.conn
    assert statement_for("select {number} from {table}", connection, "labelers", "id") == "select id from labelers"
    assert statement_for("{columns}", connection, "labelers") == "id, name, kind, detail"
    for wrong in (("labelers; drop table labelers", "id"), ("nothing", ""), ("labelers", "id, name")):
        with pytest.raises(ValueError, match="no table"):
            statement_for("delete from {table}", connection, *wrong)
