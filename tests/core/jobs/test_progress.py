"""What jobs and runs say of themselves: what they do right now, when they end, where they were resumed."""

import time
from dataclasses import replace

import pytest

from core import worker
from core.cli import run as cli
from core.cli.output import describe
from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig
from core.events import Progress, Rollback
from core.jobs import progress, queue, resumes
from core.jobs.follow import Follower
from core.jobs.progress import StatusReporter
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.records import Job
from core.runs import pinned_prompts
from core.store import jobs, open_project, prompts
from core.store.runs import job_log, job_samples
from tests.jobs import set_job

GOLD = "regex:[a-m]"
POLICY = TrainPolicyConfig(
    steps=4, gold=GOLD, train_on_gold=True, eval_prompts=1, max_new_tokens=6, batch_size=8, checkpoint_every=1,
    lora_rank=4,
)  # fmt: skip
PPO = ALGORITHMS["ppo"].config()


def told_stages(monkeypatch):
    """What jobs do from now on as it is written to their rows, each with its stage."""
    found, write = [], jobs.set_doing

    def set_doing(project, job_id, doing):
        write(project, job_id, doing)
        found.append((queue.get(project, job_id).stage, doing))

    monkeypatch.setattr(jobs, "set_doing", set_doing)
    return found


def test_a_step_says_what_it_does_and_each_new_step_begins_afresh(asking, run_job, monkeypatch):
    monkeypatch.setattr(progress, "A_SECOND", 10_000)
    monkeypatch.setattr(progress, "COUNT", 0.0)
    found = told_stages(monkeypatch)
    job = run_job(asking, JobKind.TRAIN_POLICY, replace(POLICY, reference_answers=False), PPO)
    assert job.status == "done", job.report or job.error
    first = [doing for stage, doing in found if stage == "Tuning the policy (PPO)"]
    assert [text for text in first if "token" not in text][:4] == [
        "Comparing with the reference", "Learning", "Learning, pass 1 of 2", "Learning, pass 2 of 2",
    ]  # fmt: skip
    assert "Writing 8 completions, token 1 of 6" in first
    assert (job.stage, job.doing, job.done, job.total) == ("Done", "", 4, 4), "the end says how many steps there were"
    assert any(stage == "Measuring the reference" and doing.startswith("Writing") for stage, doing in found)


@pytest.mark.thorough
def test_while_a_policy_is_tuned_its_estimate_knows_of_the_measuring_at_the_end(asking, run_job, capsys):
    told = {"Measuring the reference": [], "Tuning the policy (PPO)": [], "Measuring the tuned policy": []}

    def look(sql):
        if "set stage =" in sql:
            for stage in told:
                told[stage] += [queue.get(other, 1).later_seconds] if f"'{stage}'" in sql else []

    other = open_project(asking.folder)
    asking.database.conn.set_trace_callback(look)
    job = run_job(asking, JobKind.TRAIN_POLICY, POLICY, PPO)
    other.close()
    assert job.status == "done", job.report or job.error
    before, tuning, after = (set(values) for values in told.values())
    assert (before, after) == ({-1.0}, {0.0}), "before the first step nobody knows how long the steps take"
    assert len(tuning) == 1 and min(tuning) > 0, "as long as measuring the reference took"
    assert cli(["watch", str(asking.folder), str(job.id), "--json"]) == 0
    shown = capsys.readouterr().out
    assert "reward_after" in shown and "later_seconds" not in shown


def test_training_a_reward_model_says_what_it_does(asking, run_job, monkeypatch):
    run_job(asking, JobKind.GENERATE, GenerateConfig(max_new_tokens=6))
    gold.rank_all(asking, GOLD)
    monkeypatch.setattr(progress, "A_SECOND", 10_000)
    found = told_stages(monkeypatch)
    job = run_job(asking, JobKind.TRAIN_REWARD, TrainRewardConfig(epochs=1))
    assert (job.status, job.done > 1, job.done == job.total) == ("done", True, True)
    for words in ("Measuring how much fits into memory", "Learning", "Scoring completions"):
        assert any(doing.startswith(words) for _, doing in found), words


def test_a_hundred_words_a_second_become_a_few_and_a_new_thing_is_never_held_back_long(monkeypatch):
    written, now = [], [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    report = StatusReporter(lambda text: written.append((now[0], text)))
    for tick in range(300):
        now[0] = tick / 100
        report("Writing", "token", tick + 1, 300)
    assert [text for _, text in written] == [
        "Writing, token 1 of 300",
        "Writing, token 101 of 300",
        "Writing, token 201 of 300",
    ]
    report("Scoring")
    report("Learning")
    assert [text for _, text in written[3:]] == ["Scoring", "Learning"]
    for tick in range(1000):
        report(f"Thing {tick}")
    assert len(written) <= 3 + progress.A_SECOND


def test_the_line_of_the_cli_and_a_follower_see_what_a_job_does_without_calling_it_news_of_the_job(project):
    job = queue.enqueue(project, JobKind.FETCH_MODEL, {})
    follower = Follower(project)
    other = open_project(project.folder)
    set_job(other, 1, status="queued", stage="Working", done=1, total=3)
    assert follower.poll().jobs[0].stage == "Working"
    set_job(other, job.id, doing="Scoring")
    news = follower.poll()
    assert (news.jobs, [each.doing for each in news.doing]) == ([], ["Scoring"])
    assert describe(replace(news.doing[0], status="running")) == "Working: 1/3 · Scoring"
    other.database.execute("delete from jobs")
    assert follower.poll().gone == (job.id,)
    other.close()


def test_the_estimate_counts_down_by_no_more_than_the_step_that_is_at_work():
    job = Job(1, "train-policy", "PPO", {}, "running", "run", done=4, total=10, seconds=40.0)
    assert [job.eta_after(waited) for waited in (0, 3, 10, 100)] == [60.0, 57.0, 50.0, 50.0]
    assert replace(job, done=0).eta_after(5) is None
    assert replace(job, later_seconds=7.0).eta_after(3) == 64.0
    assert replace(job, later_seconds=-1.0).eta is None, "what comes after the stage may take long"


def test_how_long_a_job_took_is_read_from_its_beginning_and_end():
    job = Job(1, "train-policy", "PPO", {}, "done", "run", started_at="2026-01-01T00:00:00.000+00:00",
              finished_at="2026-01-01T00:01:30.000+00:00")  # fmt: skip
    assert job.took == 90
    assert replace(job, status="interrupted").took is None, "nobody saw it end"
    assert replace(job, started_at=None).took is None


@pytest.mark.thorough
def test_a_resumed_run_remembers_where_and_a_rollback_forgets_later_ones(asking, run_job, monkeypatch):
    record = Recorder.record

    def stop_at_two(self, event):
        if isinstance(event, Progress) and event.stage.startswith("Tuning") and event.done == 2:
            queue.want(self.project, self.job_id, "stop")
        return record(self, event)

    monkeypatch.setattr(Recorder, "record", stop_at_two)
    job = run_job(asking, JobKind.TRAIN_POLICY, POLICY, PPO)
    assert (job.status, jobs.resumes(asking, job.id)) == ("stopped", [])
    monkeypatch.setattr(Recorder, "record", record)
    queue.resume(asking, job.id)
    worker.run_job(asking, worker.claim(asking), {})
    assert queue.get(asking, job.id).status == "done"
    assert [(each.step, each.paused) for each in jobs.resumes(asking, job.id)] == [(2, 0.0)]
    assert "Resumed at step 2, after it had ended." in [row["text"] for row in job_log.lines(asking, job.id)]
    Recorder(asking, job.id).record(Rollback(1, "Step 3 went wrong.", wait=False))
    assert jobs.resumes(asking, job.id) == []


@pytest.mark.parametrize(("long", "marked"), [(0.05, [3]), (60.0, [])])
def test_a_long_pause_is_remembered_and_a_short_one_is_not(project, monkeypatch, long, marked):
    monkeypatch.setattr(resumes, "LONG_PAUSE", long)
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, PPO))
    recorder = Recorder(project, job.id)
    recorder.record(Progress(3, 10, "Tuning"))
    assert recorder.hold(1.0) == "run"
    assert [each.step for each in jobs.resumes(project, job.id)] == marked


@pytest.mark.thorough
def test_prompts_held_out_after_a_run_began_are_left_out_when_its_policy_is_compared(asking, run_job):
    job = run_job(asking, JobKind.TRAIN_POLICY, POLICY, PPO)
    taken = prompts.listed(asking, split="train")[:2]
    assert pinned_prompts.held_out_since(asking, job.id) == 0
    for prompt in taken:
        prompts.edit(asking, prompt.id, split="heldout")
    assert pinned_prompts.held_out_since(asking, job.id) == 2
    config = CompareConfig(gold=GOLD, max_new_tokens=6)
    compared = run_job(asking, JobKind.COMPARE, config)
    assert (compared.result.prompts, compared.result.left_out) == (3, 2)
    assert not {prompt.text for prompt in taken} & {row["prompt"] for row in job_samples.listed(asking, compared.id)}
    for prompt in prompts.listed(asking, split="heldout"):
        if prompt not in prompts.listed(asking, split="train") and prompt.id not in {each.id for each in taken}:
            prompts.edit(asking, prompt.id, split="train")
    refused = run_job(asking, JobKind.COMPARE, config)
    assert (refused.status, f"that run {job.id} did not train on" in refused.error) == ("failed", True)


def test_a_word_does_not_wait_for_who_else_writes(project):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, PPO))
    recorder = Recorder(project, job.id)
    other = open_project(project.folder)
    other.database.execute("begin immediate")
    began = time.monotonic()
    recorder.report_status("Scoring")
    assert time.monotonic() - began < 1
    other.database.execute("rollback")
    other.close()
    assert queue.get(project, job.id).doing == ""
    recorder.report_status("Scoring")
    assert queue.get(project, job.id).doing == "Scoring"
    assert project.database.value("pragma busy_timeout") == 10_000, "what counts waits as long as ever"


def test_a_run_that_begins_anew_forgets_where_it_was_resumed(project):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, PPO))
    resumes.mark(project, job.id, 5)
    assert worker.claim(project).id == job.id, "without a checkpoint"
    assert jobs.resumes(project, job.id) == []
