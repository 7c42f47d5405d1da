"""Deleted projects: moved aside and back without a byte changed, never more than what is the project's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import BadInput, KnownError, ProjectError
from core.jobs import lock
from core.machine import base_models
from core.projects import trash
from core.projects.summary import size, summary
from core.store import DATABASE, open_project

ROOT = Path(__file__).resolve().parents[3]


def tree(folder: Path) -> dict[str, object]:
    """Every entry with its content, or where it leads."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def folder(filled, tmp_path):
    """A closed project with a run, a link in it that leads out, and a file of somebody else's."""
    run = filled.folder / "runs" / "1"
    run.mkdir(parents=True)
    (run / "adapter.safetensors").write_bytes(b"x" * 1000)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (run / "link").symlink_to(outside)
    (filled.folder / "worker.log").write_text("log")
    filled.close()
    return filled.folder


def test_undo_puts_everything_back_as_it_was(folder):
    folder.chmod(0o750)
    before = tree(folder)
    deleted = trash.delete(folder)
    assert not folder.exists()
    assert summary(folder) is None
    assert trash.listed() == [deleted]
    assert (deleted.name, deleted.folder) == ("Test project", str(folder))
    assert trash.put_back(deleted) == folder
    assert tree(folder) == before
    assert folder.stat().st_mode & 0o777 == 0o750
    assert trash.listed() == []
    assert list((base_models.data_folder() / "trash").iterdir()) == []
    with pytest.raises(BadInput, match="not in the trash"):
        trash.put_back(deleted)


def test_where_the_way_back_fails_too_the_next_start_goes_it(folder, monkeypatch):
    before = tree(folder)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == "runs" or trash.trash_notes.TRASH in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refused)
        with pytest.raises(KnownError, match="No permission"):
            trash.delete(folder)
    assert tree(folder) != before
    trash.settle()
    (folder / lock.LOCK).unlink()
    assert tree(folder) == before and trash.listed() == []
    assert list((base_models.data_folder() / "trash").iterdir()) == []


def test_what_is_not_the_projects_own_stays(folder, tmp_path):
    (folder / "thesis.txt").write_text("mine")
    (folder / "plumbline.db.bak").write_text("mine, too")
    deleted = trash.delete(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["plumbline.db.bak", "thesis.txt"]
    trash.delete_for_good(deleted)
    assert not Path(deleted.place).exists()
    assert (tmp_path / "outside" / "precious").read_text() == "precious"
    assert sorted(path.name for path in folder.iterdir()) == ["plumbline.db.bak", "thesis.txt"]


def test_a_folder_of_runs_that_is_a_link_is_moved_as_a_link(folder, tmp_path):
    (folder / "runs").rename(tmp_path / "elsewhere")
    (folder / "runs").symlink_to(tmp_path / "elsewhere")
    assert size(folder) < 1_000_000
    trash.delete_for_good(trash.delete(folder))
    assert (tmp_path / "elsewhere" / "1" / "adapter.safetensors").exists()


def test_only_a_project_is_ever_deleted(folder, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / DATABASE).write_text("somebody else's")
    for other in (tmp_path / "photos", tmp_path / "nowhere", tmp_path):
        before = tree(tmp_path)
        with pytest.raises(ProjectError, match="nothing is deleted"):
            trash.delete(other)
        assert tree(tmp_path) == before


def test_a_project_at_work_or_open_elsewhere_is_refused(folder, monkeypatch):
    monkeypatch.setattr(lock, "LEAVING", 0.2)
    monkeypatch.setattr(trash, "CLOSING", 0.2)
    before = tree(folder)
    guard = lock.acquire(folder)
    with pytest.raises(KnownError, match="worker is at work"):
        trash.delete(folder)
    guard.close()
    other = open_project(folder)
    with pytest.raises(KnownError, match="open in another window"):
        trash.delete(folder)
    other.close()
    (folder / lock.LOCK).unlink()
    assert tree(folder) == before
    assert trash.listed() == []


@pytest.mark.thorough
def test_a_worker_that_waits_leaves_for_it(folder):
    command = [sys.executable, str(ROOT / "main.py"), "worker", str(folder), "--idle", "60"]
    worker = subprocess.Popen(command)
    try:
        while not lock.held(folder):
            assert worker.poll() is None
        trash.delete(folder)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
    assert not folder.exists()


def test_what_is_there_now_is_never_written_over(folder, empty_project):
    deleted = trash.delete(folder)
    folder.mkdir()
    (folder / DATABASE).write_bytes((empty_project / DATABASE).read_bytes())
    before = tree(folder)
    with pytest.raises(BadInput, match="holds another"):
        trash.put_back(deleted)
    assert tree(folder) == before
    assert trash.listed() == [deleted]


@pytest.fixture
def two_disks(monkeypatch):
    """Nothing can be moved into the data folder."""
    rename = Path.rename

    def within_one(path: Path, target: Path) -> Path:
        if base_models.data_folder().resolve() in Path(target).parents:
            raise OSError(18, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", within_one)


def test_a_project_on_another_disk_is_kept_beside_itself(folder, two_disks):
    before = tree(folder)
    deleted = trash.delete(folder)
    assert Path(deleted.place).parent == folder.parent / trash.BESIDE
    assert trash.listed() == [deleted]
    trash.put_back(deleted)
    assert tree(folder) == before
    assert not (folder.parent / trash.BESIDE).exists()


def test_a_trash_beside_that_is_a_link_or_somebody_elses_takes_nothing(folder, two_disks, tmp_path, monkeypatch):
    theirs, beside = tmp_path / "theirs", folder.parent / trash.BESIDE
    theirs.mkdir()
    before, mine = tree(folder), os.getuid()
    beside.symlink_to(theirs)
    with pytest.raises(BadInput, match=r"is a link or somebody else's.*Nothing was deleted"):
        trash.delete(folder)
    beside.unlink()
    beside.mkdir()
    with monkeypatch.context() as another:
        another.setattr(os, "getuid", lambda: mine + 1)
        with pytest.raises(BadInput, match="is a link or somebody else's"):
            trash.delete(folder)
    assert before.items() <= tree(folder).items() and [*theirs.iterdir(), *beside.iterdir(), *trash.listed()] == []
    deleted = trash.delete(folder)
    assert trash.listed() == [deleted]
    beside.rename(tmp_path / "away")  # and one that is put in the place of ours is not believed
    (tmp_path / "away").rename(theirs / "away")
    beside.symlink_to(theirs / "away")
    assert trash.listed() == []
    with pytest.raises(BadInput, match="is not in the trash any more"):
        trash.delete_for_good(deleted)
    assert (Path(deleted.place) / DATABASE).is_file()


def test_what_lies_in_the_trash_is_found_when_the_data_folder_has_moved(folder, tmp_path, monkeypatch):
    deleted = trash.delete(folder)
    shutil.move(base_models.data_folder(), tmp_path / "elsewhere")
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "elsewhere"))
    (found,) = trash.listed()
    assert found.id == deleted.id
    assert trash.put_back(found) == folder and summary(folder) is not None


def test_a_project_whose_old_place_cannot_be_made_says_where_it_lies(folder, tmp_path):
    deleted = trash.delete(folder)
    note = base_models.data_folder() / "trash" / f"{deleted.id}.json"
    (tmp_path / "file").write_text("")
    note.write_text(json.dumps(vars(deleted) | {"folder": str(tmp_path / "file" / "p")}))
    (found,) = trash.listed()
    with pytest.raises(BadInput, match=f"lies whole in .*{deleted.id}"):
        trash.put_back(found)
    open_project(Path(found.place)).close()


def test_a_note_that_names_another_place_is_not_believed(folder, tmp_path):
    deleted = trash.delete(folder)
    note = base_models.data_folder() / "trash" / f"{deleted.id}.json"
    note.write_text(json.dumps(vars(deleted) | {"place": str(tmp_path / "outside")}))
    assert trash.listed() == []
    with pytest.raises(BadInput):
        trash.delete_for_good(trash.Deleted(**json.loads(note.read_text())))
    assert (tmp_path / "outside" / "precious").exists()
