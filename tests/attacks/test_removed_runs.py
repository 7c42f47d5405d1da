"""A run from the trash comes back into the very project that it was taken out of; what any other names is asked for.

A copy that others changed has the project's `uid`, its identity even, and may have lain in its folder.
"""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from core.cli import run as main
from core.config.jobs import CompareConfig
from core.jobs import queue
from core.projects import trash, trash_notes
from core.runs import wishes
from core.store import DATABASE, open_project
from core.trust import gate
from core.trust.wish import AskFirst
from tests.core.projects.test_removing_runs import made

THEIRS, OWN = "of theirs", "of one's own"


SAY = "update jobs set name = ?, config = json_set(config, '$.gold', ?) where id = ?"


@pytest.fixture
def rewards(tmp_path):
    """Two functions in files, by whose they are; neither was ever allowed."""
    for name in ("kind", "cruel"):
        (tmp_path / f"{name}.py").write_text("def points(prompt, completion):\n    return 1.0\n", encoding="utf-8")
    return {OWN: f"{tmp_path / 'kind.py'}:points", THEIRS: f"{tmp_path / 'cruel.py'}:points"}


@pytest.fixture
def run(filled, rewards):
    """A run of a project that the person made."""
    found = made(filled, "train-policy")
    filled.database.execute(SAY, (OWN, rewards[OWN], found.id))
    assert gate.is_trusted(filled)
    return found


@pytest.fixture
def theirs(filled, run, rewards, tmp_path):
    """The folder of a copy that others changed: its run of the same number names other code."""
    filled.database.conn.execute("pragma wal_checkpoint(truncate)")
    shutil.copytree(filled.folder, tmp_path / "from-others", ignore=shutil.ignore_patterns("worker.*"))
    with closing(open_project(tmp_path / "from-others")) as copy:
        copy.database.execute(SAY, (THEIRS, rewards[THEIRS], run.id))
    return tmp_path / "from-others"


def begun(folder, run):
    """Begin a comparison as the window does, with the reward of the run."""
    with closing(open_project(folder)) as project:
        gate.arrive(project, anew=True)
        wishes.choose(project, CompareConfig(policy_job=run.id, gold=queue.get(project, run.id).config.gold))


def whose(folder):
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return [name for (name,) in database.execute("select name from jobs")]


def as_older_versions_left_it(deleted):
    note = trash_notes.folder() / f"{deleted.id}.json"
    values = json.loads(note.read_text())
    del values["mark"]
    note.write_text(json.dumps(values))
    with closing(sqlite3.connect(f"{deleted.place}/run.db")) as rows:
        rows.execute("drop table project_file")


def test_a_run_of_another_copy_does_not_come_back_here(filled, run, theirs, capsys):
    trash.delete_run(theirs, run.id)
    trash.delete_run(filled.folder, run.id)
    moved = filled.folder.with_name("elsewhere")
    filled.close()
    filled.folder.rename(moved)
    assert main(["put-back-run", str(moved), str(run.id)]) == 0
    assert (whose(moved), whose(theirs)) == ([OWN], [])
    with closing(open_project(moved)) as project:
        gate.arrive(project, anew=True)
        assert gate.is_trusted(project), "it is the person's own still"
    trash.delete_for_good(trash.delete_run(moved, run.id))
    shutil.rmtree(theirs)
    assert main(["put-back-run", str(moved), str(run.id)]) == 2
    assert f"is of another project, in {theirs}." in capsys.readouterr().err
    assert whose(moved) == [] and [each.folder for each in trash.listed()] == [str(theirs)]


def test_nor_where_the_other_copy_lay_unless_nobody_trusts_the_project(filled, run, theirs, capsys):
    trash.delete_run(theirs, run.id)
    trash.delete_for_good(trash.delete_run(filled.folder, run.id))
    shutil.rmtree(theirs)
    filled.close()
    filled.folder.rename(theirs)
    assert main(["put-back-run", str(theirs), str(run.id)]) == 2
    assert f"`trust {theirs} --revoke`" in capsys.readouterr().err and whose(theirs) == []
    assert main(["trust", str(theirs), "--revoke"]) == 0
    assert main(["put-back-run", str(theirs), str(run.id)]) == 0
    assert "what the project names is asked for from now on" in capsys.readouterr().out and whose(theirs) == [THEIRS]
    with pytest.raises(AskFirst, match="cruel"):
        begun(theirs, run)


def test_what_an_older_version_removed_comes_back_by_its_folder_and_is_asked_for(filled, run, theirs, capsys):
    as_older_versions_left_it(trash.delete_run(theirs, run.id))
    trash.delete_for_good(trash.delete_run(filled.folder, run.id))
    filled.close()
    assert main(["put-back-run", str(filled.folder), str(run.id)]) == 2
    shutil.rmtree(theirs)
    filled.folder.rename(theirs)
    assert main(["put-back-run", str(theirs), str(run.id)]) == 0
    assert "what the project names is asked for from now on" in capsys.readouterr().out and whose(theirs) == [THEIRS]
    with pytest.raises(AskFirst, match="cruel"):
        begun(theirs, run)


def test_a_damaged_run_in_the_trash_hinders_no_other(filled, run, theirs):
    trash.delete_run(filled.folder, run.id)
    (trash_notes.folder() / trash.delete_run(theirs, run.id).id / "run.db").write_bytes(b"no database")
    assert main(["put-back-run", str(filled.folder), str(run.id)]) == 0
    assert whose(filled.folder) == [OWN]
