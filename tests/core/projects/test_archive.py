"""A project as one file and back, and as another folder: whole, or not at all."""

import json
import random
import shutil
import stat
import zipfile
from contextlib import closing
from zipfile import ZipFile, ZipInfo

import pytest
from sqlite_utils import Database

from core import cli
from core.config.jobs import JobKind, config_values
from core.config.training import TrainRewardConfig, TrainRewardJob, TrainRewardResult
from core.errors import BadInput, KnownError
from core.events import NewCompletion, Result
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.projects import archive, archive_entries
from core.records import NewRanking, Prompt
from core.store import (
    DATABASE,
    completions,
    connection,
    create_project,
    drafts,
    guidelines,
    labelers,
    now,
    open_project,
    prompts,
    rankings,
)
from core.store.files import snapshots
from tests.jobs import set_job
from tests.ranked import counting_rankings

ADAPTER = bytes(range(256)) * 9000  # more than one piece


def run(*arguments) -> int:
    return cli.run([str(argument) for argument in arguments])


def add_run(project, step: int):
    """A checkpoint of job 1, as the worker leaves one."""
    folder = project.run_folder(1) / f"step-{step:06d}" / "policy"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(ADAPTER)
    relative = folder.parent.relative_to(project.folder).as_posix()
    with project.write() as database:
        database.execute(
            "insert into checkpoints (job_id, step, folder, created_at) values (1, ?, ?, '2026')", (step, relative)
        )
    return folder.parent


@pytest.fixture
def busy(filled):
    """A project in the middle of its life: rankings in the WAL, a job that runs, one that waits, a lock and a log."""
    me = labelers.named(filled, "me")
    rankings.add(filled, NewRanking(1, me.id, {1: 1, 2: 2, 3: 3, 4: 4}))
    for _ in range(2):
        queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    set_job(filled, 1, status="running")
    add_run(filled, 5)
    (filled.run_folder(1) / "step-000006.partial").mkdir()
    (filled.run_folder(1) / "step-000006.partial" / "half").write_text("half")
    (filled.folder / "worker.log").write_text("log")
    (filled.folder / "plumbline.before-m002_labeling.db").write_text("backup")
    (filled.folder / "notes.txt").write_text("mine")
    (filled.folder / lock.LOCK).touch()
    return filled


@pytest.fixture
def archived(filled, tmp_path):
    add_run_job(filled)
    return archive.archive(filled.folder, tmp_path / "mine.plumbline.zip")


def add_run_job(project):
    queue.enqueue(project, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    add_run(project, 5)


def test_an_archive_comes_back_with_everything_a_project_needs(busy, tmp_path, capsys):
    file, folder = tmp_path / "mine.plumbline.zip", tmp_path / "new" / "back"
    assert (busy.folder / f"{DATABASE}-wal").stat().st_size > 0
    assert run("archive", busy.folder, file, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "bytes": file.stat().st_size}
    inside = "runs/1/step-000005/policy/adapter_model.safetensors"
    assert sorted(ZipFile(file).namelist()) == [DATABASE, inside]
    assert run("restore", file, folder) == 0
    assert (folder / inside).read_bytes() == ADAPTER
    with closing(open_project(folder)) as back:
        assert back.name == "Test project"
        assert [found.ranks for found in counting_rankings(back)] == [{1: 1, 2: 2, 3: 3, 4: 4}]
        assert [job.status for job in reversed(queue.listed(back))] == ["interrupted", "stopped"]
        queue.resume(back, 2)
    assert [job.status for job in reversed(queue.listed(busy))] == ["running", "queued"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["back"]


def test_an_archive_without_checkpoints_has_all_else_and_says_what_is_not_there(busy, tmp_path, capsys):
    Recorder(busy, 1).record(Result(TrainRewardResult(adapter="runs/1/step-000005", accuracy=0.75)))
    set_job(busy, 1, status="done")
    file, folder = tmp_path / "mine.plumbline.zip", tmp_path / "back"
    assert run("archive", busy.folder, file, "--without-checkpoints") == 0
    assert ZipFile(file).namelist() == [DATABASE]
    assert run("restore", file, folder) == 0
    with closing(open_project(folder)) as back:
        found = queue.run_of(back, 1, TrainRewardJob)
        assert (found.result.accuracy, counting_rankings(back)[0].ranks) == (0.75, {1: 1, 2: 2, 3: 3, 4: 4})
        with pytest.raises(KnownError, match="checkpoints in"):
            queue.adapter_of(back, found)


def test_a_duplicate_is_a_project_of_its_own(busy, tmp_path, capsys):
    folder = tmp_path / "copy"
    assert run("duplicate", busy.folder, folder, "--name", "The copy") == 0
    assert sorted(path.name for path in folder.iterdir()) == [DATABASE, "runs"]
    with closing(open_project(folder)) as copy:
        assert (copy.name, prompts.count(copy)) == ("The copy", 6)
        prompts.delete(copy, [2])
    assert (busy.name, prompts.count(busy)) == ("Test project", 6)
    assert run("duplicate", busy.folder, folder) == 2
    assert run("duplicate", busy.folder, busy.folder / "runs" / "copy") == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["archive", "restore", "duplicate"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(filled, archived, tmp_path, how):
    before = archived.read_bytes()

    def full(done: int, total: int) -> None:
        if done > total // 2:
            raise OSError(28, "No space left on device")

    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(KnownError, match="disk is full"):
        if how == "archive":
            archive.archive(filled.folder, archived, progress=full)
        elif how == "restore":
            archive.restore(archived, tmp_path / "deep" / "back", progress=full)
        else:
            archive.duplicate(filled.folder, tmp_path / "deep" / "copy", progress=full)
    assert archived.read_bytes() == before
    assert sorted(tmp_path.rglob("*")) == there


def test_a_checkpoint_saved_meanwhile_begins_the_copy_again(filled, tmp_path):
    add_run_job(filled)
    saves = []

    def save(done: int, total: int) -> None:
        if len(saves) < 1:
            for path in sorted((filled.run_folder(1) / "step-000005").rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            saves.append(add_run(filled, 6))

    file = archive.archive(filled.folder, tmp_path / "a.zip", progress=save)
    assert [name for name in ZipFile(file).namelist() if "step-000006" in name]

    def always(done: int, total: int) -> None:
        saves.append(add_run(filled, 6 + len(saves)))

    with pytest.raises(KnownError, match="pause it"):
        archive.archive(filled.folder, tmp_path / "b.zip", progress=always)
    assert not (tmp_path / "b.zip").exists()


def link(name: str) -> ZipInfo:
    found = ZipInfo(name)
    found.external_attr = (stat.S_IFLNK | 0o777) << 16
    return found


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("../outside.txt", "no project has"),
        ("runs/../../outside.txt", "no project has"),
        ("/outside.txt", "no project has"),
        ("runs\\..\\..\\outside.txt", "no project has"),
        ("C:/outside.txt", "no project has"),
        ("worker.log", "no project has"),
        ("runs", "no project has"),
        (link("runs/link"), "no project has"),
        (DATABASE, "no project has"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_would_leave_the_folder_is_never_unpacked(archived, tmp_path, member, words):
    with ZipFile(archived, "a") as packed:
        packed.writestr(member, "/etc/passwd")
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput, match=words):
        archive.restore(archived, tmp_path / "deep" / "back")
    assert sorted(tmp_path.rglob("*")) == there


def test_files_that_are_no_archives_are_refused_with_a_sentence(archived, tmp_path, capsys):
    text = tmp_path / "text.zip"
    text.write_text("hello")
    foreign = tmp_path / "foreign.zip"
    with ZipFile(foreign, "w") as packed:
        packed.writestr("photo.jpg", "x")
    theirs = tmp_path / "theirs.zip"
    with ZipFile(theirs, "w") as packed:
        packed.writestr(DATABASE, "not a database")
    for file, words in ((text, "not a Plumbline archive"), (foreign, "not a Plumbline"), (theirs, "damaged")):
        assert run("restore", file, tmp_path / "back") == 2
        assert words in capsys.readouterr().err
    assert run("restore", tmp_path / "nowhere.zip", tmp_path / "back") == 2
    assert not (tmp_path / "back").exists()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").write_text("mine")
    assert run("restore", archived, tmp_path / "taken") == 2
    assert (tmp_path / "taken" / "x").read_text() == "mine"


def test_an_archive_of_a_newer_version_is_refused(filled, tmp_path):
    Database(filled.database.conn)["_sqlite_migrations"].insert(
        {"migration_set": "plumbline", "name": "m999_future", "applied_at": "2099"}
    )
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as packed:
        filled.database.execute("vacuum into ?", (str(tmp_path / "snapshot"),))
        packed.write(tmp_path / "snapshot", DATABASE)
    with pytest.raises(BadInput, match="newer Plumbline"):
        archive.restore(tmp_path / "new.zip", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_cut_or_altered_archive_never_becomes_a_project(archived, tmp_path):
    whole = archived.read_bytes()
    draw = random.Random(0)
    broken = tmp_path / "broken.plumbline.zip"
    for number in range(60):
        if number % 2:
            broken.write_bytes(whole[: draw.randrange(len(whole))])
        else:
            at = draw.randrange(len(whole))
            broken.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :])
        try:
            folder = archive.restore(broken, tmp_path / f"back-{number}")
        except BadInput:
            assert not (tmp_path / f"back-{number}").exists()
            continue
        # What was altered was a date or the like: the project is whole.
        with closing(open_project(folder)) as back:
            assert prompts.count(back) == 6
        assert (folder / "runs/1/step-000005/policy/adapter_model.safetensors").read_bytes() == ADAPTER


@pytest.mark.parametrize("name", ["notes.txt", "missing/a.zip", "project/a.zip", "project/runs/a.zip"])
def test_an_archive_is_written_only_where_one_belongs(filled, tmp_path, name):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput):
        archive.archive(filled.folder, tmp_path / name)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_project_that_repeats_itself_comes_back_out_of_its_archive(filled, tmp_path, monkeypatch):
    """It packs to less than a hundredth, as what restore takes for a bomb."""
    monkeypatch.setattr(archive_entries, "FREE_GROWTH", 0)
    completions.add_group(filled, 1, (NewCompletion("no, " * 500_000, 0, True, 1),))
    made = archive.archive(filled.folder, tmp_path / "mine.plumbline.zip")
    with closing(open_project(archive.restore(made, tmp_path / "back"))) as back:
        assert completions.count(back) == completions.count(filled)


@pytest.mark.parametrize(("fault", "words"), [("rankings of nobody", "copy its folder"), ("one name", "rename it")])
def test_no_archive_is_made_that_could_not_be_restored(filled, tmp_path, fault, words):
    rankings.add(filled, NewRanking(1, labelers.named(filled, "Ana").id, dict.fromkeys((1, 2, 3, 4), 1)))
    if fault == "one name":  # on a system that does not tell upper from lower case
        for name in ("a", "A"):
            (filled.make_run_folder(1) / name).write_text("x")
    else:
        filled.database.execute("pragma foreign_keys = off")
        filled.database.execute("delete from labelers")
    with pytest.raises(BadInput, match=words):
        archive.archive(filled.folder, tmp_path / "mine.plumbline.zip")
    assert not (tmp_path / "mine.plumbline.zip").exists()


def test_an_archive_is_replaced_by_a_newer_one_of_its_project_and_by_no_other(filled, archived, tmp_path):
    copy = archive.duplicate(filled, tmp_path / "copy", name="a copy")
    with closing(create_project(tmp_path / "other", "another")) as other:
        damaged = tmp_path / "damaged.zip"
        damaged.write_bytes(archived.read_bytes()[:900])
        before = [archived.read_bytes(), damaged.read_bytes()]
        for project, path in ((other, archived), (copy, archived), (filled, damaged)):
            with pytest.raises(BadInput, match="may hold work that lies nowhere else: choose another name"):
                archive.archive(project, path)
    assert [archived.read_bytes(), damaged.read_bytes()] == before
    prompts.add(filled, [Prompt(0, "a newer one")])
    archive.archive(filled, archived)
    with closing(open_project(archive.restore(archived, tmp_path / "back"))) as back:
        assert prompts.count(back) == 7


def test_an_archive_of_many_rankings_is_replaced_by_a_newer_one(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "STEPS", 20_000)  # that what is not measured by the file is read within
    bo, text, made = labelers.named(filled, "Bo").id, filled.database.value("select max(id) from guidelines"), now()
    rows = [(1, bo, text, "", made, f"{number:032x}", "order") for number in range(9_000)]
    with filled.write() as database:
        database.conn.executemany(
            "insert into rankings (group_id, labeler_id, guidelines_id, comment, created_at, uid, method) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    for _ in range(2):
        archive.archive(filled, tmp_path / "mine.plumbline.zip")


def test_an_archive_with_work_or_weights_that_the_new_one_lacks_stays(busy, tmp_path):
    """The same project at a desk and on a laptop, archived to one stick."""
    stick = tmp_path / "stick.plumbline.zip"
    archive.archive(busy.folder, stick)
    laptop = archive.restore(stick, tmp_path / "laptop")
    rankings.add(busy, NewRanking(2, labelers.named(busy, "me").id, dict.fromkeys(completions.ids(busy, 2), 1)))
    archive.archive(busy.folder, stick)
    held = stick.read_bytes()
    with pytest.raises(BadInput, match=r"of another copy of this project.*another name"):
        archive.archive(laptop, stick)
    with pytest.raises(BadInput, match=r"weights of runs.*another name"):
        archive.archive(busy.folder, stick, with_checkpoints=False)
    assert stick.read_bytes() == held
    archive.restore(stick, tmp_path / "newer")
    with closing(open_project(tmp_path / "newer")) as there:
        made = queue.enqueue(there, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
        there.make_run_folder(made.id)
        (there.run_folder(made.id) / "reward.safetensors").write_bytes(ADAPTER)
        archive.archive(there, stick)  # it has all that the other one has
    queue.enqueue(busy, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))  # another job of the same number
    busy.make_run_folder(made.id)
    (busy.run_folder(made.id) / "reward.safetensors").write_bytes(ADAPTER)
    with pytest.raises(BadInput, match=r"of another copy of this project.*another name"):
        archive.archive(busy, stick)
    stick.write_bytes(held)
    with busy.write() as database:
        database.execute("delete from rankings where group_id = 2")
    with pytest.raises(BadInput, match=r"has rankings, 1 in all, that this project does not have.*another name"):
        archive.archive(busy, stick)


def test_an_archive_with_what_people_made_that_the_project_lacks_stays(filled, tmp_path):
    """The project's file was put back from an older copy. Where it goes on itself, what it lacks was taken away."""
    older, file, me = tmp_path / "older.db", tmp_path / "mine.plumbline.zip", labelers.named(filled, "me").id
    archive.archive(filled, file)
    snapshots.write(filled, older)
    guidelines.save(filled, criteria="A day's work.", ties="", flags="", examples="")
    completions.write(filled, 1, me, "an answer by hand")
    filled.set_setting("draft/arena", {f"{me}:1/2": "a comment on a pair"})
    filled.set_setting("run/1", {"tags": [], "note": "the good one"})
    for _ in range(2):
        drafts.keep(filled, me, 2, {"comment": "a long thought"})
        number = prompts.add(filled, [Prompt(0, "a new one")]).ids[0]
        archive.archive(filled, file)
        held = file.read_bytes()
        drafts.keep(filled, me, 2, None)
        prompts.delete(filled, [number])
    filled.close()
    for path in filled.folder.glob(f"{DATABASE}*"):
        path.unlink()
    shutil.copy(older, filled.folder / DATABASE)
    said = "prompts, versions of the guidelines, answers by hand, begun orders, begun texts, notes on runs, 6 in all"
    with pytest.raises(BadInput, match=rf"has {said}, that this project does not have.*another name"):
        archive.archive(filled.folder, file)
    assert file.read_bytes() == held


def test_without_checkpoints_runs_still_say_from_what_they_began(busy, tmp_path):
    (busy.run_folder(1) / "origins.json").write_text("{}")
    small = archive.archive(busy.folder, tmp_path / "small.plumbline.zip", with_checkpoints=False)
    with ZipFile(small) as packed:
        assert set(packed.namelist()) == {DATABASE, "runs/1/origins.json"}
