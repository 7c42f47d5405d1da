"""Kill -9 at any moment, in everything that writes: projects stay whole, no ranking is lost, and there is a way on.

Jobs, which load a model for each kill, are among the many; `test_steering` kills one each time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config.jobs import JobKind
from tests.attacks.kill_everything import JOBS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, which this system cannot")
@pytest.mark.parametrize(
    "kills",
    [
        4,
        pytest.param(20, marks=pytest.mark.thorough),
        pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_after_a_kill_everything_is_whole_and_can_be_done_again(tmp_path, chance, kills):
    seed = str(chance.getrandbits(32))
    command = [sys.executable, "-m", "tests.attacks.kill_everything", str(kills), str(tmp_path), seed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["failures"] == []
    assert found["killed"] > kills / 2, "most of them hit it alive"


def test_every_kind_of_job_is_killed_but_the_one_that_fetches():
    """Which needs a network: `test_fetch` takes it apart."""
    assert set(JobKind) - set(JOBS) == {JobKind.FETCH_MODEL}
