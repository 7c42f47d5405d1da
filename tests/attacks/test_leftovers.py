"""What is written in steps, killed at any of them: the next start finishes it or takes it back, and all is clean."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from core import cli, data, demo
from core.config.jobs import JobKind, config_values
from core.config.training import TrainRewardConfig
from core.data import hub as data_hub
from core.errors import BadInput
from core.events import Checkpoint, Metrics
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import html_pack
from core.labeling import pack as packs
from core.machine import compute_settings
from core.projects import archive, leftovers, trash, trash_notes
from core.records import NewRanking
from core.report import experiment, page
from core.resources import data_folder
from core.runs import metrics_export
from core.store import DATABASE, Project, completions, create_project, guidelines, labelers, open_project, rankings
from core.store.files import beside, lock_file
from core.store.undo import waiting_rows
from core.store.undo.bulk import record, replay
from tests.attacks import kills
from tests.jobs import set_job
from tests.loopback_hub import Hub, pairs
from tests.older import TO_M004

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, which this system cannot")

#: What SQLite and the locks keep as long as somebody has a file open, and make anew.
EMPTY = re.compile(r".*(-wal|-shm|-journal|/worker\.lock|/worker\.leave|\.lock)")

ID = re.compile("[0-9a-f]{32}")


@dataclass
class Place:
    """A folder of the test's own: a closed project in it, temporary files, and where things are written to."""

    work: Path
    hub: Hub

    @property
    def project(self) -> Path:
        return self.work / "project"

    @property
    def out(self) -> Path:
        return self.work / "out"

    def on_project(self, what: Callable[[Project], object]) -> None:
        with closing(open_project(self.project, synchronous="OFF")) as project:
            what(project)

    def state(self) -> tuple[set[str], dict[str, dict[str, int]], list[str]]:
        """All files, how many rows each project has in each table, and what the trash shows."""
        trusted = str(data_folder() / "trust")  # who was killed before it was kept there is asked once
        names = [name for name in kills.tree(self.work) if not EMPTY.fullmatch(name) and not name.startswith(trusted)]
        rows = {ID.sub("ID", name): counts(Path(name)) for name in names if name.endswith(DATABASE)}
        return {ID.sub("ID", name) for name in names}, rows, sorted(deleted.name for deleted in trash.listed())


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        found = {table: database.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}
        if "settings" in found:  # the last opening, and which archives were begun, are no part of what was begun
            beside = "select count(*) from settings where key in ('visit', 'archives')"
            found["settings"] -= database.execute(beside).fetchone()[0]
        return found


@pytest.fixture
def place(filled, tmp_path, monkeypatch, hub):
    """With a run that has a checkpoint, a ranking, and nobody who has it open."""
    who = labelers.named(filled, "Ana")
    rankings.add(filled, NewRanking(1, who.id, dict.fromkeys(completions.ids(filled, 1), 1)))
    run = queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    recorder = Recorder(filled, run.id)
    recorder.record(Metrics(1, {"loss": 0.5}))
    recorder.record(Checkpoint(1, lambda folder: (folder / "weights").write_bytes(b"x" * 1000)))
    set_job(filled, run.id, status="done")
    filled.close()
    work = tmp_path / "work"
    for name in ("tmp", "out", "data/trash"):
        (work / name).mkdir(parents=True)
    shutil.move(filled.folder, work / "project")
    monkeypatch.setattr(tempfile, "tempdir", str(work / "tmp"))
    monkeypatch.setenv("PLUMBLINE_DATA", str(work / "data"))
    return Place(work, hub)


def new(place: Place) -> kills.Operation:
    written = {"criteria": "Be kind.", "ties": "", "flags": "", "examples": ""}
    fill = lambda project: guidelines.save(project, **written)  # noqa: E731
    return lambda: create_project(place.out / "deep" / "new", "New", fill=fill).close()


def unpack(place: Place) -> kills.Operation:
    place.on_project(lambda project: packs.pack(project, place.work / "bo.plumbpack", "Bo"))
    return lambda: packs.unpack(place.work / "bo.plumbpack", place.out / "bo")


def pack(place: Place) -> kills.Operation:
    place.on_project(lambda project: labelers.named(project, "Bo"))
    return lambda: place.on_project(lambda project: packs.pack(project, place.out / "bo.plumbpack", "Bo"))


def write_page(place: Place) -> kills.Operation:
    place.on_project(lambda project: labelers.named(project, "Bo"))
    return lambda: place.on_project(lambda project: html_pack.write(project, place.out / "bo.html", "Bo"))


def merge(place: Place) -> kills.Operation:
    packs.unpack(pack_of(place), place.work / "bo")
    with closing(open_project(place.work / "bo")) as bo:
        rankings.add(bo, NewRanking(2, labelers.named(bo, "Bo").id, dict.fromkeys(completions.ids(bo, 2), 1)))
        packs.pack(bo, pack_of(place), "Bo")
    return lambda: place.on_project(lambda project: packs.merge(project, pack_of(place)))


def pack_of(place: Place) -> Path:
    path = place.work / "bo.plumbpack"
    if not path.exists():
        place.on_project(lambda project: packs.pack(project, path, "Bo"))
    return path


def install_demo(place: Place) -> kills.Operation:
    return lambda: demo.install(place.out / "demo")


def write_archive(place: Place) -> kills.Operation:
    return lambda: archive.archive(place.project, place.out / "mine.plumbline.zip")


def restore(place: Place) -> kills.Operation:
    archive.archive(place.project, place.work / "mine.plumbline.zip")
    return lambda: archive.restore(place.work / "mine.plumbline.zip", place.out / "deep" / "back")


def duplicate(place: Place) -> kills.Operation:
    return lambda: archive.duplicate(place.project, place.out / "copy")


def export(place: Place) -> kills.Operation:
    return lambda: place.on_project(lambda project: data.export(project, place.out / "x.jsonl", "plumbline"))


def report(place: Place) -> kills.Operation:
    return lambda: place.on_project(lambda project: page.write(experiment.gather(project), place.out / "x.html"))


def metrics(place: Place) -> kills.Operation:
    return lambda: place.on_project(lambda project: metrics_export.write_csv(project, 1, place.out / "run.csv"))


def settings(place: Place) -> kills.Operation:
    return lambda: compute_settings.choose("threads", 3)


def import_rankings(place: Place) -> kills.Operation:
    (place.work / "in.jsonl").write_text('{"prompt": "new?", "chosen": "yes", "rejected": "no"}\n' * 3)
    return lambda: place.on_project(lambda project: data.import_preferences(project, place.work / "in.jsonl", "Cy"))


def fetch_from_hub(place: Place) -> kills.Operation:
    """In two files; the process that asks the hub ends a moment after whoever is killed."""
    for number in range(2):
        place.hub.put("ana/set", f"default/train/{number}.parquet", pairs(f"{number}?"))
    part = data_hub.chosen(data_hub.parts("ana/set"))
    return lambda: data_hub.fetch(part)


def undo(place: Place) -> kills.Operation:
    """Take back an import, whose rows then wait in a file."""
    (place.work / "in.jsonl").write_text('{"prompt": "new?", "chosen": "yes", "rejected": "no"}\n')
    found = []

    def fill(project: Project) -> None:
        work = lambda: data.import_preferences(project, place.work / "in.jsonl", "Cy")  # noqa: E731
        found.append(record(project, "Import", ("rankings",), work)[1].bulk)

    place.on_project(fill)

    def take_back() -> None:
        with tempfile.TemporaryDirectory(dir=place.work.parent) as folder, closing(open_project(place.project)) as mine:
            replay(mine, found[0], ("rankings",), Path(folder) / "1.db")

    return take_back


def migrate(place: Place) -> kills.Operation:
    with closing(sqlite3.connect(place.project / DATABASE)) as old:
        old.executescript(TO_M004)
    return lambda: open_project(place.project).close()


def remove_run(place: Place) -> kills.Operation:
    return lambda: trash.delete_run(place.project, 1)


def put_back_run(place: Place) -> kills.Operation:
    trash.delete_run(place.project, 1)
    return lambda: trash.put_back(trash.listed()[0])


def delete(place: Place) -> kills.Operation:
    return lambda: trash.delete(place.project)


def put_back(place: Place) -> kills.Operation:
    trash.delete(place.project)
    return lambda: trash.put_back(trash.listed()[0])


def delete_for_good(place: Place) -> kills.Operation:
    trash.delete(place.project)
    return lambda: trash.delete_for_good(trash.listed()[0])


CASES = (
    new, unpack, pack, write_page, merge, install_demo, write_archive, restore, duplicate, export, report, metrics,
    settings, import_rankings, fetch_from_hub, undo, migrate, remove_run, put_back_run, delete, put_back,
    delete_for_good,
)  # fmt: skip


def killed_everywhere(place: Place, prepare: Callable[[Place], kills.Operation], chance, most: int | None) -> None:
    """Kill it at some of its moments. By the next start it was either never begun or is whole; then it works."""
    operation = prepare(place)
    kept = place.work.parent / "kept"
    shutil.copytree(place.work, kept, symlinks=True)
    before = place.state()
    total = kills.count(operation)
    after = place.state()
    for at in kills.moments(chance, total, most):
        shutil.rmtree(place.work)
        shutil.copytree(kept, place.work, symlinks=True)
        kills.killed(operation, at)  # or it is done: what it imported first is compiled by now
        leftovers.clear()
        found = place.state()
        if prepare is migrate:  # the next start is that it is opened again
            operation()
            found = place.state()
        assert found in (before, after), f"killed before call {at} of {total}: {differences(found, before, after)}"
        if found != after:
            operation()
            assert place.state() == after, f"after a kill before call {at} of {total} it does not work again"


def differences(found, before, after) -> str:
    return f"neither as before {differing(found, before)} nor as after {differing(found, after)}"


def differing(one, other) -> list[object]:
    rows = [(name, one[1].get(name), other[1].get(name)) for name in {*one[1], *other[1]}]
    return [
        sorted(one[0] ^ other[0]),
        *[each for each in rows if each[1] != each[2]],
        (one[2], other[2]),
    ]


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
def test_a_kill_leaves_nothing_behind(place, prepare, chance):
    killed_everywhere(place, prepare, chance, 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
def test_a_kill_at_any_moment_leaves_nothing_behind(place, prepare, chance):
    killed_everywhere(place, prepare, chance, None)


def test_an_archive_that_was_there_stays_until_the_new_one_is_whole(place, chance):
    path = archive.archive(place.project, place.out / "mine.plumbline.zip")
    operation = write_archive(place)
    for at in kills.moments(chance, kills.count(operation), 2):
        assert kills.killed(operation, at)
        assert ZipFile(path).testzip() is None


@pytest.mark.parametrize("words", [["jobs", "{project}"], ["worker", "{project}", "--idle", "0"]])
def test_any_command_removes_what_the_dead_have_left_anywhere(place, words, monkeypatch):
    far = place.work / "far" / "away"
    operation = lambda: archive.duplicate(place.project, far / "copy")  # noqa: E731
    total = kills.count(operation)
    shutil.rmtree(place.work / "far")
    assert kills.killed(operation, total // 4) and any(far.iterdir())
    assert cli.run([word.format(project=place.project) for word in words]) == 0
    assert not far.parent.exists() or not any(far.iterdir())
    assert not (place.work / "data" / "unfinished").exists()


def test_what_somebody_is_at_is_never_swept_away(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from core.store.files import beside\n"
        "with beside.scratch(Path(sys.argv[1])) as folder: print(folder, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        theirs = Path(other.stdout.readline().strip())
        beside.sweep(tmp_path)
        assert theirs.is_dir()
        other.kill()
        other.wait()
    beside.sweep(tmp_path)
    assert not theirs.exists()


def test_only_what_is_ours_is_swept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("mine")
    (tmp_path / ".plumbline-link.partial").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "notes.partial").mkdir()
    notes = Path(os.environ["PLUMBLINE_DATA"]) / "unfinished"
    notes.mkdir(parents=True)
    (notes / "1").write_bytes(os.fsencode(tmp_path / "elsewhere"))
    (notes / "2").write_bytes(b"")
    (notes / "3").write_bytes(os.fsencode(tmp_path / "gone" / ".plumbline-x.partial"))
    beside.sweep(tmp_path)
    assert (tmp_path / "elsewhere" / "precious").exists() and (tmp_path / "notes.partial").exists()
    assert not notes.exists()


def test_what_another_user_left_in_a_shared_folder_is_not_touched(tmp_path, monkeypatch):
    """They could exchange what lies in it, while it is looked at, for a link to a file of ours."""
    place = tmp_path / ".plumbline-abc.partial"
    place.mkdir()
    (place / ".held").write_bytes(b"no database")
    with monkeypatch.context() as another:
        another.setattr(os, "getuid", lambda: place.stat().st_uid + 1)
        beside.sweep(tmp_path)
    assert (place / ".held").read_bytes() == b"no database"
    beside.sweep(tmp_path)
    assert not place.exists()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_as_the_lock_of_rows_that_wait_is_left_alone(tmp_path, monkeypatch, link):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "thesis").write_bytes(b"mine" * 1000)
    folder = tmp_path / f"{waiting_rows.PREFIX}abc"
    folder.mkdir()
    link(tmp_path / "thesis", folder / waiting_rows.HELD)
    os.utime(folder, (0, 0))
    assert waiting_rows.leftovers() == []
    assert (tmp_path / "thesis").read_bytes() == b"mine" * 1000


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_lock_that_becomes_a_link_while_it_is_taken_empties_nothing(tmp_path, monkeypatch, link):
    thesis, place, real = tmp_path / "thesis", tmp_path / "lock", lock_file.opened
    thesis.write_bytes(b"mine" * 1000)
    place.write_bytes(b"no database" * 1000)

    def exchanged(path, **more):
        connection = real(path, **more)
        path.unlink()
        link(thesis, path)
        return connection

    monkeypatch.setattr(lock_file, "opened", exchanged)
    with pytest.raises((BadInput, OSError)):
        lock_file.take(place)
    assert thesis.read_bytes() == b"mine" * 1000


@pytest.mark.parametrize("name", [b"a\xff", b"#1 100% of it?", "é\n".encode()])
def test_folders_of_any_name_do(filled, tmp_path, name, capfdbinary):
    """Made, packed, merged, archived, copied, a run removed and put back: each command ends well."""
    odd = tmp_path / os.fsdecode(name)
    odd.mkdir()
    run = queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    set_job(filled, run.id, status="done")
    filled.close()
    project = Path(shutil.move(filled.folder, odd / "project"))
    before = {path.name for path in tmp_path.iterdir()}
    for words in (
        ["new", odd / "new"], ["pack", project, odd / "bo.plumbpack", "--labeler", "Bo"],
        ["unpack", odd / "bo.plumbpack", odd / "bo"], ["merge", project, odd / "bo.plumbpack"],
        ["archive", project, odd / "x.zip"], ["restore", odd / "x.zip", odd / "back"],
        ["duplicate", project, odd / "copy"], ["remove-run", project, "1"], ["put-back-run", project, "1"],
        ["demo", odd / "demo"], ["jobs", project], ["prompts", project],
    ):  # fmt: skip
        assert cli.run([str(word) for word in words]) == 0, (words, capfdbinary.readouterr())
    assert {path.name for path in tmp_path.iterdir()} == before, "an empty file was made"
    assert sorted(path.name for path in odd.iterdir()) == [
        "back", "bo", "bo.plumbpack", "copy", "demo", "new", "project", "x.zip",
    ]  # fmt: skip


ODD = ("[]", "5", "{}", "[" * 100_000, '"x"', "{", "\x00", " " * 200_000 + "{}")
FIELDS = {
    "name": [5, None, [1]], "folder": [5, "\0", "relative", ""], "place": [5, "\0", "/etc", "~", ".", ""],
    "bytes": ["x", None],
    "deleted_at": [5, None], "mode": ["x", 1e999], "run": ["x", -1, 2**70, True],
}  # fmt: skip


def test_notes_of_the_trash_that_somebody_wrote_are_none(project, tmp_path):
    shutil.copytree(project.folder, tmp_path / "mine")
    mine = trash.delete(tmp_path / "mine")
    notes = trash_notes.folder()
    for number, text in enumerate(ODD):
        for state in trash_notes.State:
            (notes / f"{number:032x}{state.value}").write_text(text)
    good = json.loads((notes / f"{mine.id}.json").read_text())
    for number, (field, value) in enumerate((field, value) for field, values in FIELDS.items() for value in values):
        name = f"{number + 100:032x}"
        place = str(notes / name)
        (notes / name).mkdir()
        (notes / f"{name}.json").write_text(json.dumps(good | {"id": name, "place": place, field: value}))
    os.mkfifo(notes / f"{1:033x}.json")
    (notes / f"{2:033x}.json").mkdir()
    found = trash.listed()
    assert mine in found
    assert {each.folder for each in found} == {mine.folder}
    trash.settle()
    trash.put_back(mine)
    open_project(tmp_path / "mine").close()
