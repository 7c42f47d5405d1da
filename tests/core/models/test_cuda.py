"""What only an NVIDIA GPU can show; the tests of jobs run on the GPU too where there is one."""

from dataclasses import replace

import pytest
import torch

from core.machine import base_models
from core.models.adapters import SharedModel
from core.models.fast.cuda_graph import CudaGraph
from core.models.fast.varlen_states import reads_varlen
from core.models.load import load
from core.models.rows import from_lists
from core.models.seeds import generator
from core.models.states import hidden_states
from core.rl.rollout import POLICY, draw
from tests.core.rl.rollouts import CONFIG, learner_of, rollout_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

PROMPTS = [[5, 6, 7], [8, 9, 10, 11, 12]]
ANSWERS = [[[20, 21, 22], [23]], [[24, 25, 26, 27]]]


@pytest.fixture(params=["bfloat16", "4bit"])
def base(request, tiny_model, monkeypatch):
    if request.param == "4bit":
        pytest.importorskip("bitsandbytes")
    monkeypatch.setenv("PLUMBLINE_DTYPE", "bfloat16")
    return load(base_models.parse(str(tiny_model)), four_bit=request.param == "4bit")


@torch.no_grad()
def test_states_without_padding_are_those_of_each_sequence_alone(base):
    assert reads_varlen(base.model, 64)
    rows = from_lists(PROMPTS, ANSWERS, base.pad_id, base.device)
    found = hidden_states(base.model, rows)
    pairs = [(prompt, answer) for prompt, group in zip(PROMPTS, ANSWERS, strict=True) for answer in group]
    for row, (prompt, answer) in enumerate(pairs):
        ids = torch.tensor([prompt + answer], device=base.device)
        expected = base.model.base_model(input_ids=ids).last_hidden_state[0, len(prompt) - 1 : -1]
        torch.testing.assert_close(found[row, : len(answer)], expected, atol=0.05, rtol=0.05)


@torch.no_grad()
def test_a_graph_draws_what_the_steps_draw(base, monkeypatch):
    captured = []
    capture = CudaGraph.capture
    monkeypatch.setattr(CudaGraph, "capture", lambda self, step: (capture(self, step), captured.append(self.graph)))
    shared = SharedModel(base)
    shared.add(POLICY, CONFIG, seed=0)
    how = {"copies": 3, "max_new_tokens": 16, "temperature": 1.0}
    found = draw(shared, POLICY, PROMPTS, generator=generator(0), **how).rows
    monkeypatch.setattr(CudaGraph, "capture", lambda self, step: setattr(self, "works", False))
    expected = draw(shared, POLICY, PROMPTS, generator=generator(0), **how).rows
    assert captured, "the decoder that makes graphs is the one at work"
    if not base.four_bit:
        assert all(graph is not None for graph in captured)
    assert torch.equal(found.response_ids, expected.response_ids)
    shared.close()


def test_the_ratio_is_1_before_the_first_update_and_the_policy_learns(base):
    shared = SharedModel(base)
    shared.add(POLICY, CONFIG, seed=0)
    rows = draw(shared, POLICY, PROMPTS, copies=3, max_new_tokens=7, temperature=1.0, generator=generator(0)).rows
    score = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7], device=base.device)
    learner = learner_of(shared, "ppo", replace(CONFIG, micro_batch=6), ppo_epochs=1)
    rollout = rollout_of(shared, rows, score)
    assert torch.equal(rollout.logp_old, rollout.logp_ref)
    # In 4 bits other kernels compute where a gradient is wanted.
    assert learner.update(rollout, 0)["policy/approxkl_avg"] < (5e-5 if base.four_bit else 1e-12)
    after = rollout_of(shared, rows, score)
    assert not torch.equal(after.logp_old, rollout.logp_old)
    assert torch.equal(after.logp_ref, rollout.logp_ref)
    shared.close()
