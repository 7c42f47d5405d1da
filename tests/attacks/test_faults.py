"""Faults of training and its worker: kills between transactions, damaged checkpoints, folders that go away."""

import errno
import itertools
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from core import worker
from core.cli import run
from core.config.jobs import JOBS, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult
from core.errors import BadInput, KnownError, ProjectError, known
from core.events import Checkpoint, Metrics, Progress, Result
from core.jobs import checkpoint_files, launch, lock, presence, queue, worker_process
from core.jobs.checkpoint_files import SEAL
from core.jobs.context import JobContext
from core.jobs.follow import Follower
from core.jobs.recorder import last_checkpoint
from core.jobs.wait import wait
from core.jobs.worker_process import Life
from core.labeling.drafts import ChangedElsewhere, RankedElsewhere
from core.labeling.session import LabelingSession
from core.projects import trash
from core.store import DATABASE, Project, labelers, open_project
from core.store.files import plain
from core.store.runs import checkpoints, job_log, job_metrics
from tests.jobs import set_job
from tests.older import TO_M008

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


@needs_fork
@pytest.mark.parametrize("moment", range(4))
def test_killed_while_a_checkpoint_replaces_one_of_its_step_one_of_them_is_whole(
    counted, project, tmp_path, monkeypatch, moment
):
    """A stage's end may be written in the step that was written last."""
    job = asked(project)
    work(project, job)
    final = checkpoints.folder_of(project, job.id, STEPS)
    before = (final / "policy" / "weights").read_bytes()

    def dies():
        moves = itertools.count()
        for owner, name in ((Path, "rename"), (shutil, "rmtree")):
            real = getattr(owner, name)

            def step(path, *rest, real=real, **more):
                if Path(path).name.startswith("step-") and Path(path).is_dir() and next(moves) == moment:
                    if real is shutil_rmtree:
                        (Path(path) / SEAL).unlink()
                    os._exit(KILLED)
                return real(path, *rest, **more)

            setattr(owner, name, step)
        checkpoint_files.save_whole(Checkpoint(STEPS, lambda folder: save(folder, b"newer")), final)

    shutil_rmtree = shutil.rmtree
    code = forked(dies)
    assert code == (KILLED if moment < 3 else 0), "there are three moves"
    set_job(project, job.id, status="interrupted")
    queue.resume(project, job.id)
    assert worker.claim(project).id == job.id
    assert not checkpoint_files.damage(final)
    assert (final / "policy" / "weights").read_bytes() in (before, b"newer")
    assert last_checkpoint(project, job.id)[0] == STEPS


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


def picky(context):
    """As a library that misses a layer in what it reads."""
    if context.resume_from:
        with checkpoint_files.reading(context.resume_step):
            if (context.resume_from / "policy" / "weights").read_bytes().endswith(b"?"):
                raise KeyError("lora_A")
    yield from counting(context)


def test_a_checkpoint_that_looks_whole_and_cannot_be_read_is_not_tried_twice(project, monkeypatch):
    spec = JOBS[JobKind.TRAIN_POLICY]
    monkeypatch.setitem(JOBS, JobKind.TRAIN_POLICY, replace(spec, function=f"{__name__}:picky"))
    job = interrupted(project)
    newest = project.folder / job.result.adapter
    (newest / SEAL).unlink()
    (newest / "policy" / "weights").write_bytes(b"?")
    queue.resume(project, job.id)
    job = work(project, job)
    assert (job.status, job.report) == ("failed", None)
    assert job.error.startswith(f"The checkpoint of step {STEPS} is damaged ('lora_A'): resume goes on from the last")
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


def test_what_a_run_began_with_is_a_sentence_where_it_is_damaged(project):
    job = asked(project)
    context = JobContext(project, job.id, TrainPolicyConfig())
    assert context.pinned("prompts.json", lambda: [1]) == [1]
    context.resume_from = context.folder / "step-000001"
    assert context.pinned("prompts.json", lambda: [2]) == [1]
    for damaged in (b"[1", b"\xff\xfe", b""):
        (context.folder / "prompts.json").write_bytes(damaged)
        with pytest.raises(BadInput, match=r"prompts\.json is damaged.*begin a new one"):
            context.pinned("prompts.json", lambda: [2])


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


def refuse_to_read(project, job, monkeypatch):
    """As a disk that fails at the newest checkpoint, while the one before it can be read."""
    opened, newest = plain.opened, project.folder / job.result.adapter

    def fails(path):
        if path.is_relative_to(newest):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return opened(path)

    monkeypatch.setattr(plain, "opened", fails)
    return lambda: monkeypatch.setattr(plain, "opened", opened)


def refuse_to_list(project, job, monkeypatch):
    """As a folder in a checkpoint that another user closed; nobody refuses root, so the system's answer is put in."""
    scan = os.scandir

    def refuses(path="."):
        if os.fspath(path).endswith("policy"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuses)
    return lambda: monkeypatch.setattr(os, "scandir", scan)


def move_aside(project, job, monkeypatch):
    runs = project.run_folder(job.id)
    aside = runs.rename(project.folder / "not-mounted")
    return lambda: aside.rename(runs)


def move_all_aside(project, job, monkeypatch):
    """As an empty folder that a disk is mounted on."""
    back = move_aside(project, job, monkeypatch)
    runs = project.run_folder(job.id)
    runs.mkdir()
    return lambda: (runs.rmdir(), back())


def lead_nowhere(project, job, monkeypatch):
    """As a link to a disk that is not there."""
    folder = project.folder / job.result.adapter
    there = folder.rename(project.folder / "elsewhere")
    folder.symlink_to(project.folder / "unplugged")
    return lambda: (folder.unlink(), there.rename(folder))


OUT_OF_REACH = {
    refuse_to_read: "Input/output error.*see to its disk and its permissions, then try again",
    refuse_to_list: "Permission denied.*see to its disk and its permissions, then try again",
    move_aside: "are not there: bring them back and try again, or begin a new run",
    move_all_aside: "bring back those that are gone, then resume, or begin a new run",
    lead_nowhere: "are not there: bring them back and try again, or begin a new run",
}


@pytest.mark.parametrize("hide", OUT_OF_REACH)
def test_a_checkpoint_that_cannot_be_looked_at_is_kept_and_gone_on_from_once_it_can(
    counted, project, monkeypatch, hide
):
    job = interrupted(project)
    written = checkpoints.listed(project, job.id)
    show = hide(project, job, monkeypatch)
    queue.resume(project, job.id)
    failed = work(project, job)
    assert (failed.status, failed.report) == ("failed", None)
    assert re.search(OUT_OF_REACH[hide], failed.error)
    assert failed.result == job.result
    assert [tuple(row) for row in checkpoints.listed(project, job.id)] == [tuple(row) for row in written]
    assert len(job_metrics.series(project, job.id)["loss"]) == STEPS
    show()
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)
    assert [each.step for each in queue.get(project, job.id).result.resumed] == [STEPS]


def test_a_checkpoint_that_goes_away_after_the_claim_is_not_begun_anew_without(counted, project, monkeypatch):
    job = interrupted(project)
    queue.resume(project, job.id)
    claimed = worker.claim(project)
    show = move_aside(project, job, monkeypatch)
    worker.run_job(project, claimed, {})
    assert "bring them back" in queue.get(project, job.id).error
    assert not project.run_folder(job.id).exists()
    show()
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


def vanishing(context):
    """As a disk that goes away while a library reads from it."""
    if context.resume_from and not (context.project.folder / "not-mounted").exists():
        context.folder.rename(context.project.folder / "not-mounted")
        with checkpoint_files.reading(context.resume_step):
            (context.resume_from / "policy" / "weights").read_bytes()
    yield from counting(context)


def test_a_checkpoint_that_goes_away_while_it_is_read_is_kept(project, monkeypatch):
    spec = JOBS[JobKind.TRAIN_POLICY]
    monkeypatch.setitem(JOBS, JobKind.TRAIN_POLICY, replace(spec, function=f"{__name__}:vanishing"))
    job = interrupted(project)
    queue.resume(project, job.id)
    assert "bring them back" in work(project, job).error
    assert [row["step"] for row in checkpoints.listed(project, job.id)][-1] == STEPS


@pytest.mark.parametrize("damage", [flip, lose_all])
def test_damaged_weights_of_a_finished_run_are_not_used_as_if_they_were_its_own(counted, project, damage):
    job = work(project, asked(project))
    last = project.folder / job.result.adapter
    (last / "policy" / "README.md").write_text("What a person says of it.")
    assert queue.adapter_of(project, job) == last
    damage(last)
    with pytest.raises(BadInput, match="The weights of run 1 are damaged"):
        queue.adapter_of(project, job)
    assert queue.adapter_of(project, job, "best").name == "step-000002"


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


@pytest.mark.thorough
def test_a_worker_leaves_a_project_that_is_moved_and_makes_nothing_at_its_old_place(
    counted, project, at_work, tmp_path
):
    job, there = asked(project), tmp_path / "elsewhere"
    process = at_work("slow")
    until(lambda: newest_step(project, job) >= 1)
    project.folder.rename(there)
    assert ended(process) == 0
    assert not project.folder.exists()
    with closing(open_project(there, synchronous="OFF")) as moved:
        assert not lock.held(there)
        assert "no longer in" in queue.get(moved, job.id).error
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


# --- a worker that does not answer --------------------------------------------------------------------------------


def no_way_back():
    """Is there once a worker can only be ended: it looks at no wish any more."""
    return Path(os.environ["PLUMBLINE_DATA"]) / "endless"


def endless_in_python(context):
    """As a template or a reward that never ends."""
    for event in counting(context):
        if isinstance(event, Metrics) and event.step == 3:
            no_way_back().touch()
            while True:
                pass
        yield event


def endless_in_c(context):
    """A pattern that holds the interpreter: no other thread and no handler of a signal runs meanwhile."""
    for event in counting(context):
        if isinstance(event, Metrics) and event.step == 3:
            no_way_back().touch()
            re.match(r"(a+)+$", "a" * 60 + "b")
        yield event


def slow(context):
    for event in counting(context):
        time.sleep(0.05)
        yield event


def serves(folder, function, data):
    """A worker whose policies are tuned by a function of this module."""
    os.environ["PLUMBLINE_DATA"] = data  # where it is kept what the project may do
    spec = JOBS[JobKind.TRAIN_POLICY]
    JOBS[JobKind.TRAIN_POLICY] = replace(spec, function=f"{__name__}:{function}")
    sys.exit(worker.serve(Path(folder), idle=20))


@pytest.fixture
def at_work(project):
    """Starts workers, each a process of its own that shares nothing with this one."""
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    context.set_forkserver_preload([__name__])
    started = []

    def start(function):
        process = context.Process(
            target=serves, args=(str(project.folder), function, os.environ["PLUMBLINE_DATA"]), daemon=True
        )
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def ended(process):
    """Its exit code, once it has ended."""
    process.join(20)
    return process.exitcode


def newest_step(project, job):
    return max((step for step, _ in checkpoints.written(project, job.id)), default=0)


@pytest.mark.parametrize("function", ["endless_in_c", pytest.param("endless_in_python", marks=pytest.mark.slow)])
def test_what_never_ends_is_stopped_now_and_resumes_from_its_last_checkpoint(
    counted, project, at_work, capsys, function
):
    job, behind = asked(project), asked(project)
    process = at_work(function)
    until(no_way_back().exists)
    assert newest_step(project, job) == 2
    assert run(["stop", str(project.folder), str(job.id)]) == 0
    assert "after its current step" in capsys.readouterr().out
    assert run(["stop", str(project.folder), str(job.id)]) == 0
    assert "`stop --now` does not wait" in capsys.readouterr().out
    time.sleep(0.1)
    assert (queue.get(project, job.id).status, process.exitcode) == ("running", None), "a first wish waits for the step"
    queue.want(project, behind.id, "stop")
    assert run(["stop", str(project.folder), str(job.id), "--now"]) == 0
    assert ended(process) == -signal.SIGKILL
    assert queue.get(project, job.id).status == "stopped"
    assert queue.get(project, job.id).result.adapter.endswith("step-000002")
    assert not lock.held(project.folder)
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


def test_a_suspended_worker_is_told_from_one_at_work_and_can_be_let_go_on_or_ended(
    counted, project, at_work, monkeypatch, capsys
):
    job = asked(project)
    process = at_work("slow")
    until(lambda: newest_step(project, job) >= 1)
    assert worker_process.life(project) is Life.WORKS
    os.kill(process.pid, signal.SIGSTOP)
    until(lambda: worker_process.life(project) is Life.SUSPENDED)
    assert "was suspended and does not answer" in Follower(project).poll().jobs[0].doing
    assert run(["jobs", str(project.folder)]) == 0
    assert "was suspended and does not answer" in capsys.readouterr().out
    os.kill(process.pid, signal.SIGCONT)
    until(lambda: worker_process.life(project) is Life.WORKS)
    os.kill(process.pid, signal.SIGSTOP)
    worker_process.stop_now(project, job.id)
    assert ended(process) == -signal.SIGKILL
    assert queue.get(project, job.id).status == "stopped"
    queue.resume(project, job.id)
    work(project, job)
    assert_whole(project, job)


def test_a_worker_that_was_killed_is_said_to_have_run_out_of_memory_where_that_may_be(counted, project, monkeypatch):
    job = asked(project)
    worker.claim(project, job.id)
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    killed.kill()
    killed.communicate()
    monkeypatch.setattr(launch, "ensure_worker", lambda *_, **__: killed)
    with pytest.raises(KnownError, match=r"killed from outside \(signal 9\), as the system does where memory runs out"):
        wait(project, job.id, lambda job: None)
    assert Follower(project).poll().jobs[0].status == "interrupted"
    assert worker_process.how_it_ended(None) == ""


def test_a_process_that_a_strangers_row_names_is_not_killed(counted, project):
    """Somebody else holds the lock, and the row names a process that has nothing to do with the project."""
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        job = asked(project)
        worker.claim(project)
        for told in ({"pid": innocent.pid, "loaded": None}, {"pid": "x"}, {"pid": 1 << 70, "loaded": None}, [3], "?"):
            project.set_setting(presence.KEY, told)
            with closing(lock.acquire(project.folder)), pytest.raises(KnownError, match="cannot be ended from here"):
                worker_process.stop_now(project, job.id)
            assert innocent.poll() is None
            assert queue.get(project, job.id).wanted == "stop"
    finally:
        innocent.kill()
        innocent.wait()


def test_of_several_workers_one_works_and_every_step_is_told_once(counted, project, at_work):
    job = asked(project)
    processes = [at_work("slow") for _ in range(2)]
    until(lambda: queue.get(project, job.id).status == "done")
    assert_whole(project, job)
    assert queue.get(project, job.id).attempt == 1
    until(lambda: {process.exitcode for process in processes} == {0, None})


# --- files in the way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("garbage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096, b"x"])
def test_garbage_in_the_lock_is_no_hindrance(project, garbage):
    path = project.folder / lock.LOCK
    path.write_bytes(garbage)
    assert not lock.held(project.folder)
    with closing(lock.acquire(project.folder)):
        assert lock.held(project.folder)


@pytest.mark.parametrize("name", ["worker.log", lock.LOCK])
@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing"])
def test_a_link_in_the_place_of_the_workers_files_is_not_followed(project, tmp_path, name, there):
    target = tmp_path / "thesis.txt"
    if there:
        target.write_text("years of work")
    (project.folder / name).symlink_to(target)
    with pytest.raises(BadInput, match=re.escape(str(project.folder / name)) + ".*delete it"):
        launch.ensure_worker(project.folder)
    lock.dismiss(project.folder)
    assert target.exists() == there
    assert not there or target.read_text() == "years of work"


def test_a_folder_in_the_place_of_the_workers_files_is_a_sentence(project):
    (project.folder / "worker.log").mkdir()
    with pytest.raises(BadInput, match=r"worker\.log is a link or no file"):
        launch.ensure_worker(project.folder)
    (project.folder / lock.LOCK).mkdir()
    with pytest.raises(BadInput, match=r"worker\.lock is a link or no file"):
        launch.ensure_worker(project.folder)


@needs_fork
def test_a_pipe_in_the_place_of_the_workers_log_is_not_waited_for(project):
    os.mkfifo(project.folder / "worker.log")
    with pytest.raises(BadInput, match=r"worker\.log is a link or no file"):
        launch.ensure_worker(project.folder)


@pytest.mark.parametrize("name", ["worker.log", lock.LOCK])
def test_a_second_name_of_the_database_is_none_of_the_workers_files(project, name):
    os.link(project.folder / DATABASE, project.folder / name)
    before = (project.folder / DATABASE).read_bytes()
    with pytest.raises(BadInput, match="is a link or no file"):
        launch.ensure_worker(project.folder)
    assert (project.folder / DATABASE).read_bytes() == before


def test_a_link_at_the_note_that_asks_a_worker_to_leave_is_not_followed(project, tmp_path):
    (project.folder / lock.LEAVE).symlink_to(tmp_path / "made")
    lock.take_over(project.folder).close()
    assert not (tmp_path / "made").exists()


@needs_fork
@pytest.mark.parametrize("make", [Path.mkdir, lambda path: (path.mkdir(), (path / "x").touch()), os.mkfifo])
@pytest.mark.parametrize("name", ["worker.log", lock.LOCK, f"{lock.LOCK}-journal", lock.LEAVE])
def test_whatever_lies_in_the_place_of_the_workers_files_is_at_most_a_sentence(project, name, make):
    folder = project.folder
    make(folder / name)
    for operation in (
        lambda: lock.dismiss(folder), lambda: lock.take_over(folder).close(), lambda: lock.asked_to_leave(folder),
        lambda: lock.held(folder),
    ):  # fmt: skip
        with suppress(BadInput):
            operation()
    project.close()
    assert run(["jobs", str(folder)]) == 0
    assert run(["archive", str(folder), str(folder.parent / "a.zip")]) == 0
    with suppress(KnownError):
        trash.put_back(trash.delete(folder))
    open_project(folder).close()


def test_no_worker_is_started_for_a_project_that_is_gone(project, tmp_path):
    project.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="is gone"):
        launch.ensure_worker(project.folder)
    assert not project.folder.exists()


@needs_fork
def test_a_file_system_without_room_for_shared_memory_is_a_sentence(empty_project, tmp_path):
    folder, said = tmp_path / "project", tmp_path / "said"
    shutil.copytree(empty_project, folder)

    def opens():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            open_project(folder)
        except KnownError as error:
            said.write_text(str(error))

    forked(opens)
    assert "gives its database no shared memory" in said.read_text()
    open_project(folder).close()


@needs_fork
def test_a_full_disk_during_a_migration_leaves_no_part_of_a_backup(filled):
    folder = filled.folder
    filled.close()
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.executescript(TO_M008)
        database.commit()
    before = sorted(path.name for path in folder.iterdir())

    def opens():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = (folder / DATABASE).stat().st_size // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        with pytest.raises(KnownError):
            open_project(folder)

    forked(opens)
    assert sorted(path.name for path in folder.iterdir()) == before
    open_project(folder).close()
    assert list(folder.glob("plumbline.before-m009*.db"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SQLITE_IOERR_SHMMAP", "no shared memory, as some network drives: move the project to a local disk"),
        ("SQLITE_PROTOCOL", "no shared memory"),
        ("SQLITE_IOERR_READ", "could not be read or written: check the disk"),
    ],
)
def test_what_a_file_system_cannot_do_is_said_and_no_backup_is_asked_for(code, words):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = code
    assert words in str(known(error))


def test_a_clock_that_was_set_back_keeps_no_worker_away(project):
    note = project.folder / lock.LEAVE
    note.touch()
    assert lock.asked_to_leave(project.folder)
    later = time.time() + 3600
    os.utime(note, (later, later))
    assert not lock.asked_to_leave(project.folder), "it was left in what is now the future"


def test_a_clock_that_was_set_back_makes_no_time_negative(counted, project):
    job = asked(project)
    with project.write() as database:
        database.execute("update jobs set started_at = '2999-01-01T00:00:00+00:00' where id = ?", (job.id,))
    claimed = worker.claim(project, job.id)
    with project.write() as database:
        database.execute("update jobs set started_at = '2999-01-01T00:00:00+00:00' where id = ?", (job.id,))
    worker.run_job(project, claimed, {})
    assert_whole(project, job)
    assert queue.get(project, job.id).took == 0.0


def placed_and_saved(session):
    """False where another window of the same labeler went on with the item meanwhile. Raises `RankedElsewhere`."""
    try:
        for item in session.ordering.shown:
            session.editor.change(session.ordering.place_last(item))
        session.save()
    except RankedElsewhere:
        raise
    except ChangedElsewhere:
        return False
    return True


def test_two_windows_and_a_command_that_rank_at_once_lose_no_ranking(filled, tmp_path):
    folder, made, gone_wrong = filled.folder, [], []

    def window(name):
        try:
            with closing(open_project(folder)) as project:
                session = LabelingSession(project, labelers.named(project, name))
                for _ in range(6):
                    session.open_next()
                    if session.group is None:
                        break
                    group = session.group.id
                    try:
                        while not placed_and_saved(session):
                            pass
                        made.append((name, group))
                    except RankedElsewhere:  # which the other window has in `made`
                        session.reload()
        except Exception as error:
            gone_wrong.append(error)

    def command():
        for _ in range(6):
            made.append(("command", run(["rank", str(folder), "--labeler", "command", "--order", "1>2>3>4"])))

    at_once = [threading.Thread(target=window, args=(name,)) for name in ("me", "me", "other")]
    at_once.append(threading.Thread(target=command))
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    assert not gone_wrong
    assert ("command", 2) not in made and ("command", 1) not in made
    assert filled.database.value("select count(*) from rankings") == len(made)
    current = filled.database.value("select count(*) from current_rankings")
    assert current == len({each for each in made if each[0] != "command"}) + 6
    assert filled.database.value("select count(*) from drafts") == 0
