"""A project whose file is moved, deleted or replaced while it is open; one restored beside what the old file left."""

import os
import shutil
from contextlib import closing, suppress

import pytest

from core import data
from core.errors import DamagedProject, ProjectMoved
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import DATABASE, labelers, open_project, prompts, rankings
from core.store.undo import History, bulk


def moved(project, tmp_path):
    project.folder.rename(tmp_path / "elsewhere")


def deleted(project, tmp_path):
    shutil.copytree(project.folder, tmp_path / "elsewhere")  # as `mv` does between two disks
    shutil.rmtree(project.folder)


def replaced(project, tmp_path):
    project.database.execute("vacuum into ?", (str(tmp_path / "backup.db"),))
    (tmp_path / "backup.db").replace(project.folder / DATABASE)


@pytest.mark.parametrize(("how", "words"), [
    (moved, "open it where it is now"), (deleted, "open it where it is now"), (replaced, "another plumbline.db"),
])  # fmt: skip
def test_nothing_that_a_person_makes_goes_to_a_file_that_is_not_there(filled, tmp_path, how, words):
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    session.open_next()
    session.editor.set_comment("before")
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    before = session.ordering.tiers
    how(filled, tmp_path)
    for work in (
        lambda: session.editor.change(session.ordering.place_last(session.ordering.shown[1])),
        lambda: session.editor.set_comment("after"),
        session.save,
        lambda: filled.set_setting("name", "another"),
    ):
        with pytest.raises(ProjectMoved, match=words):
            work()
    assert (session.ordering.tiers, session.ordering.comment) == (before, "after")
    assert not rankings.exist(filled)


def test_a_project_that_is_back_in_its_place_is_written_again(filled, tmp_path):
    moved(filled, tmp_path)
    (tmp_path / "elsewhere").rename(filled.folder)
    filled.set_setting("name", "another")
    assert filled.name == "another"


def test_what_a_killed_process_left_beside_a_restored_backup_is_named_and_the_backup_is_kept(filled, tmp_path):
    """SQLite reads plumbline.db-wal with whatever is called plumbline.db then."""
    folder = tmp_path / "killed"
    folder.mkdir()
    many = prompts.add(filled, [Prompt(0, f"{number} " * 100) for number in range(1000)]).ids
    prompts.delete(filled, many[:500])
    filled.database.execute("pragma wal_checkpoint(truncate)")
    backup = folder / "plumbline.before-m999.db"
    filled.database.execute("vacuum into ?", (str(backup),))
    prompts.delete(filled, many[500:])
    for suffix in ("", "-wal"):
        shutil.copy(filled.folder / f"{DATABASE}{suffix}", folder / f"{DATABASE}{suffix}")
    with (folder / DATABASE).open("r+b") as file:
        file.write(bytes((folder / DATABASE).stat().st_size))
    with pytest.raises(DamagedProject, match=r"put plumbline\.db, plumbline\.db-wal .*plumbline\.before-m999\.db"):
        open_project(folder)
    os.replace(backup, folder / DATABASE)
    whole = (folder / DATABASE).read_bytes()
    with pytest.raises(DamagedProject, match=r"plumbline\.db is whole, but plumbline\.db-wal .*put them aside"):
        open_project(folder)
    assert (folder / DATABASE).read_bytes() == whole
    for suffix in ("-wal", "-shm"):
        (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    with closing(open_project(folder)) as restored:
        assert prompts.count(restored) == 506


def test_a_long_step_is_not_taken_back_in_a_copy_that_lies_in_the_project_s_place(filled, tmp_path):
    history, here = History(filled), tmp_path / "here"
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "new", "chosen": "a", "rejected": "b"}\n')
    tables = ("prompts", "rankings", "completion_groups", "labelers")
    with closing(filled.again()) as other:
        history.mark(bulk.record(other, "Import", tables, lambda: data.import_preferences(other, path, "me"))[1])
    shutil.copytree(filled.folder, here)
    filled.folder.rename(tmp_path / "elsewhere")
    here.rename(filled.folder)
    with pytest.raises(ProjectMoved):
        filled.again()
    with suppress(Exception):
        history.undo()
    with closing(open_project(filled.folder)) as copy:
        assert rankings.exist(copy)
