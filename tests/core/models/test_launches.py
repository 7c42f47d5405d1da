"""A GPU waits for Python unless it is asked for few kernels: how many, and that a step can be repeated as a graph."""

from dataclasses import replace

import pytest
import torch

from core.errors import Diverged
from core.machine import base_models
from core.models import draws, sampling
from core.models.adapters import SharedModel
from core.models.fast import varlen, varlen_decoding
from core.models.fast.cuda_graph import CudaGraph
from core.models.fast.varlen_decoding import GraphDecoder
from core.models.guides import Exploration
from core.models.load import load
from core.models.seeds import generator
from core.rl.rollout import POLICY, draw
from tests.core.rl.rollouts import CONFIG, PROMPTS, learner_of, rollout_of
from tests.launches import Launches, Recorded
from tests.thorough import represented

#: Operators a token of a Llama of two layers with an adapter in bfloat16; those of an update of PPO with one pass over
#: six answers of seven tokens, without the optimizer's; and how often it waits. A few more than counted with torch 2.13
#: and transformers 5.24: another version may take some.
A_TOKEN, AN_UPDATE, WAITS = 180, 1230, 48
HOW = {"copies": 4, "temperature": 0.8, "top_p": 0.9}


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Drawing and learning as they are done there, as far as a CPU can."""
    monkeypatch.setattr(sampling, "decoder_kind", lambda model, longest: GraphDecoder)
    monkeypatch.setattr(draws, "looks", lambda device: draws.LOOKS)
    monkeypatch.setattr(varlen, "FEW_SCORES", 0)
    monkeypatch.setattr(varlen, "CACHED_SCORES", 2**30)


@pytest.fixture
def shared(tiny_model, monkeypatch, request):
    monkeypatch.setenv("PLUMBLINE_DTYPE", getattr(request, "param", "float32"))
    shared = SharedModel(load(base_models.parse(str(tiny_model))))
    shared.add(POLICY, CONFIG, seed=0)
    with torch.no_grad():
        for weight in shared.parameters(POLICY):
            weight.normal_(0, 0.1, generator=generator(1))
    yield shared
    shared.close()


@pytest.mark.parametrize("shared", ["bfloat16"], indirect=True)
def test_no_more_is_asked_of_a_gpu_than_is_known(shared, as_on_a_gpu, monkeypatch):
    base = shared.base
    shared.base = replace(base, end_ids=(base.vocabulary - 1,))
    counted = []
    for tokens in (17, 33):
        with Launches() as launches:
            draw(shared, POLICY, PROMPTS, max_new_tokens=tokens, generator=generator(0), **HOW)
        counted.append(launches)
    short, long = counted
    assert (long.total - short.total) / 16 <= A_TOKEN, (long.counted - short.counted).most_common()
    assert long.waits - short.waits <= 2, "it is waited for twice at a look, and there is one more"

    rows = draw(shared, POLICY, PROMPTS, copies=3, max_new_tokens=7, temperature=1.0, generator=generator(0)).rows
    learner = learner_of(shared, "ppo", replace(CONFIG, micro_batch=6), ppo_epochs=1)
    rollout = rollout_of(shared, rows, torch.arange(6.0))
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: None)  # torch's own, which goes through all at once
    with Launches() as launches:
        learner.update(rollout, 0)
    assert launches.total <= AN_UPDATE, launches.counted.most_common()
    assert launches.waits <= WAITS
    shared.base = base


@pytest.mark.parametrize(
    ("fails", "guide"),
    represented([(0, None), (0, Exploration(0.3, 9, [0])), (1, None), (2, None)], (0, None), (2, None)),
)
def test_a_step_repeated_as_a_graph_draws_what_the_steps_draw(shared, as_on_a_gpu, monkeypatch, caplog, fails, guide):
    """Where none of the whole step can be made it is of reading alone, and where none can be of that, none."""
    how = HOW | {"max_new_tokens": 40, "guide": guide}
    with monkeypatch.context() as plain:
        plain.setattr(sampling, "decoder_kind", varlen_decoding.decoder_kind)
        plain.setattr(draws, "looks", lambda device: 1)
        expected = draw(shared, POLICY, PROMPTS, generator=generator(5), **how)
    made, failed = [], []

    def capture(graph: CudaGraph, step) -> None:
        if len(failed) < fails:
            failed.append(graph)
            graph.works = False
            return
        graph.graph = Recorded(step, graph.state)
        graph.answer = graph.graph.answer
        made.append(graph.graph)

    monkeypatch.setattr(draws, "graph_for", lambda device, state: CudaGraph(state))
    monkeypatch.setattr(varlen_decoding, "PLACES", 8)  # several graphs, each of more places
    monkeypatch.setattr(varlen_decoding, "ALIGNED", 8)
    monkeypatch.setattr(CudaGraph, "capture", capture)
    found = draw(shared, POLICY, PROMPTS, generator=generator(5), **how)
    assert torch.equal(found.rows.response_ids, expected.rows.response_ids)
    assert torch.equal(found.rows.is_response, expected.rows.is_response)
    assert torch.equal(found.rows.ended, expected.rows.ended)
    torch.testing.assert_close(found.logp, expected.logp, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.logp_drawn, expected.logp_drawn, atol=1e-5, rtol=1e-4)
    if fails < 2:
        assert len(made) > 2 and sum(graph.replays for graph in made) >= found.rows.response_ids.shape[1] - 3
    assert caplog.text.count("kernel by kernel") == fails


def test_what_stops_a_text_is_found_at_the_next_look(shared, as_on_a_gpu, monkeypatch):
    def written() -> list[torch.Tensor]:
        with shared.role(POLICY) as model:
            found = sampling.sample_with_logp(
                model, PROMPTS, copies=6, max_new_tokens=40, end_ids=range(8), pad_id=0, generator=generator(3),
                stops=lambda ids: ids[-1] % 16 == 3,
            )  # fmt: skip
        rows = found.rows
        return [rows.response_ids, rows.is_response, rows.ended]

    late = written()
    monkeypatch.setattr(draws, "looks", lambda device: 1)
    for one, other in zip(late, written(), strict=True):
        assert torch.equal(one, other)
    assert len(set(late[1].sum(1).tolist())) > 3


def test_a_model_that_gives_no_numbers_is_found_at_the_next_look(shared, as_on_a_gpu):
    with torch.no_grad():
        shared.parameters(POLICY)[-1].fill_(torch.nan)
    with pytest.raises(Diverged, match="are not numbers"):
        draw(shared, POLICY, PROMPTS, max_new_tokens=20, generator=generator(0), **HOW)
