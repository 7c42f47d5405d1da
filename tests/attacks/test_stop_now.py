"""Jobs of each kind that has steps are stopped within one, and resumed: nothing is lost, and it is told from where."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.config.jobs import JobKind
from core.config.slider import SlideConfig
from core.config.training import TrainPolicyConfig
from core.jobs import resumes
from tests.jobs import add_job

ROOT = Path(__file__).resolve().parents[2]
STEP, KEPT, ANEW = r"from step 1, its last checkpoint", "What it wrote is kept", "resume begins it anew"
#: What is told of each; a reward model keeps its first checkpoint later than after one step.
TOLD = {
    JobKind.TRAIN_POLICY: STEP, JobKind.TRAIN_REWARD: ANEW, JobKind.GENERATE: KEPT, JobKind.JUDGE: KEPT,
    JobKind.ANSWER: KEPT, JobKind.SCORE_FILE: KEPT, JobKind.MEASURE_FRONTIER: KEPT, JobKind.SLIDE: KEPT,
    JobKind.COMPARE: ANEW, JobKind.SUGGEST: ANEW, JobKind.VERIFY: ANEW, JobKind.EXPORT_MODEL: ANEW,
}  # fmt: skip
#: One score, or one download, has no steps.
WITHOUT_STEPS = {JobKind.SCORE, JobKind.FETCH_MODEL}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, which this system cannot")
@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_a_job_that_is_stopped_in_the_middle_of_a_step_loses_nothing_and_tells_where_it_goes_on(tmp_path):
    command = [sys.executable, "-m", "tests.attacks.stop_everything", str(tmp_path), *TOLD]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["kind"] for each in found if not each["lost"]] == [*TOLD]
    for each in found:
        assert re.search(TOLD[JobKind(each["kind"])], each["told"]), each


def test_every_kind_of_job_that_has_steps_is_stopped():
    assert set(JobKind) - set(TOLD) == WITHOUT_STEPS


@pytest.mark.parametrize(("config", "said"), [(SlideConfig(), KEPT), (TrainPolicyConfig(), ANEW)])
def test_what_was_written_at_step_0_is_kept_but_for_the_beginning_of_a_run(project, config, said):
    """A slide's first checkpoint is of the policy before it learnt."""
    job = add_job(project, config, status="stopped")
    project.database.execute(
        "insert into checkpoints (job_id, step, folder, created_at) values (?, 0, 'runs/1/step-000000', '2026')",
        (job.id,),
    )
    assert said in resumes.goes_on(project, job.id)
