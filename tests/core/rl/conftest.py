"""What several of the room's tests begin with."""

import pytest
import torch

from core.models.adapters import SharedModel
from core.rl.rollout import POLICY
from core.store import completions, labelers, prompts
from tests.core.rl.rollouts import CONFIG


@pytest.fixture
def moved(base):
    """A policy that has left the reference, as after some steps."""
    found = SharedModel(base)
    found.add(POLICY, CONFIG, seed=0)
    draw = torch.Generator().manual_seed(1)
    for weight in found.parameters(POLICY):
        weight.data += 0.05 * torch.randn(weight.shape, generator=draw)
    yield found
    found.close()


@pytest.fixture
def demonstrated(asking):
    """Each prompt with an answer that a person wrote."""
    writer = labelers.named(asking, "Ada").id
    for prompt in prompts.listed(asking):
        group = completions.add_group(asking, prompt.id, ())
        completions.write(asking, group, writer, f"the answer to {prompt.text}")
    return asking
