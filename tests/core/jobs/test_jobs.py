"""Jobs as rows: asked, claimed, recorded, followed, killed, resumed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core import worker
from core.config.jobs import JOBS, FetchModelConfig, FetchModelResult, JobKind, algorithm_config, config_values
from core.errors import BadInput
from core.events import Checkpoint, Metrics, Note, Progress, Result, Sample, Samples
from core.jobs import launch, lock, queue
from core.jobs.follow import Follower
from core.jobs.recorder import Recorder, last_checkpoint
from core.records import Job
from core.store import open_project
from core.store.runs import job_log, job_metrics, job_samples

ROOT = Path(__file__).resolve().parents[3]
FETCH = config_values(FetchModelConfig())


def slow_job(context):
    """Counts to 1000, with a checkpoint every 5: a stand-in for training, without torch."""
    step = context.resume_step
    while step < 1000:
        step += 1
        time.sleep(0.01)
        yield Metrics(step, {"loss": float(step)})
        if step % 5 == 0 or context.wanted != "run":
            yield Checkpoint(step, lambda folder, step=step: (folder / "state.txt").write_text(str(step)))
        yield Progress(step, 1000, "Counting")
        if context.stopping:
            return


WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
from core import worker
from core.config.jobs import JOBS
found = JOBS["fetch-model"]
JOBS["fetch-model"] = replace(found, function="tests.core.jobs.test_jobs:slow_job")
sys.exit(worker.serve(Path(sys.argv[1]), idle=20))
"""


@pytest.fixture
def counting(project):
    """A queued job and a real worker process that counts."""
    job = queue.enqueue(project, JobKind.FETCH_MODEL, FETCH)

    def start():
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(project.folder)], cwd=ROOT)
        started.append(process)
        return process

    started: list[subprocess.Popen] = []
    yield project, job, start
    for process in started:
        process.kill()
        process.wait()


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def steps(project, job):
    return [step for step, _ in job_metrics.series(project, job.id).get("loss", [])]


def test_kill_9_in_the_middle_loses_nothing_before_the_checkpoint_and_resumes(counting):
    project, job, start = counting
    process = start()
    until(lambda: len(steps(project, job)) > 12)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not lock.held(project.folder)
    assert Follower(project).poll().jobs[0].status == "interrupted"
    queue.mark_interrupted(project)
    queue.resume(project, job.id)
    start()
    until(lambda: len(steps(project, job)) > 40 and queue.get(project, job.id).attempt == 2)
    found = steps(project, job)
    assert found == list(range(1, len(found) + 1)), "every step once, none missing"
    assert queue.get(project, job.id).attempt == 2


def test_pause_holds_after_a_checkpoint_and_stop_leaves_it_resumable(counting):
    project, job, start = counting
    start()
    until(lambda: len(steps(project, job)) > 3)
    queue.want(project, job.id, "pause")
    until(lambda: queue.get(project, job.id).status == "paused")
    held = len(steps(project, job))
    time.sleep(0.3)
    assert len(steps(project, job)) == held
    assert project.database.value("select max(step) from checkpoints where job_id = ?", job.id) == held
    queue.want(project, job.id, "run")
    until(lambda: len(steps(project, job)) > held)
    queue.want(project, job.id, "stop")
    until(lambda: queue.get(project, job.id).status == "stopped")
    last = len(steps(project, job))
    queue.resume(project, job.id)
    until(lambda: len(steps(project, job)) > last)


def test_there_is_one_worker_for_a_project(counting):
    project, _, start = counting
    first = start()
    until(lambda: lock.held(project.folder))
    second = start()
    assert second.wait(20) == 0
    assert first.poll() is None


@pytest.mark.thorough
def test_a_terminated_worker_leaves_its_job_interrupted(counting):
    project, job, start = counting
    process = start()
    until(lambda: len(steps(project, job)) > 2)
    process.terminate()
    process.wait(10)
    assert queue.get(project, job.id).status == "interrupted"


def run_here(project, events):
    """Run a job made of these events in this process."""
    job = queue.enqueue(project, JobKind.FETCH_MODEL, FETCH)
    claimed = worker.claim(project)

    def function(context):
        yield from events

    sys.modules[__name__].scripted = function
    kept = JOBS["fetch-model"]
    JOBS["fetch-model"] = replace(kept, function=f"{__name__}:scripted")
    try:
        worker.run_job(project, claimed, {})
    finally:
        JOBS["fetch-model"] = kept
    return queue.get(project, job.id)


def raising(error):
    def save(folder):
        (folder / "half.txt").write_text("half")
        raise error

    return save


def test_a_full_disk_fails_with_a_sentence_and_keeps_the_older_checkpoint(project):
    good = Checkpoint(1, lambda folder: (folder / "state.txt").write_text("good"))
    job = run_here(project, [good, Checkpoint(2, raising(OSError(28, "No space left on device")))])
    assert job.status == "failed"
    assert "disk is full" in job.error
    folder = project.run_folder(job.id)
    assert [path.name for path in folder.iterdir()] == ["step-000001"]
    assert last_checkpoint(project, job.id) == (1, folder / "step-000001")


def test_not_enough_memory_and_bugs_are_told_apart(project):
    def job(error):
        def events():
            yield Progress(0, 1, "Working")
            raise error

        return run_here(project, events())

    memory = job(MemoryError())
    assert "Not enough memory" in memory.error
    bug = job(KeyError("oops"))
    assert "bug in Plumbline" in bug.error
    assert "KeyError: 'oops'" in bug.report


def test_events_become_rows_and_only_two_checkpoints_are_kept(project):
    events = [
        Note("hello"),
        Result(FetchModelResult(model="a")),
        Samples(1, (Sample("p", "c", score=0.5),)),
        Metrics(1, {"loss": 2.0}),
    ]
    events += [Checkpoint(step, lambda folder: (folder / "x").write_text("x")) for step in (1, 2, 3)]
    job = run_here(project, [*events, Result(FetchModelResult(dtype="b")), Progress(1, 1, "Done")])
    assert job.status == "done"
    assert job.result == FetchModelResult(model="a", dtype="b")
    kept = json.loads(project.database.value("select result from jobs where id = ?", job.id))
    assert kept == {"model": "a", "adapter": f"runs/{job.id}/step-000003", "dtype": "b"}
    assert [row["text"] for row in job_log.lines(project, job.id)] == ["hello"]
    assert job_samples.listed(project, job.id)[0]["score"] == 0.5
    assert sorted(path.name for path in project.run_folder(job.id).iterdir()) == ["step-000002", "step-000003"]


def test_a_follower_sees_each_row_once_and_in_order(project):
    follower = Follower(project)
    follower.poll()
    other = open_project(project.folder)
    job = run_here(other, [Metrics(step, {"loss": float(step)}) for step in range(5)])
    news = follower.poll()
    assert [row["step"] for row in news.metrics] == [0, 1, 2, 3, 4]
    assert news.jobs[-1].id == job.id
    assert not follower.poll()
    other.close()


def test_a_job_that_makes_no_sense_is_refused_before_it_is_queued(project):
    with pytest.raises(BadInput, match="no job called"):
        queue.enqueue(project, "dance", {})
    with pytest.raises(BadInput, match="--temperature must be at least"):
        queue.enqueue(project, JobKind.GENERATE, {"temperature": -1.0})
    with pytest.raises(BadInput, match="Unknown option --colour"):
        queue.enqueue(project, JobKind.GENERATE, {"colour": "red"})
    with pytest.raises(BadInput, match="no algorithm"):
        algorithm_config({"algorithm": "alchemy"})
    assert queue.listed(project) == []


def test_only_what_can_be_is_paused_or_resumed(project):
    job = queue.enqueue(project, JobKind.FETCH_MODEL, FETCH)
    queue.want(project, job.id, "stop")
    assert queue.get(project, job.id).status == "stopped"
    with pytest.raises(BadInput, match="not running"):
        queue.want(project, job.id, "pause")
    queue.resume(project, job.id)
    assert queue.get(project, job.id).status == "queued"
    with pytest.raises(BadInput, match="cannot be resumed"):
        queue.resume(project, job.id)


@pytest.mark.thorough
def test_the_worker_leaves_when_there_is_nothing_to_do(project):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "worker", str(project.folder), "--idle", "0.5"], env=env
    )
    assert done.returncode == 0
    assert time.monotonic() - began < 15


@pytest.mark.thorough
def test_a_worker_without_work_is_dismissed_and_leaves_no_note(project):
    lock.dismiss(project.folder)
    assert not (project.folder / lock.LEAVE).exists(), "there is nobody to read it"
    at_work = launch.ensure_worker(project.folder, idle=60)
    deadline = time.monotonic() + 20
    while not lock.held(project.folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    lock.dismiss(project.folder)
    assert at_work.wait(10) == 0
    assert not (project.folder / lock.LEAVE).exists()


def test_following_a_job_whose_worker_was_killed_ends_with_a_sentence(project, monkeypatch):
    from core.errors import KnownError
    from core.jobs import launch
    from core.jobs.wait import wait

    monkeypatch.setattr(launch, "ensure_worker", lambda *_, **__: None)
    job = queue.enqueue(project, JobKind.FETCH_MODEL, FETCH)
    worker.claim(project)
    with pytest.raises(KnownError, match="The worker ended in the middle of job 1"):
        wait(project, job.id, lambda job: None)


def test_nothing_is_said_of_the_end_while_the_pace_is_unknown():
    begun = Job(1, "train-policy", "Tune", {}, "running", "run", done=3, total=6)
    assert begun.eta is None, "resumed at step 3, and no step done since"
    assert replace(begun, seconds=30.0).eta == 30.0


def test_a_job_waits_for_whoever_writes_for_long(project, monkeypatch):
    """As an import of a hundred thousand rows does, which is one transaction."""
    job = queue.enqueue(project, JobKind.FETCH_MODEL, FETCH)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **how: connect(*given, **how | {"timeout": 0.05}))
    mine, begun = worker.opened(project.folder), threading.Event()

    def write_for_long():
        with closing(open_project(project.folder)) as other, other.write():
            begun.set()
            time.sleep(0.5)

    thread = threading.Thread(target=write_for_long)
    thread.start()
    begun.wait()
    Recorder(mine, job.id).record(Progress(1, 2, "Writing"))
    assert queue.get(mine, job.id).done == 1
    mine.close()
    thread.join()
