"""Do a run's first steps give the numbers again that it recorded? And what is said where they do not."""

import hashlib
import json
import math
import shutil
from dataclasses import replace

import pytest

from core.config.jobs import JobKind
from core.config.verifying import VerifyConfig, VerifyResult
from core.events import Result
from core.jobs import queue
from core.jobs.context import JobContext
from core.projects import archive
from core.runs import environments, verification, wishes
from core.runs.environments import Environment
from core.runs.verification import Difference
from core.store import chat_settings, guidelines, open_project
from core.trust import gate
from core.trust.wish import AskFirst
from tests.core.runs.conftest import DPO, PPO, REWARD
from tests.jobs import add_job, set_job


@pytest.fixture
def verified(looped, run_job):
    def run(number, steps=2):
        job = run_job(looped, JobKind.VERIFY, VerifyConfig(number, steps))
        assert job.status == "done", job.report or job.error
        return job.result

    return run


def kept(looped):
    """All files of the runs, and all rows that are of no job that verifies."""
    files = {
        path.relative_to(looped.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((looped.folder / "runs").rglob("*"))
        if path.is_file()
    }
    rows = {
        table: looped.database.rows(f"select * from {table} where {column} <= 5")
        for table, column in (("jobs", "id"), ("metrics", "job_id"), ("samples", "job_id"), ("checkpoints", "job_id"),
                              ("scores", "job_id"), ("rankings", "0"), ("prompts", "0"), ("completions", "0"))
    }  # fmt: skip
    return files, rows


def test_a_run_is_the_same_again_and_nothing_of_it_changes(looped, verified):
    before = kept(looped)
    for run in (REWARD, PPO, DPO):
        found = verified(run)
        assert (found.verdict, found.elsewhere, found.largest) == ("same", (), None), verification.sentence(found)
        assert found.values >= 10 and found.steps == 2
    assert kept(looped) == before


@pytest.mark.thorough
def test_what_people_changed_since_does_not_matter(looped, verified):
    guidelines.save(looped, criteria="Be short.", ties="", flags="", examples="")
    with looped.write() as database:
        database.execute("update prompts set text = 'other ' || text")
        database.execute("update rankings set retracted_at = '2026-01-01'")
    chat_settings.choose(looped, replace(chat_settings.get(looped), system_prompt="Be brief."))
    for run in (REWARD, PPO, DPO):
        found = verified(run)
        assert found.verdict == "same", verification.sentence(found)


def test_the_first_number_that_differs_is_named(looped, verified, plumbline):
    def record(value):
        with looped.write() as database:
            database.execute(
                "update metrics set value = ? where job_id = ? and step = 2 and name = 'objective/scores'", (value, PPO)
            )

    true = looped.database.value(
        "select value from metrics where job_id = ? and step = 2 and name = 'objective/scores'", PPO
    )
    record(true + 0.1)
    found = verified(PPO)
    assert (found.verdict, found.metric, found.step, found.now) == ("different", "objective/scores", 2, true)
    assert "Nothing that the run recorded of its surroundings differs" in verification.sentence(found)
    record(true * (1 + 1e-5))
    found = verified(PPO)
    assert found.verdict == "rounding" and found.largest == pytest.approx(1e-5, rel=1e-2)


def test_in_what_this_machine_differs_is_said(looped, verified):
    path = looped.run_file(REWARD, environments.KEPT)
    (values,) = json.loads(path.read_text())
    path.write_text(json.dumps([values | {"torch": "2.0.0", "threads": 64}]))
    found = verified(REWARD)
    assert found.verdict == "same" and len(found.elsewhere) == 2
    assert "torch 2.0.0 then" in verification.sentence(found) and "threads 64 then" in verification.sentence(found)
    path.unlink()
    assert "not known" in verified(REWARD).elsewhere[0]


def test_what_cannot_be_done_again_is_one_sentence(looped, run_job, plumbline, tiny_gpt2):
    def refused(words, run=PPO):
        job = run_job(looped, JobKind.VERIFY, VerifyConfig(run, 1))
        assert job.status == "failed" and job.report is None and words in job.error, job.error

    file = looped.run_file(PPO, "prompts.json")
    aside = file.rename(file.with_name("aside"))
    refused("is gone, in which the run kept what it began with")
    aside.rename(file)
    base = looped.setting("model")
    looped.set_setting("model", str(tiny_gpt2))
    refused("was trained on another base model", REWARD)
    refused("on another base model")
    looped.set_setting("model", base)
    weights = next((looped.folder / queue.get(looped, REWARD).result.adapter).rglob("adapter_model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-8])
    refused("damaged")
    with looped.write() as database:
        database.execute("delete from jobs where id = ?", (REWARD,))
    refused(f"There is no job {REWARD} any more")
    for run, words in ((1, "trained nothing"), (99, "There is no job 99")):
        code, _, err = plumbline("verify", looped.folder, run)
        assert code == 2 and words in err
    set_job(looped, PPO, status="paused")
    code, _, err = plumbline("verify", looped.folder, PPO)
    assert code == 2 and "is paused" in err


def test_an_archive_holds_all_that_it_takes(looped, run_job, tmp_path):
    archive.archive(looped.folder, tmp_path / "kept.plumbline.zip")
    archive.restore(tmp_path / "kept.plumbline.zip", tmp_path / "restored")
    shutil.rmtree(looped.folder)
    restored = open_project(tmp_path / "restored")
    for run in (REWARD, PPO, DPO):
        found = run_job(restored, JobKind.VERIFY, VerifyConfig(run, 1))
        assert found.status == "done" and found.result.verdict == "same", found.error
    restored.close()


def test_a_restored_project_is_asked_about_the_code_that_a_run_names(looped, tmp_path):
    code = tmp_path / "own.py"
    code.write_text("def reward(prompt, completion):\n    return 1.0\n")
    run = queue.get(looped, PPO)
    named = add_job(looped, replace(run.config, gold=f"{code}:reward"), run.options, status="done")
    config = VerifyConfig(named.id)
    assert any(each.kind == "code" for each in wishes.named(looped, config))
    archive.archive(looped.folder, tmp_path / "kept.plumbline.zip")
    archive.restore(tmp_path / "kept.plumbline.zip", tmp_path / "restored")
    restored = open_project(tmp_path / "restored")
    gate.arrive(restored)
    with pytest.raises(AskFirst, match=r"own\.py"):
        wishes.choose(restored, config)
    with pytest.raises(AskFirst, match=r"own\.py"):
        wishes.check(restored, config)
    restored.close()


def test_it_can_be_stopped(looped, run_job):
    from core.compare import verify_job

    context = JobContext(looped, 99, VerifyConfig(PPO, 2))
    said = []
    for event in verify_job.run(context):
        said.append(event)
        context.wanted = "stop"
    assert [each.result for each in said if isinstance(each, Result)] == [VerifyResult(run=PPO)]


@pytest.mark.parametrize(
    ("dtypes", "then", "now", "metric", "rounding"),
    [
        (("float32",), 1.0, 1.0 + 3e-4, "loss", True), (("float32",), 1.0, 1.0 + 4e-4, "loss", False),
        (("float32", "bfloat16"), 1.0, 1.08, "loss", True), (("bfloat16",), 1.0, 1.1, "loss", False),
        (("float32",), 0.0, 3e-6, "loss", True), (("float32",), 0.0, 5e-6, "loss", False),
        (("bfloat16",), 1e-5, 2e-5, "lr", False), (("bfloat16",), 1e-5, 2e-5, "loss", True),
        (("4 bits",), 1.0, 1.08, "loss", True),
    ],
)  # fmt: skip
def test_rounding_is_half_of_the_digits(dtypes, then, now, metric, rounding):
    allowed = verification.tolerance(*dtypes)
    assert allowed == pytest.approx(math.sqrt(2.0**-7 if {"bfloat16", "4 bits"} & {*dtypes} else 2.0**-23))
    assert Difference(1, metric, then, now, 0.0).is_rounding(allowed) is rounding


def test_what_became_no_number_differs():
    (found,) = verification.differences({"loss": 1.0, "lr": 2.0}, {"loss": math.nan, "lr": 2.0, "kl": 1.0}, 3)
    assert (found.metric, found.step, found.is_rounding(0.1)) == ("loss", 3, False)
    result = VerifyResult(run=3, steps=3, values=2, verdict="different", metric="loss", step=3, then=1.0)
    assert "was 1 then and is no number now" in verification.sentence(result)


def test_what_decides_about_numbers_is_compared():
    one = Environment(torch="2.12.0", threads=2, dtype="float32")
    assert environments.differences(one, replace(one, step=9, python="3.14")) == []
    assert environments.differences(one, replace(one, torch="2.13.0", speed_ups=False)) == [
        "torch 2.12.0 then, 2.13.0 now", "speed-ups on then, off now",
    ]  # fmt: skip
