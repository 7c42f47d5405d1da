"""Kill -9 at any moment loses at most the keystroke in flight."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="children are forked, which this system cannot")
@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_kills_lose_nothing_but_the_key_in_flight(tmp_path: Path, kills: int) -> None:
    command = [sys.executable, "-m", "tests.desktop.rank.kill_labeling", str(kills), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == kills
    assert found["lost"] == 0
    assert found["points"] > min(kills // 3, 10) - 1  # the moments were spread over the keys
