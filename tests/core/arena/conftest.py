"""A project with a tuned policy and a reward model, made once, and arenas in copies of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config.jobs import GenerateConfig, JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig
from core.labeling import gold
from core.store import Project, arenas, prompts
from core.store.arenas import Arena, NewAnswer
from core.trust import gate
from tests.conftest import copied
from tests.core.conftest import made_once

LIKED = "regex:[a-m]"
#: The job that trained the reward model, and the one that tuned the policy.
REWARD, POLICY = 2, 3


@pytest.fixture(scope="session")
def contest_project(tmp_path_factory: pytest.TempPathFactory, asking_project: Path, tiny_model: Path) -> Path:
    with made_once(tmp_path_factory.mktemp("contest"), tiny_model) as (project, run):
        from core.records import Prompt

        prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i % 2 else "train") for i in range(8)])
        assert run(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
        gold.rank_all(project, LIKED)
        rewarding = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3)
        assert run(project, JobKind.TRAIN_REWARD, rewarding).id == REWARD
        tuning = TrainPolicyConfig(
            steps=3, learning_rate=5e-2, eval_prompts=0, max_new_tokens=6, batch_size=4, lora_rank=4,
            algorithm="reinforce", checkpoint_every=1,
        )  # fmt: skip
        job = run(project, JobKind.TRAIN_POLICY, tuning, ALGORITHMS["reinforce"].config())
        assert (job.id, job.status) == (POLICY, "done"), job.error
        return project.folder


@pytest.fixture
def contest(contest_project: Path, tmp_path: Path) -> Iterator[Project]:
    """Four held-out prompts and four that the tuned policy learnt from."""
    with copied(contest_project, tmp_path / "project") as found:
        gate.made_here(found)
        yield found


def heldout(project: Project, name: str = "All") -> Arena:
    """An arena of the prompts that are held out."""
    found = arenas.create(project, name)
    arenas.add_prompts(project, found.id, prompts.listed(project, split="heldout"))
    return found


@pytest.fixture
def voted_on(filled: Project) -> Arena:
    """Three policies that gave other answers to each of six prompts; to the first one two of them the same."""
    found = arenas.create(filled, "Three")
    arenas.add_prompts(filled, found.id, prompts.listed(filled))
    for name in ("poor", "fair", "good"):
        policy = arenas.add_policy(filled, found.id, name, "base")
        for number, prompt in enumerate(arenas.unanswered(filled, policy.id)):
            words = {"poor": 2, "fair": 4, "good": 6}[name]
            text = "the same words \n" if number == 0 and name != "poor" else "word " * (words + number)
            arenas.add_answers(filled, policy.id, [NewAnswer(prompt.id, text + " " * (name == "good"), words)])
    return found
