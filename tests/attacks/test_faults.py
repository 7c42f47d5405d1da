"""Faults of training and its worker: kills between transactions, damaged checkpoints, folders that go away."""

import os
import shutil
import signal
import sys
import time
import warnings
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from core import worker
from core.config.jobs import JOBS, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult
from core.events import Checkpoint, Metrics, Progress, Result
from core.jobs import checkpoint_files, queue
from core.jobs.checkpoint_files import SEAL
from core.store import Project, open_project
from core.store.runs import checkpoints, job_log, job_metrics

STEPS = 5
KILLED = 9
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")


def counting(context):
    """A stand-in for training without torch: the weights say which steps they have seen."""
    weights = (context.resume_from / "policy" / "weights").read_bytes() if context.resume_from else b""
    for step in range(context.resume_step + 1, STEPS + 1):
        weights += bytes([step])
        yield Metrics(step, {"loss": float(step)})
        yield Checkpoint(step, lambda folder, kept=weights: save(folder, kept), best=step == 2)
        yield Progress(step, STEPS, "Counting")
        if context.stopping:
            return
    yield Result(TrainPolicyResult(steps=STEPS))


def save(folder, weights):
    (folder / "policy").mkdir()
    (folder / "policy" / "weights").write_bytes(weights)
    (folder / "loop.json").write_text("{}")


@pytest.fixture
def counted(monkeypatch):
    """Tuning a policy is counting."""
    spec = JOBS[JobKind.TRAIN_POLICY]
    monkeypatch.setitem(JOBS, JobKind.TRAIN_POLICY, replace(spec, function=f"{__name__}:counting"))


def asked(project):
    return queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(TrainPolicyConfig(), ALGORITHMS["ppo"].config()))


def work(project, job):
    """Claim the job and run it here; returns it as it is then."""
    if (claimed := worker.claim(project, job.id)) is not None:
        worker.run_job(project, claimed, {})
    return queue.get(project, job.id)


def fork(work):
    """A process that does this; no database may be open here when it begins."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there may be other threads, which the child does without
        pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def forked(work):
    """The exit code of a process that does this."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def assert_whole(project, job):
    """It ended with the weights of its last step, and every step was told once."""
    job = queue.get(project, job.id)
    assert (job.status, job.result.steps) == ("done", STEPS), job.error
    assert job.result.adapter == f"runs/{job.id}/step-{STEPS:06d}"
    weights = (project.folder / job.result.adapter / "policy" / "weights").read_bytes()
    assert weights == bytes(range(1, STEPS + 1))
    assert [step for step, _ in job_metrics.series(project, job.id)["loss"]] == list(range(1, STEPS + 1))
    assert checkpoints.on_disk(project, job.id)[0][0] == STEPS


# --- the checkpoint and the adapter that counts -------------------------------------------------------------------


class Boundaries:
    """Ends the process in front of or behind the transaction of that number since the metrics of `first` were told."""

    def __init__(self, first, number):
        self.first, self.number, self.passed = first, number, None
        self.write, self.add = Project.write, job_metrics.add

    def begin(self):
        job_metrics.add, Project.write = self.metrics, lambda project: self.transaction(project)

    def metrics(self, project, job_id, step, values):
        self.add(project, job_id, step, values)
        if step == self.first:
            self.passed = 0

    @contextmanager
    def transaction(self, project):
        nested = project.database.conn.in_transaction
        self.step(nested)
        with self.write(project) as database:
            yield database
        self.step(nested)

    def step(self, nested):
        if self.passed is not None and not nested:
            self.passed += 1
            if self.passed == self.number:
                os._exit(KILLED)


def runs(folder, job_id):
    project = open_project(folder, synchronous="OFF")
    worker.run_job(project, worker.claim(project, job_id), {})


@needs_fork
@pytest.mark.parametrize("first", [STEPS, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_before_or_after_any_transaction_a_run_ends_with_the_weights_of_its_last_step(
    counted, empty_project, tmp_path, first
):
    folder, number, code = tmp_path / "project", 0, KILLED
    shutil.copytree(empty_project, folder)
    while code == KILLED:
        number += 1
        with closing(open_project(folder, synchronous="OFF")) as project:
            job = asked(project)

        def dies(job=job, number=number):
            Boundaries(first, number).begin()
            runs(folder, job.id)

        code = forked(dies)
        with closing(open_project(folder, synchronous="OFF")) as project:
            queue.mark_interrupted(project)
            if queue.get(project, job.id).status == "interrupted":
                queue.resume(project, job.id)
            work(project, job)
            assert_whole(project, job)
    assert number > 8, "the kills began too late to be about the last step"


@needs_fork
def test_killed_while_another_writer_holds_the_database_it_ends_with_the_same_weights(counted, empty_project, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(empty_project, folder)
    with closing(open_project(folder, synchronous="OFF")) as project:
        job = asked(project)
    told, go = tmp_path / "told", tmp_path / "go"

    def waits():
        """It saves its last checkpoint when somebody else writes."""
        save_whole = checkpoint_files.save_whole

        def waiting(event, final):
            if event.step == STEPS:
                told.touch()
                until(go.exists)
            save_whole(event, final)

        checkpoint_files.save_whole = waiting
        runs(folder, job.id)

    pid = fork(waits)
    until(told.exists)
    with closing(open_project(folder, synchronous="OFF")) as project:
        with project.write():
            go.touch()
            until((project.run_folder(job.id) / f"step-{STEPS:06d}").is_dir)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert checkpoints.written(project, job.id)[0][0] == STEPS - 1
        queue.mark_interrupted(project)
        queue.resume(project, job.id)
        work(project, job)
        assert_whole(project, job)


def test_a_claim_sets_the_adapter_to_the_newest_checkpoint_whatever_was_said_before(counted, project):
    """As an older version left it that was killed between its two transactions."""
    job = work(project, asked(project))
    with project.write() as database:
        database.execute(
            "update jobs set status = 'interrupted', result = json_set(result, '$.adapter', ?) where id = ?",
            (f"runs/{job.id}/step-{STEPS - 1:06d}", job.id),
        )
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


# --- damaged checkpoints ------------------------------------------------------------------------------------------


def cut(folder):
    path = folder / "policy" / "weights"
    path.write_bytes(path.read_bytes()[:-1])


def flip(folder):
    path = folder / "policy" / "weights"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def lose_a_file(folder):
    (folder / "loop.json").unlink()


def lose_all(folder):
    shutil.rmtree(folder)


def break_the_seal(folder):
    (folder / SEAL).write_text("{")


def lose_the_seal_and_break(folder):
    """As an older version wrote it, before it was damaged."""
    (folder / SEAL).unlink()
    (folder / "loop.json").write_text('{"live"')


def lose_the_seal_and_cut(folder):
    from safetensors.numpy import save_file

    (folder / SEAL).unlink()
    import numpy

    save_file({"a": numpy.zeros(8)}, folder / "policy" / "a.safetensors")
    with (folder / "policy" / "a.safetensors").open("r+b") as file:
        file.truncate(60)


DAMAGES = (cut, flip, lose_a_file, lose_all, break_the_seal, lose_the_seal_and_break, lose_the_seal_and_cut)


def interrupted(project):
    """A run that was killed after its last checkpoint."""
    job = work(project, asked(project))
    with project.write() as database:
        database.execute("update jobs set status = 'interrupted' where id = ?", (job.id,))
    return queue.get(project, job.id)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_goes_on_from_the_last_whole_checkpoint_and_says_so(counted, project, damage):
    job = interrupted(project)
    damage(project.folder / job.result.adapter)
    queue.resume(project, job.id)
    claimed = worker.claim(project)
    assert claimed.result.adapter == f"runs/{job.id}/step-{STEPS - 1:06d}", "nobody uses the damaged one meanwhile"
    worker.run_job(project, claimed, {})
    assert_whole(project, job)
    assert [(each.step, each.damaged) for each in queue.get(project, job.id).result.resumed] == [(STEPS - 1, STEPS)]
    said = [line["text"] for line in job_log.lines(project, job.id)]
    assert any(text.startswith(f"A damaged checkpoint is passed over (step {STEPS}: ") for text in said), said


def test_a_checkpoint_of_an_older_version_has_no_checksums_and_is_gone_on_from(counted, project):
    job = interrupted(project)
    (project.folder / job.result.adapter / SEAL).unlink()
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)
    assert queue.get(project, job.id).result.resumed[-1].step == STEPS


def test_without_any_whole_checkpoint_a_run_says_so_keeps_its_rows_and_begins_anew_when_resumed_again(counted, project):
    job = interrupted(project)
    for _, folder in checkpoints.written(project, job.id):
        cut(folder)
    queue.resume(project, job.id)
    job = work(project, job)
    assert job.status == "failed"
    assert "None of the run's checkpoints is whole (step 5: policy/weights is not as it was written" in job.error
    assert "resume begins it anew" in job.error
    assert (job.result.adapter, job.result.best, job.report) == ("", "", None)
    assert len(job_metrics.series(project, job.id)["loss"]) == STEPS
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


# --- a project that goes away -------------------------------------------------------------------------------------


def running_into(project, monkeypatch, fault, *, saving):
    """The job as it ended whose project meets `fault` at its third step, or while it saves that step's checkpoint."""

    count = counting

    def events(context):
        for event in count(context):
            if isinstance(event, Checkpoint) and event.step == 3:
                if not saving:
                    fault()
                else:
                    event = replace(event, save=lambda folder: (save(folder, b"?"), fault()))
            yield event

    monkeypatch.setattr(sys.modules[__name__], "counting", events)
    return work(project, asked(project))


@pytest.mark.parametrize("saving", [False, True], ids=["between", "saving"])
def test_a_project_that_is_moved_stops_its_job_and_resumes_where_it_is_now(
    counted, project, tmp_path, monkeypatch, saving
):
    there, before = tmp_path / "elsewhere", counting
    job = running_into(project, monkeypatch, lambda: project.folder.rename(there), saving=saving)
    assert job.status == "failed"
    assert job.error.startswith(f"The project is no longer in {project.folder}: open it where it is now")
    assert job.report is None
    assert not project.folder.exists(), "nothing is made anew at the old path"
    monkeypatch.setattr(sys.modules[__name__], "counting", before)
    with closing(open_project(there, synchronous="OFF")) as moved:
        assert queue.get(moved, job.id).error == job.error
        queue.resume(moved, job.id)
        work(moved, job)
        assert_whole(moved, job)


@pytest.mark.parametrize("saving", [False, True], ids=["between", "saving"])
def test_a_project_that_is_deleted_stops_its_job_and_nothing_is_made_anew(counted, project, monkeypatch, saving):
    job = running_into(project, monkeypatch, lambda: shutil.rmtree(project.folder), saving=saving)
    assert "no longer in" in job.error
    assert not project.folder.exists()


def test_another_project_in_the_same_place_is_left_alone(counted, project, empty_project, tmp_path, monkeypatch):
    def replaced():
        project.folder.rename(tmp_path / "elsewhere")
        shutil.copytree(empty_project, project.folder)

    job = running_into(project, monkeypatch, replaced, saving=False)
    assert "no longer in" in job.error
    assert not list((project.folder / "runs").iterdir())
    with closing(open_project(project.folder)) as other:
        assert queue.listed(other) == []
