"""Jobs as typed records: what older versions stored loads, results merge, and a follower reads what changed."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from core import demo, worker
from core.config.jobs import (
    JOBS,
    CompareConfig,
    CompareJob,
    CompareResult,
    GenerateConfig,
    GenerateJob,
    JobKind,
    kinds_of,
)
from core.config.options import as_stored, changed_values, documented
from core.config.scoring import ScoreConfig
from core.config.training import (
    Run,
    Scale,
    TrainedModel,
    TrainPolicyConfig,
    TrainPolicyJob,
    TrainRewardConfig,
    TrainRewardResult,
)
from core.errors import BadInput
from core.events import Later, Progress, Result
from core.jobs import queue
from core.jobs.follow import Follower
from core.jobs.recorder import Recorder
from core.records import Job
from core.store import create_project, jobs, open_project
from core.store.runs import job_metrics, run_rows
from core.store.schema import migrations
from tests.jobs import add_job, set_job


def test_each_kind_has_a_record_with_its_config_and_its_result(project):
    assert set(JOBS) == set(JobKind)
    for kind, spec in JOBS.items():
        job = add_job(project, spec.config())
        assert (type(job), type(job.config), type(job.result), job.kind) == (
            spec.record, spec.config, spec.result, kind
        )  # fmt: skip
    assert [type(job) for job in queue.listed(project, Run)] == [
        JOBS[kind].record for kind in (JobKind.TRAIN_POLICY, JobKind.TRAIN_REWARD)
    ]
    assert kinds_of(Job) == list(JOBS)


def test_what_another_version_stored_loads_and_is_judged_when_it_is_to_run(project):
    job = add_job(project, TrainPolicyConfig(steps=7))
    known = json.loads(project.database.value("select config from jobs where id = ?", job.id))
    strange = known | {"colour": "red", "kl_coef": 11, "algorithm": "alchemy"}
    del strange["batch_size"]
    result = {"steps": 3, "luck": 0.5, "adapter": "runs/1/x", "gold_before": None}
    job = set_job(project, job.id, config=json.dumps(strange), result=json.dumps(result))
    assert (job.config.steps, job.config.kl_coef, job.config.algorithm) == (7, 11.0, "alchemy")
    assert job.config.batch_size == TrainPolicyConfig().batch_size and job.options is None
    assert (job.result.steps, job.result.adapter, job.result.gold_before) == (3, "runs/1/x", None)
    worker.run_job(project, worker.claim(project), {})
    ended = queue.get(project, job.id)
    assert (ended.status, ended.error) == ("failed", "Unknown option --colour: see --help for the ones there are.")


def test_a_stored_job_holds_every_setting_so_that_another_default_changes_none(project):
    for spec in JOBS.values():
        job = add_job(project, spec.config())
        stored = json.loads(project.database.value("select config from jobs where id = ?", job.id))
        assert set(stored) >= {item.name for item in documented(spec.config)}


def test_the_jobs_of_the_demo_have_the_settings_that_the_demo_has_by_now(tmp_path):
    folder = demo.install(tmp_path / "demo")
    with closing(open_project(folder)) as project:
        kinds = (TrainPolicyJob, GenerateJob, CompareJob)
        jobs = [job.config for kind in kinds for job in queue.listed(project, kind)]
    settings = (demo.GENERATE, demo.POLICY, demo.COMPARE)
    drawn = {(config.max_new_tokens, config.temperature) for config in (*jobs, *settings)}
    assert drawn == {(demo.TOKENS, demo.TEMPERATURE)} and demo.POLICY.minds_the_end


def test_a_kind_that_nobody_knows_is_listed_and_fails_with_a_sentence(project):
    job = add_job(project, GenerateConfig())
    job = set_job(project, job.id, kind="dance")
    assert (type(job), job.kind, job.config) == (Job, "dance", None)
    assert queue.listed(project) == [job]
    worker.run_job(project, worker.claim(project), {})
    assert "There is no job called 'dance'" in queue.get(project, job.id).error


def test_results_are_stored_under_their_names_and_only_what_is_known_merges(project):
    job = add_job(project, TrainRewardConfig())
    record = Recorder(project, job.id).record
    models = (TrainedModel("reward", prompts=8, pairs=20, steps=4, eval_accuracy=0.75),)
    record(Result(TrainRewardResult(accuracy=0.75, models=models, scale={"reward": Scale((0.5,), (2.0,))})))
    record(Result(TrainRewardResult(pairs=20)))
    found = queue.get(project, job.id).result
    assert found == TrainRewardResult(accuracy=0.75, pairs=20, models=models, scale={"reward": Scale((0.5,), (2.0,))})
    stored = json.loads(project.database.value("select result from jobs where id = ?", job.id))
    assert set(stored) == {"accuracy", "pairs", "models", "scale"} and stored["models"][0]["eval_accuracy"] == 0.75
    assert as_stored(TrainRewardResult, stored) == found
    assert json.loads(json.dumps(changed_values(found))) == stored


def test_the_time_that_is_to_come_counts_and_is_no_part_of_the_result(project):
    job = add_job(project, CompareConfig(), status="running")
    record = Recorder(project, job.id).record
    record(Later(30.0))
    record(Progress(0, 10, "Comparing"))
    found = replace(queue.get(project, job.id), done=5, seconds=10.0)
    assert (found.eta, found.result) == (40.0, CompareResult())


def test_a_follower_reads_only_the_rows_that_changed(project, monkeypatch):
    for number in range(20):
        add_job(project, ScoreConfig(prompt=str(number)))
    read, parse = [], jobs.job_from
    monkeypatch.setattr(jobs, "job_from", lambda row: read.append(row["id"]) or parse(row))
    follower, other = Follower(project), open_project(project.folder)

    def polled():
        read.clear()
        return [job.id for job in follower.poll().jobs], read[:]

    assert polled() == (list(range(1, 21)), list(range(1, 21))), "the first look is at all of them"
    assert polled() == ([], [])
    jobs.set_progress(other, 7, "Scoring", 1, 2, 0.0)
    assert polled() == ([7], [7])
    job_metrics.add(other, 7, 1, {"loss": 0.5})
    assert polled() == ([], []), "what a job measures is no change of its row"
    run_rows.forget(other, 20)
    read.clear()
    assert follower.poll().gone == (20,) and read == []
    jobs.set_progress(other, 3, "Scoring", 1, 2, 0.0)
    assert polled() == ([3], [3]), "the newest version went with that job, and this one is newer all the same"
    jobs.set_progress(project, 4, "Scoring", 1, 2, 0.0)
    assert polled() == ([4], [4]), "this connection's own change"
    other.close()


def test_a_project_from_before_is_migrated_with_what_was_hidden_in_its_rows(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", migrations._migrations[:4])
        old = create_project(tmp_path / "old")
    for stage, result in (("Tuning\nScoring 8 completions", {"later_seconds": 12.5, "steps": 3}), ("Done", {})):
        old.database.execute(
            "insert into jobs (kind, name, config, stage, result, created_at) values ('train-policy', 'x', '{}',"
            " ?, ?, '')",
            (stage, json.dumps(result)),
        )
    old.close()
    project = open_project(tmp_path / "old")
    first, second = (queue.get(project, number) for number in (1, 2))
    assert (first.stage, first.doing, first.later_seconds) == ("Tuning", "Scoring 8 completions", 12.5)
    assert (second.stage, second.doing, second.later_seconds) == ("Done", "", 0.0)
    assert first.result.steps == 3
    assert "later_seconds" not in project.database.value("select result from jobs where id = 1")
    assert [job.id for job in Follower(project).poll().jobs] == [1, 2]
    assert list((tmp_path / "old").glob("plumbline.before-m005*.db"))
    project.close()


def test_a_job_is_refused_that_has_no_config_of_its_kind(project):
    with pytest.raises(BadInput, match="Unknown option --temperature"):
        queue.enqueue(project, JobKind.TRAIN_REWARD, {"temperature": 1.0})
