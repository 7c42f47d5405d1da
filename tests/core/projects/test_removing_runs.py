"""A run is moved to the trash and put back, whole; refused while something uses it."""

import json
import shutil
from contextlib import closing

import pytest

from core.cli import run as main
from core.config.jobs import JOBS, CompareConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainRewardConfig, TrainRewardJob
from core.errors import BadInput
from core.events import Checkpoint, Metrics, NewCompletion, Note, Result, Sample, Samples, Score, Scores
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.projects import archive, trash
from core.store import arenas, completions, create_project, open_project, prompts
from core.store.runs import job_samples, run_rows
from tests.jobs import set_job

TABLES = ("jobs", *run_rows.TABLES)
#: Two checkpoints: weights, and the checksum of their file.
BYTES = 2 * (1000 + len('{"weights": ""}') + 64)


def made(project, kind, **result):
    """A finished run with everything that a run leaves behind."""
    options = ALGORITHMS["ppo"].config() if kind == "train-policy" else None
    job = queue.enqueue(project, kind, config_values(JOBS[kind].config(), options))
    record = Recorder(project, job.id).record
    for step in (1, 2):
        record(Metrics(step, {"loss": 0.5 / step}))
        record(Checkpoint(step, lambda folder: (folder / "weights").write_bytes(b"x" * 1000)))
    prompt = prompts.listed(project)[0]
    record(Samples(2, (Sample(prompt.text, "c", prompt_id=prompt.id, score=0.5),)))
    record(Scores((Score("heldout", "reward", "overall", 1, 0.5, 3),)))
    record(Note("hello"))
    record(Result(JOBS[kind].result(**result)))
    set_job(project, job.id, status="done")
    return queue.get(project, job.id)


def everything(project):
    rows = {table: project.database.rows(f"select * from {table} order by 1, 2") for table in TABLES}
    for row in rows["jobs"]:
        del row["version"]  # that it went and came back is news
    files = {path.relative_to(project.folder): path.read_bytes() for path in (project.folder / "runs").rglob("*.*")}
    weights = {path.relative_to(project.folder): path.read_bytes() for path in project.folder.rglob("weights")}
    return rows, files | weights


def test_a_removed_run_takes_its_rows_and_files_along_and_comes_back_whole(filled):
    reward, policy = made(filled, "train-reward"), made(filled, "train-policy")
    before = everything(filled)
    gone = trash.delete_run(filled.folder, policy.id)
    assert gone.bytes == BYTES and trash.listed() == [gone]
    for table in TABLES:
        key = "id" if table == "jobs" else "job_id"
        assert filled.database.value(f"select count(*) from {table} where {key} = ?", policy.id) == 0, table
    assert not filled.run_folder(policy.id).exists() and filled.run_folder(reward.id).exists()
    assert trash.put_back(gone) == filled.folder
    assert everything(filled) == before
    assert trash.listed() == []


def test_a_policy_of_an_arena_has_its_run_again(filled):
    job = made(filled, "train-policy")
    arena = arenas.create(filled, "A")
    arenas.add_policy(filled, arena.id, "tuned", "run", job_id=job.id)
    arenas.add_policy(filled, arena.id, "base", "base")
    gone = trash.delete_run(filled.folder, job.id)
    assert {each.job_id for each in arenas.policies(filled, arena.id)} == {None}
    trash.put_back(gone)
    assert {each.name: each.job_id for each in arenas.policies(filled, arena.id)} == {"tuned": job.id, "base": None}


def test_what_went_meanwhile_is_no_hindrance_when_a_run_comes_back(filled):
    job = made(filled, "train-policy")
    gone = trash.delete_run(filled.folder, job.id)
    prompts.delete(filled, [prompts.listed(filled)[0].id])
    trash.put_back(gone)
    assert queue.get(filled, job.id).status == "done"
    assert job_samples.listed(filled, job.id)[0]["prompt_id"] is None
    assert filled.database.value("select count(*) from scores") == 0


def test_scores_do_not_come_back_to_other_completions_that_got_the_numbers(filled):
    """Nor samples to another prompt. A project that was restored from an archive gives its numbers out again."""
    job = made(filled, "train-policy")
    gone = trash.delete_run(filled.folder, job.id)
    filled.database.execute("update completions set text = 'another' where id = 1")
    filled.database.execute("update prompts set text = 'another', created_at = '2030' where id = 1")
    trash.put_back(gone)
    assert filled.database.value("select count(*) from scores") == 0
    assert job_samples.listed(filled, job.id)[0]["prompt_id"] is None


def test_a_run_does_not_come_back_into_another_of_its_number(filled, tmp_path):
    """The project was restored from an archive of before the run, and another run was made in it."""
    archive.archive(filled.folder, tmp_path / "before.plumbline.zip")
    job = made(filled, "train-policy")
    shutil.rmtree(filled.run_folder(job.id))  # a run that saved nothing has none
    trash.delete_run(filled.folder, job.id)
    shutil.rmtree(filled.folder)
    archive.restore(tmp_path / "before.plumbline.zip", filled.folder)
    with closing(open_project(filled.folder)) as project:
        first, second = made(project, "train-policy"), made(project, "train-policy")
        assert first.id == job.id
        before = everything(project)
        (entry,) = trash.listed()
        with pytest.raises(BadInput, match="has another run 1 now: remove that one first"):
            trash.put_back(entry)
        assert everything(project) == before
        trash.delete_run(project.folder, first.id)
        trash.put_back(entry)
        for table in ("metrics", "samples", "job_log"):  # whose numbers the second run has by now
            counts = project.database.rows(f"select count(*) as n from {table} group by job_id order by job_id")
            assert len(counts) == 2 and counts[0] == counts[1], table
        assert queue.get(project, second.id).status == "done"


def test_a_run_comes_back_into_its_project_that_has_another_folder_by_now(filled, capsys):
    job = made(filled, "train-reward")
    gone = trash.delete_run(filled.folder, job.id)
    moved = filled.folder.with_name("renamed")
    filled.close()
    filled.folder.rename(moved)
    with pytest.raises(BadInput, match="open it where it is now"):
        trash.put_back(gone)
    assert main(["put-back-run", str(moved), str(job.id)]) == 0
    with closing(open_project(moved)) as project:
        assert queue.get(project, job.id).status == "done" and project.run_folder(job.id).is_dir()


def test_a_run_in_use_stays_and_one_sentence_says_why(filled):
    reward = made(filled, "train-reward", adapter="runs/1/step-000002")
    policy = made(filled, "train-policy", reward_job=reward.id, adapter="runs/2/step-000002")

    def refused(job, words):
        with pytest.raises(BadInput, match=words):
            trash.delete_run(filled.folder, job.id)
        assert queue.get(filled, job.id) and filled.run_folder(job.id).exists() and trash.listed() == []

    refused(reward, "Run 2 was tuned against run 1: remove run 2 first")
    waiting = queue.enqueue(filled, JobKind.COMPARE, config_values(CompareConfig()))
    refused(policy, f"Job {waiting.id}, Compare policies, uses run 2")
    queue.want(filled, waiting.id, "stop")
    with pytest.raises(BadInput, match="is no run"):
        trash.delete_run(filled.folder, waiting.id)
    queued = queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    filled.run_folder(queued.id).mkdir(parents=True)
    refused(queued, "Run 4 is queued: stop it first")
    completions.add_group(filled, 1, (NewCompletion("later", 1, True, 0, policy_job=policy.id),))
    refused(policy, "wrote 1 completions of a later round")


def test_the_commands_remove_a_run_and_bring_it_back(filled, capsys):
    job = made(filled, "train-reward")
    folder = str(filled.folder)
    assert main(["remove-run", folder, str(job.id), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"job": job.id, "bytes": BYTES}
    assert queue.listed(filled) == []
    with pytest.raises(BadInput, match=f"no job {job.id} any more.*`put-back-run` brings it back"):
        queue.run_of(filled, job.id, TrainRewardJob)  # as a run does that begins from it
    with pytest.raises(BadInput, match=f"no job {job.id + 1}: `jobs` lists"):
        queue.get(filled, job.id + 1)
    assert main(["put-back-run", folder, str(job.id)]) == 0
    assert queue.get(filled, job.id).kind == JobKind.TRAIN_REWARD
    assert main(["put-back-run", folder, str(job.id)]) == 2
    assert "is not in the trash" in capsys.readouterr().err


def test_a_run_of_a_project_that_is_gone_too_waits_for_it(filled):
    job = made(filled, "train-reward")
    gone = trash.delete_run(filled.folder, job.id)
    folder = filled.folder
    filled.close()
    project = trash.delete(folder)
    with pytest.raises(BadInput, match="put that back first"):
        trash.put_back(gone)
    trash.put_back(project)
    trash.put_back(gone)
    again = open_project(folder)
    assert queue.get(again, job.id).status == "done"
    again.close()


def test_a_run_does_not_come_back_into_another_project_in_the_folder_of_its_own(filled):
    job = made(filled, "train-reward")
    gone = trash.delete_run(filled.folder, job.id)
    folder = filled.folder
    filled.close()
    trash.delete(folder)
    other = create_project(folder)
    with pytest.raises(BadInput, match="holds another project now"):
        trash.put_back(gone)
    assert queue.listed(other) == [] and trash.listed()[-1] == gone
    other.close()


def test_a_run_whose_coming_back_was_cut_off_at_its_end_comes_back_all_the_same(filled, monkeypatch):
    job = made(filled, "train-reward")
    before = everything(filled)
    gone = trash.delete_run(filled.folder, job.id)

    move = trash._move

    def killed(target, paths):
        move(target, paths)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(trash, "_move", killed)
        trash.put_back(gone)
    assert trash.listed() == [gone]
    trash.put_back(gone)
    assert everything(filled) == before and trash.listed() == []
