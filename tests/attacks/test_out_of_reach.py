"""A look that fails for a moment is not taken for absence: what cannot be read is neither written over nor forgotten.

Checkpoints have theirs in `test_faults.py`. A link that leads to itself stands for a file that the system refuses to
read: nobody refuses root.
"""

from contextlib import contextmanager, suppress

import pytest

from core import cli
from core.errors import BadInput, KnownError
from core.machine import compute_settings
from core.projects import trash, trash_notes
from core.projects.trash_notes import Deleted, State
from core.store import DATABASE
from core.trust import gate, registry
from core.trust.registry import ProjectFile, Standing

ALLOWED = Standing(trusted=True, made=True, allowed={"code of mine": "its hash"})


@contextmanager
def out_of_reach(*files):
    """The files are not lost, and cannot be read."""
    for file in files:
        file.rename(file.with_name(f"{file.name}.away"))
        file.symlink_to(file)
    yield
    for file in files:
        if file.is_symlink():  # else it was written over
            file.with_name(f"{file.name}.away").rename(file)


def decided():
    """The files that say what was decided about projects."""
    return list((registry.base_models.data_folder() / "trust").glob("*.json"))


def test_what_was_decided_about_a_project_outlives_a_moment_in_which_it_cannot_be_read(filled):
    file = ProjectFile.of(filled)
    registry.keep(file, ALLOWED)
    with out_of_reach(*decided()):
        assert not gate.is_trusted(filled)
        with suppress(KnownError):
            gate.arrive(filled, anew=True)
        with pytest.raises(KnownError, match=r"cannot be read.*see to the data folder"):
            gate.trust(filled)
    assert registry.standing(file) == ALLOWED


def test_modules_that_were_chosen_outlive_it(filled, capsys):
    registry.choose_modules(frozenset({"json", "csv"}))
    with out_of_reach(*(path for path in decided() if path.name == "modules.json")):
        assert cli.run(["trust", "-m", "packaging"]) != 0
        assert "cannot be read" in capsys.readouterr().err
    assert registry.modules() == {"json", "csv"}


def test_choices_about_the_machine_outlive_it(filled):
    compute_settings.choose("threads", 3)
    sentence = r"cannot be read.*see to its permissions and its disk"
    with out_of_reach(compute_settings.file()), pytest.raises(BadInput, match=sentence):
        compute_settings.choose("dtype", "float32")
    assert compute_settings.chosen().threads == 3


def test_a_project_that_is_half_in_the_trash_of_a_disk_that_is_away_comes_back_with_the_disk(filled, tmp_path):
    filled.close()
    disk = tmp_path / "disk"
    disk.mkdir()
    folder = filled.folder.rename(disk / "project")
    place = disk / trash.BESIDE / "abc"
    place.mkdir(parents=True)
    (folder / DATABASE).rename(place / DATABASE)
    (folder / "runs").mkdir(exist_ok=True)
    trash_notes.keep(Deleted("abc", "P", str(folder), str(place), "2026", 1, 0o755), State.MOVING)
    disk.rename(tmp_path / "unplugged")
    trash.settle()
    (tmp_path / "unplugged").rename(disk)
    trash.settle()
    assert (folder / DATABASE).is_file()
    assert not place.exists() and trash_notes.listed(State.MOVING) == []
