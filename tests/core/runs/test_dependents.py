"""Which runs cannot be removed, because a job that goes on needs them."""

import pytest

from core.config.frontier import MeasureFrontierConfig
from core.config.jobs import GenerateConfig
from core.config.judging import JudgingConfig
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.jobs import queue
from core.runs import dependents
from tests.jobs import add_job, set_job

OLDER, REWARD, POLICY, TUNED = range(1, 5)


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        (MeasureFrontierConfig(policy_job=TUNED), {POLICY, TUNED}),
        (GenerateConfig(best_of=2, reward_job=OLDER), {OLDER}), (GenerateConfig(best_of=2), {REWARD}),
        (GenerateConfig(), set()), (JudgingConfig(by="run:3", arena="a"), {POLICY}),
        (JudgingConfig(by="reward:2", waiting=True), {REWARD}),
    ],
)  # fmt: skip
def test_a_run_that_a_waiting_job_asks_stays(project, config, kept):
    for each in (TrainRewardConfig(), TrainRewardConfig(), TrainPolicyConfig(), TrainPolicyConfig()):
        add_job(project, each, status="done", result='{"adapter": "runs/1/step-000001"}')
    waiting = add_job(project, config)
    why = {run: dependents.why_kept(project, queue.get(project, run)) for run in (OLDER, REWARD, POLICY, TUNED)}
    assert {run for run, said in why.items() if said and f"Job {waiting.id}, " in said} == kept
    set_job(project, waiting.id, status="done")
    assert not any(dependents.why_kept(project, queue.get(project, run)) for run in why)
