"""A whole loop on the tiny model, made once, for what asks where its numbers came from."""

import pytest

from core.config.jobs import CompareConfig, GenerateConfig, JobKind
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.labeling import gold
from core.records import Prompt
from core.store import prompts
from tests.core.conftest import copied, made_once

GOLD = "regex:[a-m]"
REWARD, PPO, DPO, COMPARED = 2, 3, 4, 5
POLICY = TrainPolicyConfig(
    steps=2, learning_rate=5e-3, eval_prompts=1, max_new_tokens=6, batch_size=4, completions=2, checkpoint_every=2
)


@pytest.fixture(scope="session")
def loop(tmp_path_factory, tiny_model):
    """A whole loop, made once: nine prompts of twelve are learnt, ranked by a script; tests copy it."""
    with made_once(tmp_path_factory.mktemp("loop"), tiny_model) as (project, run):
        prompts.add(
            project, [Prompt(0, f"question {i}", split="heldout" if i % 4 == 0 else "train") for i in range(12)]
        )
        run(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=8))
        gold.rank_all(project, GOLD)
        run(project, JobKind.TRAIN_REWARD, TrainRewardConfig(epochs=1, learning_rate=5e-3, checkpoint_every=2))
        run(project, JobKind.TRAIN_POLICY, POLICY)
        run(project, JobKind.TRAIN_POLICY, TrainPolicyConfig(**vars(POLICY) | {"algorithm": "dpo"}))
        found = run(project, JobKind.COMPARE, CompareConfig(policy_job=PPO, max_new_tokens=4))
        assert found.status == "done" and found.id == COMPARED
        return project.folder


@pytest.fixture
def looped(loop, tmp_path):
    with copied(loop, tmp_path / "project") as found:
        yield found
