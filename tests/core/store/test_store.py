"""A project folder: made, opened, refused with a sentence, migrated, written by two at once."""

import shutil
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from sqlite_utils import Database

from core import worker
from core.errors import BadInput, KnownError, NothingToDo, ProjectError, known
from core.events import NewCompletion
from core.records import Guidelines, NewRanking, Prompt
from core.store import (
    DATABASE,
    assignments,
    completions,
    create_project,
    guidelines,
    labelers,
    open_project,
    prompts,
    rankings,
)  # fmt: skip
from core.store.connection import columns, connect
from core.store.schema import migrations
from core.store.undo.log import TABLES
from tests.ranked import counting_rankings


def test_a_new_project_opens_again_with_what_was_put_in(tmp_path):
    project = create_project(tmp_path / "new", "Mine", "hub:a/b")
    prompts.add(project, [Prompt(0, "hello")])
    project.close()
    again = open_project(tmp_path / "new")
    assert (again.name, again.setting("model")) == ("Mine", "hub:a/b")
    assert [prompt.text for prompt in prompts.listed(again)] == ["hello"]
    assert again.database.value("pragma journal_mode") == "wal"
    assert again.database.value("pragma foreign_keys") == 1


def test_a_folder_with_something_in_it_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        create_project(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_folders_that_are_no_projects_are_refused(tmp_path):
    with pytest.raises(ProjectError, match="not a Plumbline project"):
        open_project(tmp_path / "nowhere")
    foreign = sqlite3.connect(tmp_path / DATABASE)
    foreign.execute("create table theirs (x)")
    foreign.commit()
    foreign.close()
    with pytest.raises(ProjectError, match="not made by Plumbline"):
        open_project(tmp_path)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / DATABASE).write_bytes(b"this is not a database at all, not at all" * 100)
    with pytest.raises(KnownError, match=r"damaged|cannot be read"):
        open_project(damaged)


def test_a_newer_schema_is_refused_and_left_alone(project):
    folder = project.folder
    Database(project.database.conn)["_sqlite_migrations"].insert(
        {"migration_set": "plumbline", "name": "m999_future", "applied_at": "2099"}
    )
    project.close()
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(ProjectError, match="newer Plumbline"):
        open_project(folder)
    assert (folder / DATABASE).read_bytes() == before


def test_an_older_project_is_backed_up_and_migrated(project, monkeypatch):
    prompts.add(project, [Prompt(0, "keep me")])
    project.close()
    kept = list(migrations._migrations)

    def m002_colour(database):
        database.execute("alter table prompts add column colour text")

    monkeypatch.setattr(migrations, "_migrations", list(kept))
    migrations()(m002_colour)
    again = open_project(project.folder)
    assert again.database.one("select text, colour from prompts") == {"text": "keep me", "colour": None}
    backup = sqlite3.connect(project.folder / "plumbline.before-m002_colour.db")
    assert backup.execute("select text from prompts").fetchone() == ("keep me",)
    again.close()


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A project as the first version left it: two rankings of one prompt, some of it only in the WAL."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", migrations._migrations[:1])
        project = create_project(tmp_path / "older", "Old")
    guidelines.save(project, criteria="Be kind.", ties="", flags="", examples="")
    for statement in (
        "insert into prompts (text, created_at) values ('old prompt', '2025')",
        "insert into completion_groups (prompt_id, created_at) values (1, '2025')",
        "insert into completions (group_id, text) values (1, 'a'), (1, 'b')",
        "insert into labelers (name) values ('ada'), ('bob')",
        "insert into rankings (group_id, labeler_id, guidelines_id, created_at) values (1, 1, 1, '1'), (1, 2, 1, '2')",
        "insert into ranking_items (ranking_id, completion_id, rank) values (1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)",
    ):
        project.database.execute(statement)
    project.close()
    return tmp_path / "older"


def test_a_project_of_the_first_version_is_migrated_after_a_backup_that_opens(older, tmp_path):
    orders = [{1: 1, 2: 2}, {1: 2, 2: 1}]
    with closing(open_project(older)) as project:
        assert [found.ranks for found in counting_rankings(project)] == orders
        assert project.database.value("select count(*) from pairs") == 2
    (backup,) = older.glob("plumbline.before-*")
    assert backup.name == "plumbline.before-m002_labeling.db"
    (tmp_path / "again").mkdir()
    shutil.copyfile(backup, tmp_path / "again" / DATABASE)
    with closing(sqlite3.connect(backup)) as database:
        assert database.execute("select name from _sqlite_migrations").fetchall() == [("m001_first_tables",)]
    with closing(open_project(tmp_path / "again")) as project:
        assert project.name == "Old"
        assert [found.ranks for found in counting_rankings(project)] == orders


def test_no_number_of_what_was_deleted_is_given_again_in_an_older_project_either(older, monkeypatch):
    begun = '{"tiers": [[7]], "flags": [], "comment": "of an answer that was taken back"}'
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", migrations._migrations[:8])
        with closing(open_project(older)) as project:
            project.database.execute("insert into drafts values (1, 1, ?)", (begun,))
            project.set_setting("draft/prompt", {"id": 1, "text": "reworded", "tags": ""})
            tables = [table for table in TABLES if columns(project.database.conn, table)]
            before = {table: project.database.value(f"select count(*) from {table}") for table in tables}
    with closing(open_project(older)) as project:
        assert {table: project.database.value(f"select count(*) from {table}") for table in tables} == before
        assert project.database.rows("pragma foreign_key_check") == []
        assert project.database.value("pragma foreign_keys") == 1
        assert project.setting("draft/prompt/1")["text"] == "reworded"
        assert completions.write(project, 1, 1, "mine").ids == (8,)
        with project.write() as database:
            database.execute("delete from rankings")
        prompts.delete(project, [1])
        (again,) = prompts.add(project, [Prompt(0, "old prompt")]).ids
        group = completions.add_group(project, again, (NewCompletion("c", 0, True, 1),))
        assert (again, group, completions.ids(project, group)) == (2, 2, [9])


def test_no_number_of_a_labeler_who_is_gone_is_given_again_in_an_older_project_either(older, monkeypatch):
    """Number 5 went with an import that was undone, and the prompts are still shared out to it; 7 began an answer."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", migrations._migrations[:9])
        with closing(open_project(older)) as project:
            project.set_setting("assigned", {"labelers": [1, 2, 5], "overlap": 1})
            project.set_setting("draft/answer/7/1/0", "begun by another who is gone")
    with closing(open_project(older)) as project:
        assert [(who.id, who.name) for who in labelers.listed(project)] == [(1, "ada"), (2, "bob")]
        assert project.database.rows("pragma foreign_key_check") == []
        assert labelers.named(project, "eve").id == 8
        assert assignments.plan(project) == ([1, 2], 1)
    assert list(older.glob("plumbline.before-m010*.db"))


def test_two_programs_may_open_an_older_project_at_once(older):
    began, errors = threading.Barrier(6), []

    def open_it() -> None:
        began.wait()
        try:
            with closing(open_project(older)) as project:
                rankings.add(project, NewRanking(1, labelers.named(project, "eve").id, {1: 1, 2: 2}))
        except KnownError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    with closing(open_project(older)) as project:
        assert project.database.value("select count(*) from rankings") == 8
    (backup,) = older.glob("plumbline.before-*")
    with closing(sqlite3.connect(backup)) as database:
        assert database.execute("select count(*) from _sqlite_migrations").fetchone() == (1,)


def test_a_backup_that_was_cut_short_is_made_again(older):
    (older / "plumbline.before-m002_labeling.db").write_bytes(b"half of a backup")
    (older / "plumbline.before-m002_labeling.partial").write_bytes(b"half of another")
    open_project(older).close()
    (backup,) = older.glob("plumbline.before-*")
    with closing(sqlite3.connect(backup)) as database:
        assert database.execute("select count(*) from rankings").fetchone() == (2,)


def test_a_folder_that_is_called_like_a_backup_is_left_alone_and_named_where_it_is_in_the_way(older):
    (older / "plumbline.before-x.partial" / "mine").mkdir(parents=True)
    (older / "plumbline.before-m002_labeling.db").mkdir()
    with pytest.raises(ProjectError, match=r"before-m002_labeling\.db is a folder.*rename it"):
        open_project(older)
    (older / "plumbline.before-m002_labeling.db").rmdir()
    open_project(older).close()
    assert (older / "plumbline.before-x.partial" / "mine").is_dir()


def test_a_writer_waits_for_another_instead_of_failing(project):
    """A deferred transaction that reads first would fail with "database is locked" here."""
    other = connect(project.folder / DATABASE)
    other.conn.execute("begin immediate")
    other.conn.execute("insert into settings values ('a', '1')")

    def release() -> None:
        time.sleep(0.3)
        other.conn.execute("commit")

    # The connection belongs to this thread, so a second process' part is played by time alone.
    done = threading.Event()

    def write() -> None:
        mine = open_project(project.folder)
        with mine.write():
            mine.database.value("select count(*) from settings")
            mine.set_setting("b", 2)
        mine.close()
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    release()
    thread.join(5)
    assert done.is_set()
    assert project.setting("b") == 2
    other.close()


def test_a_failed_operation_leaves_nothing_behind(project):
    with pytest.raises(RuntimeError), project.write():
        prompts.add(project, [Prompt(0, "half")])
        raise RuntimeError
    assert prompts.count(project) == 0


def test_a_part_that_fails_takes_back_itself_alone(filled):
    me = labelers.named(filled, "me")
    rankings.add(filled, NewRanking(2, me.id, dict.fromkeys(completions.ids(filled, 2), 1)))
    with filled.write():
        prompts.add(filled, [Prompt(0, "before")])
        with pytest.raises(BadInput, match="ranked prompt"):
            prompts.delete(filled, [1, 2])
        prompts.add(filled, [Prompt(0, "after")])
    assert [prompt.id for prompt in prompts.listed(filled)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert completions.ids(filled, 1), "the completions of the first would have gone along"


def test_the_whole_fails_with_all_its_parts(filled):
    with pytest.raises(RuntimeError), filled.write():
        prompts.delete(filled, [1])
        with filled.write():
            prompts.delete(filled, [2])
        raise RuntimeError
    assert prompts.count(filled) == 6


def test_prompts_are_unique_and_protected(filled):
    assert prompts.add(filled, [Prompt(0, "question 1?"), Prompt(0, " new "), Prompt(0, "  ")]).ids == (7,)
    with pytest.raises(NothingToDo):
        prompts.add(filled, [Prompt(0, "   ")])
    with pytest.raises(BadInput, match="completions"):
        prompts.edit(filled, 1, text="other")
    prompts.edit(filled, 7, text="newer", split="heldout", tags=("a", "b"))
    found = prompts.get(filled, 7)
    assert (found.text, found.split, found.tags) == ("newer", "heldout", ("a", "b"))
    with pytest.raises(BadInput, match="already"):
        prompts.edit(filled, 7, text="question 2?")
    prompts.delete(filled, [7])
    assert prompts.count(filled) == 6
    assert [prompt.id for prompt in prompts.listed(filled, search="TION 3")] == [3]


def test_the_split_is_even_and_exact(filled):
    prompts.split_heldout(filled, 0.5)
    assert [prompt.split for prompt in prompts.listed(filled)] == ["train", "heldout"] * 3


def test_guidelines_are_versions_and_their_flags_are_found(filled):
    first = guidelines.current(filled)
    assert guidelines.flags(first) == {"unsafe": "harms somebody", "broken": "garbled"}
    same = guidelines.save(filled, criteria="Be kind.", ties="Rarely.", flags=first.flags, examples="None.")
    assert same.ids == (first.id,)
    guidelines.save(filled, criteria="Be honest.", ties="", flags="", examples="")
    assert [item.criteria for item in guidelines.versions(filled)] == ["Be honest.", "Be kind."]
    parts = guidelines.from_markdown(guidelines.to_markdown(first))
    assert parts == {"criteria": "Be kind.", "ties": "Rarely.", "flags": first.flags, "examples": "None."}


@pytest.mark.parametrize(
    "text",
    ["### Flags of a good answer\n\nwarm", "## Flags", "# Guidelines", "\\## Ties\n\\\\# Examples", "#### Ties ##"],
)
def test_headings_within_guidelines_stay_where_they_are(text):
    parts = {
        "criteria": f"Be kind.\n\n{text}\n\n- so",
        "ties": text,
        "flags": text,
        "examples": f"{text}\n\n### Criteria",
    }
    assert guidelines.from_markdown(guidelines.to_markdown(Guidelines(0, **parts))) == parts


@pytest.mark.parametrize("path", guidelines.templates().values(), ids=lambda path: path.stem)
def test_shipped_guidelines_say_everything(path):
    parts = guidelines.from_markdown(path.read_text(encoding="utf-8"))
    assert all(parts.values()), "criteria, tie rule, flags and examples are all there"


def test_system_errors_become_sentences():
    full = known(OSError(28, "No space left on device"))
    assert full is not None
    assert "disk is full" in str(full)
    memory = known(MemoryError())
    assert memory is not None
    assert "memory" in str(memory)
    assert known(ValueError("a bug")) is None


def test_a_persons_work_waits_for_the_disk_and_a_worker_loses_at_most_its_last_moments(empty_project, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(empty_project, folder)
    for opened, level in ((open_project(folder), 2), (worker.opened(folder), 1)):
        assert opened.database.value("pragma synchronous") == level
        opened.close()
