"""A name out of a row, or of a file that came with a project, never leads out of the project's folder."""

import json
import os
import shutil
import struct
from contextlib import suppress
from types import SimpleNamespace

import pytest

from core import cli
from core.config.jobs import JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult
from core.errors import BadInput, ModelError
from core.events import Checkpoint
from core.jobs import checkpoint_files, queue, recorder
from core.jobs.context import JobContext
from core.machine import adapter_folder
from core.projects import archive, trash
from core.records import NewRanking
from core.report import export
from core.reward import score_file_job
from core.rl import start
from core.runs import origins
from core.store import DATABASE, labelers, open_project, rankings
from core.store.files.inside import followed, inside
from tests.jobs import set_job

OUTSIDE = (
    "", ".", "..", "../kept", "runs/../../kept", "/etc/passwd", "//host/share", "C:/kept", "C:kept",
    "\\\\host\\share", "runs\\..\\kept", "runs/\0", "runs/a\nb",
)  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="is no place inside it"):
        inside(tmp_path, name)


def test_a_link_is_refused_wherever_it_leads(tmp_path):
    """Of two runs whose folders are one the second would write over the first."""
    project, kept = tmp_path / "project", tmp_path / "kept"
    (project / "runs" / "1").mkdir(parents=True)
    kept.mkdir()
    (project / "out").symlink_to(kept)
    (project / "runs" / "2").symlink_to("1")
    (project / "runs" / "3").symlink_to("3")
    for name, words in (("out/step-000001", "a link out of the project"), ("runs/2", "a link within the project")):
        with pytest.raises(BadInput, match=words):
            inside(project, name)
    with pytest.raises(BadInput, match="is a link"):
        inside(project, "runs/3")
    with pytest.raises(ValueError, match="loop"):
        followed(project / "runs" / "3" / "of.py")
    assert inside(project, "runs/1") == project / "runs" / "1"
    assert inside(project, "runs/7/step-000001") == project / "runs" / "7" / "step-000001", "which is not there yet"


@pytest.fixture
def run(filled):
    job = queue.enqueue(filled, JobKind.TRAIN_POLICY, config_values(TrainPolicyConfig(), ALGORITHMS["ppo"].config()))
    filled.make_run_folder(job.id)
    return job


@pytest.fixture
def kept(tmp_path):
    """Somebody's own folder, which no project may touch."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    yield folder
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("way", ["{kept}", "../../kept", "runs/1/../../../../kept"])
def test_old_checkpoints_that_are_removed_lie_in_the_run_whatever_their_rows_say(filled, run, kept, way):
    recording = recorder.Recorder(filled, run.id)
    for step in range(4):
        recording.record(Checkpoint(step, lambda folder: (folder / "x").write_text("x")))
        with filled.write() as database:
            database.execute("update checkpoints set folder = ?", (way.format(kept=kept),))
    assert sorted(path.name for path in filled.run_folder(run.id).iterdir()) == ["step-000002", "step-000003"]


def test_an_adapter_outside_is_not_read(filled, run, kept):
    found = TrainPolicyResult(adapter=str(kept), best="../kept")
    for checkpoint in ("last", "best"):
        set_job(filled, run.id, status="done", result=json.dumps({"adapter": found.adapter, "best": found.best}))
        with pytest.raises(BadInput, match="is no place inside it"):
            queue.adapter_of(filled, queue.get(filled, run.id), checkpoint)


def test_a_run_folder_that_is_a_link_is_neither_written_nor_deleted(filled, run, kept):
    filled.run_folder(run.id).rmdir()
    (filled.folder / "runs" / str(run.id)).symlink_to(kept)
    with pytest.raises(BadInput, match="link out of the project"):
        recorder.Recorder(filled, run.id).record(Checkpoint(1, lambda folder: None))
    set_job(filled, run.id, status="stopped")
    with pytest.raises(BadInput, match="link out of the project"):
        trash.delete_run(filled.folder, run.id)
    assert queue.get(filled, run.id).id == run.id, "its record is still there"


def test_a_folder_of_runs_that_is_a_link_is_refused_with_a_sentence(filled, kept):
    shutil.rmtree(filled.folder / "runs", ignore_errors=True)
    (filled.folder / "runs").symlink_to(kept)
    again = open_project(filled.folder)
    with pytest.raises(BadInput, match="link out of the project"):
        again.make_run_folder(1)
    again.close()


@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_a_link_in_a_run_folder_that_came_along_is_not_written_through(filled, run, kept, there):
    target = kept / ("thesis.txt" if there else "new.txt")
    (filled.run_folder(run.id) / "scores.jsonl").symlink_to(target)
    with pytest.raises(BadInput, match="link out of the project"):
        filled.make_run_folder(run.id)
    assert target.exists() == there


def hard(path, target):
    os.link(target, path)


@pytest.mark.parametrize("link", [hard, lambda path, target: path.symlink_to(target)], ids=["hard", "soft"])
@pytest.mark.parametrize("name", ["prompts.partial", "prompts.json", "exported"])
def test_a_second_name_of_the_database_in_a_run_folder_is_not_written_through(filled, run, link, name):
    database = filled.folder / DATABASE
    link(filled.run_folder(run.id) / name, database)
    before = database.read_bytes()
    with suppress(BadInput):
        JobContext(filled, run.id, None).pinned("prompts.json", lambda: {"train": []})
    assert database.read_bytes() == before


def test_what_was_scored_is_added_to_no_file_of_another_name(filled, run):
    kept = filled.folder / "kept.jsonl"
    kept.write_text('{"reward_job": 1}\n')
    os.link(kept, filled.run_folder(run.id) / "scores.jsonl")
    with score_file_job.adding(filled.run_folder(run.id) / "scores.jsonl", [{"reward_job": 1}]) as file:
        file.write("{}\n")
    assert kept.read_text() == '{"reward_job": 1}\n'
    assert (filled.run_folder(run.id) / "scores.jsonl").read_text() == '{"reward_job": 1}\n{}\n'


@pytest.mark.parametrize("copy", [archive.archive, archive.duplicate])
def test_a_second_name_of_a_file_elsewhere_is_in_no_copy(filled, run, tmp_path, kept, copy):
    own = filled.run_folder(run.id) / "scores.jsonl"
    own.write_text("{}")
    os.link(own, own.with_name("scores-too.jsonl"))
    copy(filled.folder, tmp_path / "own.plumbline.zip")  # of a file with all its names in the runs nothing is elsewhere
    (own.parent / "step-000001").mkdir()
    os.link(kept / "thesis.txt", own.parent / "step-000001" / "x.json")
    target = tmp_path / "copy.plumbline.zip"
    with pytest.raises(BadInput, match=r"step-000001/x\.json has a second name elsewhere"):
        copy(filled.folder, target)
    assert not target.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_in_a_sealed_checkpoint_is_damage_and_not_waited_for(filled, run):
    recorder.Recorder(filled, run.id).record(Checkpoint(1, lambda folder: (folder / "x").write_text("x")))
    folder = filled.run_folder(run.id) / "step-000001"
    os.mkfifo(folder / "pipe")
    assert "no file" in checkpoint_files.damage(folder)


@pytest.mark.parametrize("copy", [archive.archive, archive.duplicate])
def test_what_a_folder_of_runs_that_is_a_link_leads_to_is_in_no_copy(filled, tmp_path, copy):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("kept")
    shutil.rmtree(filled.folder / "runs")
    (filled.folder / "runs").symlink_to(elsewhere)
    target = tmp_path / "copy.plumbline.zip"
    with pytest.raises(BadInput, match="is a link out of the project"):
        copy(filled.folder, target)
    assert not target.exists()


ODD = ("[]", "5", "null", '[["a", 1]]', "true", "[" * 100_000)
HEADERS = ("[]", "5", '{"a": 5}', '{"a": {}}', '{"a": {"data_offsets": ["x", "y"]}}', "[" * 100_000)


@pytest.mark.parametrize(
    ("name", "text"), [*(("checksums.json", text) for text in ODD), *(("x.safetensors", text) for text in HEADERS)]
)
def test_a_checkpoint_whose_json_is_of_another_kind_is_damaged(tmp_path, name, text):
    head = struct.pack("<Q", len(text)) if name.endswith("s") else b""
    (tmp_path / name).write_bytes(head + text.encode())
    assert checkpoint_files.damage(tmp_path)


OWN = [
    "plumbline.db", "PLUMBLINE.DB", "plumbline.db-wal", "plumbline.before-m002_labeling.db", "runs/1/x.jsonl",
    "link.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_nothing_that_is_written_somewhere_goes_over_a_file_of_a_project(filled, tmp_path, capsys, name):
    """Not even by a link, or over one of another project."""
    rankings.add(filled, NewRanking(1, labelers.named(filled, "Ana").id, dict.fromkeys((1, 2, 3, 4), 1)))
    filled.make_run_folder(1)
    (filled.folder / "runs" / "1" / "x.jsonl").write_text("weights")
    (filled.folder / "link.jsonl").symlink_to(filled.folder / "plumbline.db")
    target = filled.folder / name
    before = target.read_bytes() if target.exists() else b""
    for command in (
        ["export", str(filled.folder), str(target), "--format", "plumbline"],
        ["pack", str(filled.folder), str(target), "--labeler", "Bo"],
    ):
        assert cli.run(command) == 2, command
        assert "is a file of the project in" in capsys.readouterr().err
    assert (target.read_bytes() if target.exists() else b"").startswith(before)  # the WAL may have grown
    assert cli.run(["pack", str(filled.folder), str(filled.folder / "bo.plumbpack"), "--labeler", "Bo"]) == 0


LINKS = ("link", "second name")


def led_out(path, kept, how):
    """The file lies elsewhere by now, and here is what leads there."""
    place = kept / path.name
    shutil.move(path, place) if path.exists() else place.write_text("{}")
    (path.symlink_to if how == "link" else path.hardlink_to)(place)


@pytest.mark.parametrize("how", LINKS)
def test_what_a_run_began_with_is_read_from_the_run_alone(filled, run, kept, how):
    """An export would tell strangers what the file says, and it would decide about the base."""
    led_out(filled.run_folder(run.id) / "origins.json", kept, how)
    with pytest.raises(BadInput, match=r"is a link|second name"):
        origins.kept(filled, run.id)
    led_out(filled.run_folder(run.id) / "prompts.json", kept, how)
    with pytest.raises(BadInput, match=r"is a link|second name"):
        JobContext(filled, run.id, None, resume_from=kept).pinned("prompts.json", dict)


@pytest.mark.parametrize("how", ["again", "resumed"])
def test_a_run_that_lost_what_it_began_from_takes_nothing_from_elsewhere(filled, run, kept, how):
    """`verify` asks nobody for it, and would copy it into the run, over what lies there."""
    own = filled.make_run_folder(run.id) / "start"
    own.mkdir()
    (own / "adapter_config.json").write_text("its own")
    config = TrainPolicyConfig(start_from=str(kept))
    context = JobContext(filled, run.id, config, again=how == "again", resume_from=kept if how == "resumed" else None)
    base = SimpleNamespace(identity=origins.BaseIdentity())
    with pytest.raises(BadInput, match=r"origins\.json is gone"):
        next(start.begin(context, SimpleNamespace(base=base)))
    assert (own / "adapter_config.json").read_text() == "its own"


@pytest.mark.parametrize("how", LINKS)
def test_no_file_of_a_checkpoint_is_read_from_elsewhere(filled, run, kept, how):
    """Weights, their config, whatever lies beside: an export would carry it away."""
    folder = filled.run_folder(run.id) / "step-000001" / "policy"
    folder.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes(b"{}")
    found = set_job(filled, run.id, result=json.dumps({"adapter": f"runs/{run.id}/step-000001"}))
    led_out(folder / "adapter_config.json", kept, how)
    with pytest.raises(BadInput, match=r"is a link|second name"):
        queue.adapter_of(filled, found)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_is_read_from_the_folder_that_was_agreed_to(tmp_path, kept, name):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (theirs / "adapter_model.safetensors").write_bytes(b"")
    adapter_folder.fields(theirs)
    led_out(theirs / name, kept, "link")
    for read in (adapter_folder.fields, adapter_folder.content_hash):
        with pytest.raises(ModelError, match="a link to another place"):
            read(theirs)


def test_the_plots_of_a_report_follow_no_link(filled, kept, tmp_path):
    (tmp_path / "r_plots").symlink_to(kept)
    with pytest.raises(BadInput, match="is a link"):
        export.write(filled, None, tmp_path / "r.md")
    assert not any(kept.glob("*.svg"))
