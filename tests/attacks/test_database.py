"""A stranger's database: what our migrations did not make is refused by its name, and nothing hangs over it."""

import gc
import os
import shutil
import sqlite3
import struct
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core import cli
from core.errors import AlteredProject, BadInput, KnownError, ProjectError
from core.jobs import lock
from core.labeling import pack, pack_reading
from core.machine import model_cache
from core.projects import archive
from core.projects.summary import summary
from core.resources import resource
from core.store import DATABASE, create_project, open_project, schema_check
from core.store.connection import connect, opened
from core.store.files import closed, snapshots
from core.store.migrating import is_older
from core.store.runs import run_rows
from core.store.schema import migrations

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n) select 'name' as key, i as value, i from n"
REWRITES = """create trigger spy after insert on jobs begin
    update jobs set config = json_set(config, '$.gold', (select file || '.py:steal' from pragma_database_list))
    where id = new.id; end"""

#: What is done to a file, and what is named then.
FOREIGN = {
    "a trigger that rewrites a job": ([REWRITES], "trigger “spy”"),
    "a trigger of a known name": (["drop trigger jobs_added", REWRITES.replace("spy", "jobs_added")], "“jobs_added”"),
    "a view": (["create view spy as select 1"], "view “spy”"),
    "a virtual table": (["create virtual table spy using fts5 (text)"], "virtual table “spy”"),
    "a table": (["create table spy (text)"], "table “spy”"),
    "an index": (["create index spy on prompts (source)"], "index “spy”"),
    "an index on an expression": (["create index spy on prompts (upper(text))"], "index “spy”"),
    "a computed column": (["alter table prompts add column spy text as (upper(text))"], "table “prompts”"),
    "a column": (["alter table prompts add column spy text"], "table “prompts”"),
    "another view": (["drop view pairs", "create view pairs as select * from prompts"], "view “pairs”"),
    "a view for a table": (["drop table drafts", "create view drafts as select 1"], "view “drafts”"),
    "no trigger": (["drop trigger jobs_changed"], "lacks the trigger “jobs_changed”"),
    "no table": (["drop table conflicts"], "lacks the table “conflicts”"),
    "settings without end": (["drop table settings", f"create view settings as {ENDLESS}"], "view “settings”"),
    "migrations without end": (
        ["drop table _sqlite_migrations",
         f"create view _sqlite_migrations as select 'plumbline' as migration_set, i as name, i as id from ({ENDLESS})"],
        "view “_sqlite_migrations”",
    ),
    "a trigger on the migrations": (
        ["create trigger spy after insert on _sqlite_migrations begin delete from rankings; end"], "trigger “spy”",
    ),
    "an expression over the migrations": (
        ["create index upper on _sqlite_migrations (upper(name))"], "index “upper”",
    ),
    "a computed column of the migrations": (
        ["alter table _sqlite_migrations add column text as (upper(name))"], "table “_sqlite_migrations”",
    ),
    "a migration left out": (["delete from _sqlite_migrations where name = 'm002_labeling'"], "_sqlite_migrations"),
    "a check that was edited": (
        ["pragma writable_schema = on",
         "update sqlite_master set sql = replace(sql, 'length(trim(text)) > 0', 'likely(1)') where name = 'prompts'"],
        "table “prompts”",
    ),
    "a comment": (
        ["pragma writable_schema = on",
         "update sqlite_master set sql = replace(sql, 'strict', '/* */ strict') where name = 'prompts'"],
        "table “prompts”",
    ),
    "a letter that only looks like ours": (
        ["pragma writable_schema = on",
         "update sqlite_master set sql = replace(sql, 'key text', '\u212aey text') where name = 'settings'"],
        "table “settings”",
    ),
}  # fmt: skip


def alter(path, statements):
    """As a stranger would: without any of our defences."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.fixture
def strange(project):
    """A function that does something to the project's file; returns the folder."""
    folder = project.folder
    project.close()

    def make(*statements):
        alter(folder / DATABASE, statements)
        return folder

    return make


@pytest.fixture
def patience():
    """Nothing in the test may take two seconds."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("attack", FOREIGN)
def test_what_the_migrations_did_not_make_is_refused_by_its_name(strange, attack):
    statements, named = FOREIGN[attack]
    folder = strange(*statements)
    with pytest.raises(AlteredProject) as refused:
        open_project(folder)
    assert named in str(refused.value)
    with pytest.raises(AlteredProject) as refused:
        closed.fault(folder / DATABASE)
    assert named in str(refused.value)


@pytest.mark.parametrize("table", ["prompts", "_sqlite_migrations"])
def test_a_schema_that_is_no_text_is_a_sentence(strange, table):
    edit = f"update sqlite_master set sql = replace(sql, 'id', cast(x'ff' as text)) where name = '{table}'"
    folder = strange("pragma writable_schema = on", edit)
    with pytest.raises(ProjectError):
        open_project(folder)
    assert not is_older(folder / DATABASE)
    assert closed.fault(folder / DATABASE) is closed.Fault.DAMAGED


def test_a_trigger_cannot_rewrite_what_a_job_was_told(strange, capsys):
    folder = strange(REWRITES)
    assert cli.run(["train-policy", str(folder)]) == 2
    assert "trigger “spy”" in capsys.readouterr().err
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        assert database.execute("select count(*) from jobs").fetchone() == (0,)


def archived(folder, path):
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(folder / DATABASE, DATABASE)
    return path


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("attack", ["settings without end", "migrations without end"])
def test_a_view_without_end_stops_nobody(strange, tmp_path, capsys, attack):
    folder = strange(*FOREIGN[attack][0])
    assert cli.run(["model", str(folder)]) == 2
    assert FOREIGN[attack][1] in capsys.readouterr().err
    assert cli.run(["restore", str(archived(folder, tmp_path / "a.plumbline.zip")), str(tmp_path / "new")]) == 2
    assert FOREIGN[attack][1] in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert not is_older(folder / DATABASE)
    found = summary(folder)  # of which the window's list of recent projects is made
    assert (found is None) == (attack == "settings without end")
    assert len(model_cache.models_named(folder)) == (attack == "migrations without end")


def test_nothing_is_taken_out_of_an_altered_archive_or_pack(strange, tmp_path):
    folder = strange(REWRITES)
    with pytest.raises(AlteredProject, match="trigger “spy”"):
        archive.restore(archived(folder, tmp_path / "a.plumbline.zip"), tmp_path / "restored")
    with pytest.raises(AlteredProject, match="trigger “spy”"):
        pack.unpack(folder / DATABASE, tmp_path / "unpacked")
    assert not (tmp_path / "restored").exists()
    assert not (tmp_path / "unpacked").exists()


def test_a_pack_whose_rows_break_its_own_rules_is_damaged(filled, tmp_path):
    path = tmp_path / "a.plumbpack"
    pack.pack(filled, path, "ann")
    alter(path, ["pragma ignore_check_constraints = on", "update prompts set split = 'mine'"])
    with pytest.raises(BadInput, match="damaged"):
        pack.unpack(path, tmp_path / "unpacked")


def test_a_schema_whose_pages_lead_in_circles_comes_to_an_end(strange, patience):
    """Seventeen levels of pages with 300 ways to the next one each: a row that says nothing is read 300^17 times."""
    folder = strange("pragma journal_mode = delete")
    path = folder / DATABASE
    size = 4096
    pages = bytearray(path.read_bytes()[:size])
    for number in range(1, 18):
        pages[size * (number - 1) + (100 if number == 1 else 0) :] = interior(
            size, 100 if number == 1 else 0, number + 1
        )
    pages += leaf(size)
    struct.pack_into(">I", pages, 28, len(pages) // size)
    path.write_bytes(pages)
    for look in (open_project, closed.models, lambda folder: closed.fault(folder / DATABASE)):
        with pytest.raises(AlteredProject, match="has no end"):
            look(folder)
    assert summary(folder) is None
    assert not is_older(path)
    assert not closed.is_open_elsewhere(folder)


def interior(size, start, child):
    """A page of a table that leads to nothing but `child`; its header begins at `start`."""
    count = 300
    page = bytearray(size - start)
    first = size - 7 * count
    struct.pack_into(">BHHHBI", page, 0, 5, 0, count, first, 0, child)
    for at in range(count):
        place = first + 7 * at
        struct.pack_into(">H", page, 12 + 2 * at, place)
        struct.pack_into(">IBBB", page, place - start, child, 0x81, 0x80 | (at >> 7), at & 0x7F)
    return page


def leaf(size):
    """A page with one row, which says that there is an index of no table."""
    record = bytes((6, 23, 15, 15, 1, 0)) + b"index" + b"x" + b"x" + bytes((3,))
    cell = bytes((len(record), 1)) + record
    page = bytearray(size)
    struct.pack_into(">BHHHB", page, 0, 13, 0, 1, size - len(cell), 0)
    struct.pack_into(">H", page, 8, size - len(cell))
    page[size - len(cell) :] = cell
    return page


@pytest.mark.parametrize("level", range(1, len(migrations._migrations)))
def test_an_older_project_is_checked_at_its_own_level(tmp_path, monkeypatch, level):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", migrations._migrations[:level])
        create_project(tmp_path / "old", "Old").close()
    shutil.copytree(tmp_path / "old", tmp_path / "altered")
    assert is_older(tmp_path / "old" / DATABASE)
    with closing(open_project(tmp_path / "old")) as project:
        assert project.name == "Old"
    alter(tmp_path / "altered" / DATABASE, ["create trigger spy after insert on settings begin select 1; end"])
    with pytest.raises(AlteredProject, match="trigger “spy”"):
        open_project(tmp_path / "altered")
    assert not list((tmp_path / "altered").glob("plumbline.before-*"))


def test_the_demo_opens(tmp_path):
    shutil.copytree(resource("demo"), tmp_path / "demo")
    open_project(tmp_path / "demo").close()


@pytest.mark.parametrize(
    "statements",
    [
        ["analyze"],
        [
            "alter table _sqlite_migrations rename to old",
            "create table [_sqlite_migrations] (\n [migration_set] text, [name] TEXT, [applied_at] TEXT, [id] integer)",
            "insert into _sqlite_migrations select migration_set, name, applied_at, id from old",
            "drop table old",
        ],
        [
            "pragma writable_schema = on",
            "update sqlite_master set sql = replace(replace(sql, 'CREATE', 'create  '), ', ', ' ,\n')",
        ],
    ],
)
def test_what_other_versions_of_sqlite_and_its_tools_make_is_ours(strange, statements):
    open_project(strange(*statements)).close()


def test_what_a_file_says_of_how_its_rows_are_found_is_forgotten(strange):
    """Statistics that lie make SQLite read a whole table for each row of another: 20,000 prompts take minutes."""
    plan = (
        "explain query plan select * from ranking_items i join rankings r on r.id = i.ranking_id where r.group_id = 1"
    )

    def steps(connection):
        return [row[3] for row in connection.execute(plan)]

    with closing(open_project(strange())) as project:
        honest = steps(project.database.conn)
    lie = "insert into sqlite_stat1 select tbl_name, name, '1000000 1000000 1000000' from sqlite_master"
    wide = "insert into sqlite_stat1 select name, null, '1' from sqlite_master where type = 'table'"
    folder = strange("analyze", "delete from sqlite_stat1", f"{lie} where type = 'index'", wide)
    with closing(opened(folder / DATABASE)) as believing:
        assert steps(believing) != honest
    with closing(open_project(folder)) as project:
        assert steps(project.database.conn) == honest
        assert not project.database.column("select name from sqlite_master where name like 'sqlite_stat%'")


JOB = "insert into jobs (id, kind, name, config, created_at) values ({}, 'score', '', '{{}}', '')"


def test_a_file_that_says_that_all_numbers_were_given_has_room_again(strange):
    """SQLite calls the disk full then, and nothing that a person frees helps."""
    said = "insert into sqlite_sequence values ('jobs', 9223372036854775807), ('rankings', 'x'), ('nothing', 1e18)"
    folder = strange(JOB.format(7), "delete from sqlite_sequence", said)
    for expected in (8, 9):
        with closing(open_project(folder)) as project:
            assert project.database.execute(JOB.format("null")).lastrowid == expected


def test_a_row_of_the_last_number_there_is_is_refused(strange):
    folder = strange(JOB.format(2**63 - 1))
    with pytest.raises(AlteredProject, match="number 9223372036854775807 of “jobs”"):
        open_project(folder)


def test_every_connection_trusts_no_schema(project):
    for connection in (project.database.conn, opened(Path(":memory:")), connect(project.folder / "other.db").conn):
        assert connection.execute("pragma trusted_schema").fetchone() == (0,)
        assert connection.execute("pragma cell_size_check").fetchone() == (1,)
        assert connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) < 1 << 30


def test_rows_of_a_run_that_come_back_are_rows_alone(project, tmp_path):
    project.database.execute("insert into jobs (kind, name, config, created_at) values ('score', '', '{}', '')")
    run_rows.keep(project, 1, tmp_path / "rows.db", "a mark")
    assert run_rows.mark(tmp_path / "rows.db") == "a mark"
    assert run_rows.belong_to(project, tmp_path / "rows.db")
    alter(tmp_path / "rows.db", ["create trigger spy after update on samples begin delete from jobs; end"])
    with pytest.raises(AlteredProject, match="trigger “spy”"):
        run_rows.belong_to(project, tmp_path / "rows.db")


def test_rows_of_a_run_under_a_second_name_are_not_written_to(project, tmp_path):
    run_rows.keep(project, 1, tmp_path / "rows.db")
    os.link(tmp_path / "rows.db", tmp_path / "kept.db")
    with pytest.raises(AlteredProject, match="second name"):
        run_rows.bring_back(project, tmp_path / "rows.db")


def test_a_name_that_is_deep_or_long_is_no_name(strange):
    for value in ("'[' || replace(hex(zeroblob(50000)), '00', '[')", "'\"' || hex(zeroblob(1000000)) || '\"'"):
        folder = strange(f"update settings set value = {value} where key in ('name', 'model')")
        assert summary(folder) is None
        assert len(model_cache.models_named(folder)) <= 1


def test_a_journal_beside_the_database_deletes_no_file_elsewhere(strange, tmp_path):
    """SQLite rolls a journal back at the first look, and deletes the other journal that it names: any file."""
    victim = tmp_path / "thesis.txt"
    victim.write_text("years of work")
    for name, look in ((DATABASE, open_project), ("worker.lock", lock.acquire)):
        folder = strange()
        alter(folder / "worker.lock", ["create table if not exists some (thing)"])
        journal = folder / f"{name}-journal"
        journal.write_bytes(hot_journal(victim, (folder / name).stat().st_size // 4096))
        with pytest.raises(AlteredProject, match=f"delete {journal.name} first"):
            look(folder)
        assert victim.exists()
        journal.unlink()
        look(folder).close()


def hot_journal(other, pages):
    """A journal of nothing, which names another one."""
    name, magic = str(other).encode(), bytes.fromhex("d9d505f920a163d7")
    header = magic + struct.pack(">IIIII", 0, 1, pages, 512, 4096)
    return header.ljust(512, b"\0") + struct.pack(f">I{len(name)}sII", 1, name, len(name), sum(name)) + magic


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_no_link_beside_the_database_is_written_through(strange, tmp_path, suffix):
    folder, victim = strange(), tmp_path / "thesis.txt"
    victim.write_text("years of work")
    (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    (folder / f"{DATABASE}{suffix}").symlink_to(victim)
    with pytest.raises(AlteredProject, match="is a link or no file"):
        open_project(folder)
    assert summary(folder) is None
    assert not is_older(folder / DATABASE)
    assert victim.read_text() == "years of work"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_no_second_name_beside_a_database_is_written_through(strange, tmp_path, suffix):
    """A hard link is a plain file to every look but one, and tar makes them of files that lie where it is unpacked."""
    folder, victim = strange(), tmp_path / "diary.db"
    shutil.copy(folder / DATABASE, victim)
    shutil.copy(folder / DATABASE, folder / "worker.lock")
    alter(folder / "worker.lock", ["pragma journal_mode = wal"])
    for name in (DATABASE, "worker.lock"):
        for ending in ("-wal", "-shm", "-journal"):
            (folder / f"{name}{ending}").unlink(missing_ok=True)
        (folder / f"{name}{suffix}").unlink(missing_ok=True)
        os.link(victim, folder / f"{name}{suffix}")
    kept = victim.read_bytes()
    with pytest.raises(AlteredProject, match="make a copy of the folder"):
        open_project(folder)
    with pytest.raises(KnownError, match=r"second name|is a link"):
        lock.held(folder)
    with pytest.raises(AlteredProject, match="second name"):
        closed.is_open_elsewhere(folder)
    for look in (summary, model_cache.models_named, lambda folder: is_older(folder / DATABASE)):
        look(folder)
    with suppress(KnownError), pack_reading.reading(folder):
        pass
    assert victim.read_bytes() == kept


def test_a_project_with_second_names_is_whole_in_a_copy_of_its_folder(strange, tmp_path):
    """As a snapshot of hard links has them, and as the sentence says."""
    folder = strange()
    os.link(folder / DATABASE, tmp_path / "snapshot.db")
    assert summary(folder) is not None, "it is still listed"
    shutil.copytree(folder, tmp_path / "copied")
    open_project(tmp_path / "copied").close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes that lie in a folder")
@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_pipe_beside_the_database_is_not_waited_for(strange, suffix):
    folder = strange()
    os.mkfifo(folder / f"{DATABASE}{suffix}")
    with pytest.raises(AlteredProject, match="is a link or no file"):
        open_project(folder)
    assert summary(folder) is None


def test_a_project_of_ones_own_is_checked_in_no_time(filled):
    folder = filled.folder
    snapshots.write(filled, folder / "copy.db")
    filled.close()
    schema_check.expected(tuple(migration.name for migration in migrations._migrations))
    gc.collect()  # what thousands of tests before have left takes longer than all of this
    gc.disable()
    try:
        began = time.process_time()
        for _ in range(20):
            open_project(folder).close()
        assert (time.process_time() - began) / 20 < 0.01
    finally:
        gc.enable()
    assert closed.fault(folder / "copy.db") is None
