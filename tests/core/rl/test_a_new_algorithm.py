"""Adding an algorithm touches one file: a copy of the program with one file more lists it, documents it and runs it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ELEVENTH = '''"""Moves towards whatever scores above the mean."""

from dataclasses import dataclass
from typing import ClassVar

from core.store.runs import job_metrics
from core.config.algorithms import AlgorithmOptions
from core.config.options import option
from core.rl.learner import BaseLearner


@dataclass(frozen=True)
class Options(AlgorithmOptions):
    """Eleventh: a policy gradient with a fixed strength (nobody, never)."""

    LEARNING_RATE: ClassVar[float] = 1e-3
    strength: float = option(1.0, "How much an advantage counts.", low=0, high=10)


class Learner(BaseLearner):
    options: Options

    def update(self, rollout, step):
        import torch  # not above: the window lists this file

        rate = self.actor.schedule(self.progress(step))
        advantages = self.options.strength * torch.tanh(rollout.score - rollout.score.mean())

        def loss(policy, index):
            return -advantages[index, None] * policy.logp, {}

        learnt = self.actor.descend(rollout, self.actor.batches(rollout)[0], loss)
        return learnt | {"lr": rate, "eleventh/largest": float(advantages.max())}
'''
RUN = """
import sys
from dataclasses import asdict
from pathlib import Path
from core import worker
from core.config.metrics import further
from core.config.jobs import JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from core.records import Prompt
from core.store import create_project, prompts
from core.store.runs import job_metrics
from core.trust import gate

project = create_project(Path(sys.argv[1]), model=sys.argv[2])
gate.made_here(project)
prompts.add(project, [Prompt(0, f"prompt {i}") for i in range(4)])
config = TrainPolicyConfig(
    algorithm="eleventh", gold="length", train_on_gold=True, steps=2, batch_size=4, max_new_tokens=4
)
own = ALGORITHMS["eleventh"].config(strength=2.0)
job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(config, own))
worker.run_job(project, worker.claim(project), {})
job = queue.get(project, job.id)
assert job.status == "done", job.report or job.error
print(job.result.steps, asdict(job.options))
print(further(job_metrics.series(project, job.id))[-1])
"""


@pytest.mark.thorough
def test_one_file_is_enough(tmp_path, tiny_model, stranger):
    copy = tmp_path / "copy"
    copy.mkdir()
    for part in ("core", "resources"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "demo", "guide"))
    shutil.copy(ROOT / "main.py", copy)
    (copy / "core" / "rl" / "algorithms" / "eleventh.py").write_text(ELEVENTH, encoding="utf-8")

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = json.loads(python("main.py", "algorithms", "--json").splitlines()[-1])["algorithms"]
    (own,) = [kind for kind in listed if kind["name"] == "eleventh"]
    assert own == {
        "name": "eleventh", "title": "Eleventh", "summary": "a policy gradient with a fixed strength (nobody, never).",
        "learning_rate": 1e-3, "settings": {"strength": 1.0},
    }  # fmt: skip
    loaded = "import sys, core.cli\nassert not {'torch', 'transformers', 'peft'} & set(sys.modules)"
    python("-c", loaded)
    assert "--strength FLOAT" in python("main.py", "train-policy", "--help")
    assert stranger.run(RUN, tmp_path / "project", tiny_model, folder=copy).splitlines()[-2:] == [
        "2 {'strength': 2.0}", "eleventh/largest",
    ], "it runs with its own settings, and its own numbers are drawn"  # fmt: skip
