"""A run that begins from another one's policy, or from an adapter of somebody: what it draws, and what KL is of."""

from dataclasses import replace

import pytest

from core.config.jobs import JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from core.store.runs import job_log, job_metrics, job_samples

GOLD = "regex:[a-m]"
POLICY = TrainPolicyConfig(
    steps=2, gold=GOLD, train_on_gold=True, learning_rate=2e-2, eval_prompts=2, max_new_tokens=6, batch_size=8,
    lora_rank=4, reference_answers=False,
)  # fmt: skip


def tuned(project, run_job, **settings):
    config = replace(POLICY, **settings)
    job = run_job(project, JobKind.TRAIN_POLICY, config, ALGORITHMS[config.algorithm].config())
    assert job.status == "done", job.report or job.error
    return job


def first_kl(project, job):
    return job_metrics.series(project, job.id)["objective/kl"][0][1]


def first_answers(project, job):
    return [row["completion"] for row in job_samples.listed(project, job.id, step=1) if row["policy"] == "policy"]


def log(project, job):
    return " ".join(row["text"] for row in job_log.lines(project, job.id))


@pytest.fixture
def begun(asking, run_job):
    """A project with one run, which has left the base."""
    tuned(asking, run_job)
    return asking


def test_a_start_changes_what_is_drawn_and_kl_is_0_to_it_alone(begun, run_job):
    first = queue.get(begun, 1)
    from_it = tuned(begun, run_job, start_from="1")
    from_base = tuned(begun, run_job, start_from="1", reference="base")
    to_a_run = tuned(begun, run_job, reference="1")
    assert first_answers(begun, first) == first_answers(begun, to_a_run) != first_answers(begun, from_it)
    assert first_answers(begun, from_it) == first_answers(begun, from_base)
    assert first_kl(begun, first) == first_kl(begun, from_it) == 0.0
    assert first_kl(begun, from_base) != 0.0 != first_kl(begun, to_a_run)
    assert (from_it.result.start, from_it.result.reference) == ("run 1, step 2", "run 1, step 2")
    assert (from_base.result.start, from_base.result.reference) == ("run 1, step 2", "")
    assert (to_a_run.result.start, to_a_run.result.reference) == ("", "run 1, step 2")
    assert "Begins from run 1, step 2; KL is measured to the base." in log(begun, from_base)
