"""Completions depend on the seed and the prompt: not on kills, batches, order, or what else is asked."""

from dataclasses import replace

import pytest

from core import worker
from core.config.jobs import WRITING, WRITING_FIRST, CompareConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import Completions, Progress
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.store import jobs, prompts
from core.store.runs import job_log, job_samples
from tests.jobs import set_job

CONFIG = GenerateConfig(completions=3, max_new_tokens=8, batch_size=12, temperature=1.3, missing_only=False)


class Killed(BaseException):
    """What no job catches, as a kill."""


def written(project, job):
    """The texts of a job, by prompt; every group once."""
    rows = project.database.rows(
        "select g.id, g.prompt_id, c.text from completions c join completion_groups g on g.id = c.group_id"
        " where g.job_id = ? order by c.id", job.id,
    )  # fmt: skip
    assert len({row["id"] for row in rows}) == len({row["prompt_id"] for row in rows})
    found = {}
    for row in rows:
        found.setdefault(row["prompt_id"], []).append(row["text"])
    return found


@pytest.fixture
def tuned(asking, run_job):
    """A policy that says something else than the base."""
    config = TrainPolicyConfig(
        algorithm="reinforce", steps=1, gold="regex:[a-m]", train_on_gold=True, learning_rate=5e-2, eval_prompts=0,
        max_new_tokens=4, batch_size=4, lora_rank=2,
    )  # fmt: skip
    job = run_job(asking, JobKind.TRAIN_POLICY, config, ALGORITHMS["reinforce"].config())
    assert job.status == "done", job.report or job.error
    return job


def interrupted(project, monkeypatch, config, ends):
    """Generation that `ends` before its n-th completions, by a kill or a stop, and is taken up again."""
    record, seen = Recorder.record, [0]

    def watching(self, event):
        if isinstance(event, Completions):
            seen[0] += 1
            if ends == ("kill", seen[0]):
                raise Killed
        wanted = record(self, event)
        stop = isinstance(event, Progress) and ends[0] == "stop" and event.done >= ends[1]
        return "stop" if stop else wanted

    job = queue.enqueue(project, JobKind.GENERATE, config_values(config))
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", watching)
        if ends[0] == "kill":
            with pytest.raises(Killed):
                worker.run_job(project, worker.claim(project), {})
            set_job(project, job.id, status="interrupted")
        else:
            worker.run_job(project, worker.claim(project), {})
            assert queue.get(project, job.id).status == "stopped"
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    found = queue.get(project, job.id)
    assert found.status == "done", found.report or found.error
    return found


@pytest.mark.parametrize(
    "mixed", [pytest.param(False, id="base", marks=pytest.mark.thorough), pytest.param(True, id="mixed")]
)
def test_generation_that_was_interrupted_anywhere_draws_the_same_texts(asking, run_job, monkeypatch, request, mixed):
    config = CONFIG
    if mixed:
        config = replace(CONFIG, policy_job=request.getfixturevalue("tuned").id, mix_with=0)
    whole = run_job(asking, JobKind.GENERATE, config)
    expected = written(asking, whole)
    assert len(expected) == 12
    assert len({tuple(texts) for texts in expected.values()}) == 12
    for ends in [("kill", 8)] if mixed else [("kill", 3), ("stop", 6), ("kill", 12)]:
        assert written(asking, interrupted(asking, monkeypatch, config, ends)) == expected, ends
    other = run_job(asking, JobKind.GENERATE, replace(config, batch_size=3))
    assert written(asking, other) == expected, "one prompt at a time"


def test_a_prompt_is_answered_the_same_in_other_company(asking, run_job):
    expected = written(asking, run_job(asking, JobKind.GENERATE, CONFIG))
    heldout = written(asking, run_job(asking, JobKind.GENERATE, replace(CONFIG, split="heldout")))
    assert heldout
    assert heldout == {prompt: expected[prompt] for prompt in heldout}


def test_no_time_is_said_to_be_left_by_the_first_prompt_alone(asking, run_job, monkeypatch):
    record, said = Recorder.record, []

    def watching(self, event):
        wanted = record(self, event)
        if isinstance(event, Progress):
            job = queue.get(asking, self.job_id)
            said.append((job.stage, job.done, job.eta is None))
        return wanted

    monkeypatch.setattr(Recorder, "record", watching)
    job = run_job(asking, JobKind.GENERATE, CONFIG)
    at = [told for told in said if told[0] in (WRITING, WRITING_FIRST)]
    assert at[:2] == [(WRITING_FIRST, 0, True), (WRITING, 1, True)]
    assert not at[2][2] and at[-1][1] == job.total > at[2][1] > 1


def test_generation_that_was_killed_after_its_last_completions_is_done_when_it_is_resumed(asking, run_job):
    config = replace(CONFIG, missing_only=True)
    job = run_job(asking, JobKind.GENERATE, config)
    jobs.end(asking, job.id, "interrupted")
    queue.resume(asking, job.id)
    worker.run_job(asking, worker.claim(asking), {})
    assert queue.get(asking, job.id).status == "done"


@pytest.mark.thorough
def test_a_comparison_draws_the_same_in_other_batches_and_in_another_order(asking, run_job, tuned):
    texts = tuple(f"prompt {i}" for i in range(9))

    def answers(prompts, **more):
        config = CompareConfig(prompts=prompts, max_new_tokens=6, policy_job=tuned.id, completions=2, **more)
        job = run_job(asking, JobKind.COMPARE, config)
        assert job.status == "done", job.report or job.error
        found = {}
        for row in job_samples.listed(asking, job.id):
            found.setdefault((row["policy"], row["prompt"]), []).append(row["completion"])
        return found

    expected = answers(texts)
    assert answers(texts[::-1]) == expected
    assert answers(texts, batch_size=2) == expected
    twice = answers((*texts, texts[0]))
    for policy in ("reference", "tuned"):
        first = twice.pop((policy, texts[0]))
        assert first[:2] == expected[policy, texts[0]]
        assert first[2:] != first[:2], "whoever asks again wants other answers"
    assert all(expected[key] == found for key, found in twice.items())


def test_answers_that_come_late_answer_no_prompt_that_was_reworded_or_deleted_meanwhile(asking, run_job, monkeypatch):
    """Each is edited once the job has read them all; where no word changes, its answers stay."""
    record = Recorder.record
    edits = {2: "Something else entirely", 3: "prompt  2"}
    gone = [6]

    def editing(self, event):
        if isinstance(event, Completions):
            for number, text in edits.items():
                prompts.edit(asking, number, text=text)
            prompts.delete(asking, gone)
            edits.clear()
        return record(self, event)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", editing)
        job = run_job(asking, JobKind.GENERATE, replace(CONFIG, split="train", limit=4))
    assert (job.status, sorted(written(asking, job))) == ("done", [3, 4])  # of four
    assert any(
        "Prompt 2 was changed while it was being answered" in row["text"] for row in job_log.lines(asking, job.id)
    )
