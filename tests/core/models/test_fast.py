"""What makes a step fast changes no number: rows without padding, decoding in one block, fused operations, and one draw
a token."""

from types import SimpleNamespace

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from core.config.training import LoraConfig
from core.models import rows, sampling
from core.models.adapters import SharedModel
from core.models.decoding import CachedDecoder
from core.models.draws import next_token
from core.models.fast import switch, varlen
from core.models.fast.fused_ops import Attention, LogProbability, LoraProduct, RmsNorm, Scratch
from core.models.fast.prepacked_linear import base_layers, can_prepack, prepacked
from core.models.fast.varlen_decoding import GraphDecoder, VarlenDecoder
from core.models.fast.varlen_states import gives_the_same, reads_varlen
from core.models.rows import from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.models.states import hidden_states
from core.models.whole_states import WholeDecoder
from core.reward.update import checkpointed

PROMPTS = [[5, 6, 7], [8, 9, 10, 11, 12], [3]]
SEVERAL = [[[1, 2, 3], [4]], [[5, 6, 7, 8, 9]], [[2, 3], [4, 4, 4], [1]]]
ONE_EACH = [[[1, 2, 3]], [[5, 6, 7, 8, 9]], [[2]]]
ONE_TOKEN = [[[1], [2]], [[3]], [[4]]]


@pytest.mark.parametrize("answers", [SEVERAL, ONE_EACH, ONE_TOKEN])
@pytest.mark.parametrize(("through_end", "few", "cached"), [(True, 2**21, 2**16), (False, 0, 2**16), (True, 2**21, 1)])
def test_states_without_padding_are_those_of_each_sequence_alone(base, monkeypatch, answers, through_end, few, cached):
    monkeypatch.setattr(varlen, "FEW_SCORES", few)  # both ways to attend
    monkeypatch.setattr(varlen, "CACHED_SCORES", cached)  # all together, and each for itself
    assert reads_varlen(base.model, 64)
    laid = from_lists(PROMPTS, answers, base.pad_id, base.device)
    with torch.no_grad():
        found = hidden_states(base.model, laid, through_end=through_end)
        assert found.shape[:2] == (len(laid), laid.response_ids.shape[1] + through_end)
        pairs = [(prompt, answer) for prompt, group in zip(PROMPTS, answers, strict=True) for answer in group]
        for row, (prompt, answer) in enumerate(pairs):
            alone = base.model.base_model(input_ids=torch.tensor([prompt + answer])).last_hidden_state[0]
            expected = alone[len(prompt) - 1 : None if through_end else -1]
            torch.testing.assert_close(found[row, : len(expected)], expected, atol=1e-5, rtol=1e-4)


def test_prepacked_weights_give_the_same_logits_and_are_given_back(base, monkeypatch):
    shared = SharedModel(base)
    shared.add("policy", LoraConfig(lora_rank=2), seed=0)
    ids = torch.tensor([PROMPTS[1]])
    with torch.no_grad(), shared.role("policy") as model:
        expected = model(input_ids=ids).logits
        layers = base_layers(model)
        with prepacked(model):
            assert ["forward" in vars(layer) for layer in layers] == [can_prepack(layer) for layer in layers]
            torch.testing.assert_close(model(input_ids=ids).logits, expected, atol=1e-5, rtol=1e-4)
        assert not any("forward" in vars(layer) for layer in layers)
        assert torch.equal(model(input_ids=ids).logits, expected)
        monkeypatch.setattr("core.models.fast.prepacked_linear.PREPACKED", 0)
        with prepacked(model):
            assert not any("forward" in vars(layer) for layer in layers), "a copy would be too large"
    shared.close()


def test_what_lies_in_one_sequence_changes_no_other(base):
    with torch.no_grad():
        first = hidden_states(base.model, from_lists(PROMPTS, SEVERAL, 0, base.device))
        changed = [SEVERAL[0], [[9, 9, 9, 9, 9]], SEVERAL[2]]
        other = hidden_states(base.model, from_lists(PROMPTS, changed, 0, base.device))
    assert torch.equal(first[[0, 1, 3, 4, 5]], other[[0, 1, 3, 4, 5]])
    assert not torch.equal(first[2], other[2])


def test_a_model_that_reads_no_layout_is_found_out_and_read_through_its_cache(base, monkeypatch):
    laid = from_lists(PROMPTS, SEVERAL, base.pad_id, base.device)
    with torch.no_grad():
        expected = hidden_states(base.model, laid)
        assert gives_the_same(base.model)
        base.model.set_attn_implementation("sdpa")
        assert not gives_the_same(base.model)
        switch.speed_ups_of(base.model).reads_varlen = None
        assert not reads_varlen(base.model, 64)
        inside = laid.is_response
        torch.testing.assert_close(hidden_states(base.model, laid)[inside], expected[inside], atol=1e-5, rtol=1e-4)


def test_sequences_longer_than_a_sliding_window_are_padded(base, monkeypatch):
    assert reads_varlen(base.model, 64)
    monkeypatch.setattr(base.model.config, "layer_types", ["sliding_attention", "full_attention"], raising=False)
    monkeypatch.setattr(base.model.config, "sliding_window", 32, raising=False)
    assert reads_varlen(base.model, 32)
    assert not reads_varlen(base.model, 33)


@torch.no_grad()
def test_a_decoder_says_what_the_whole_sequence_says(base):
    prompt_ids, is_prompt = rows.pad(PROMPTS, base.pad_id, base.device, left=True)
    prompt_of = torch.tensor([0, 0, 1, 2])
    opened = lambda: sampling.nullcontext(base.model)  # noqa: E731
    for kind in (VarlenDecoder, GraphDecoder, CachedDecoder, WholeDecoder):
        decoder = kind(opened, prompt_ids, is_prompt, prompt_of, 3)
        read = [list(PROMPTS[g]) for g in prompt_of.tolist()]
        for step in range(4):
            for row, tokens in enumerate(read):
                expected = base.model(input_ids=torch.tensor([tokens])).logits[0, -1]
                torch.testing.assert_close(decoder.logits[row], expected, atol=1e-4, rtol=1e-4)
            if step == 1:
                decoder.keep(torch.tensor([0, 2, 3]))
                read = [read[0], read[2], read[3]]
            if step < 3:
                token = torch.tensor([20 + step, 30 + step, 40 + step, 50 + step][: len(read)])
                decoder.grows(step)
                decoder.read(token)
                read = [[*tokens, int(t)] for tokens, t in zip(read, token, strict=True)]


def test_rows_that_end_are_dropped_and_nobody_notices(base, monkeypatch):
    options = {"copies": 4, "max_new_tokens": 24, "end_ids": (*range(60),), "pad_id": 0, "temperature": 1.0}
    found = sample(base.model, PROMPTS, generator=generator(1), **options)
    assert 1 < int(found.lengths.min()) + 1 < int(found.lengths.max())
    monkeypatch.setattr(VarlenDecoder, "drop_at", -1.0)
    whole = sample(base.model, PROMPTS, generator=generator(1), **options)
    assert torch.equal(found.response_ids, whole.response_ids)
    assert torch.equal(found.is_response, whole.is_response)


def test_a_token_is_drawn_as_often_as_its_probability_says():
    p = torch.tensor([0.0, 0.5, 0.0, 0.125, 0.375, 0.0])
    chances = (torch.arange(800, dtype=torch.float64) + 0.5) / 800
    drawn = next_token(p.expand(800, -1), chances)[0]
    assert drawn.bincount(minlength=6).tolist() == [0, 400, 0, 100, 300, 0]
    assert int(next_token(p[None], torch.zeros(1))[0]) == 1
    assert int(next_token(p[None], torch.tensor([1 - 1e-16], dtype=torch.float64))[0]) == 4


def test_attention_has_the_gradients_of_its_formula():
    torch.manual_seed(0)
    bias = torch.zeros(4, 3, dtype=torch.float64).masked_fill_(~torch.ones(4, 3, dtype=torch.bool).tril(), -torch.inf)
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, 4, 5), (2, 3, 5), (2, 3, 5))]

    def attended(q, k, v):
        return Attention.apply(q, k, v, bias[None], 0.5)

    plain = torch.nn.functional.scaled_dot_product_attention(*inputs, attn_mask=bias, scale=0.5)
    torch.testing.assert_close(attended(*inputs), plain)
    assert gradcheck(attended, inputs)
    assert gradgradcheck(attended, inputs)


@pytest.mark.parametrize("biased", [False, True])
def test_lora_has_the_gradients_of_its_formula(biased):
    torch.manual_seed(0)
    W, bias = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64) if biased else None
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((5, 3), (2, 3), (4, 2))]

    def product(x, A, B):
        return LoraProduct.apply(x, W, bias, A, B, 0.5)

    assert gradcheck(product, inputs)
    assert gradgradcheck(product, inputs)


@pytest.mark.parametrize("dora", [False, True])
def test_an_adapter_computes_what_peft_computes(base, dora):
    from peft.tuners.lora.layer import Linear

    shared = SharedModel(base)
    shared.add("a", LoraConfig(lora_rank=4, lora_dora=dora), seed=0)
    layer = next(module for module in base.model.modules() if isinstance(module, Linear))
    with shared.role("a", train=True), torch.no_grad():
        layer.lora_B["a"].weight.normal_()
    x = torch.randn(2, 3, layer.in_features, requires_grad=True)
    with shared.role("a", train=True):
        ours, theirs = layer(x), Linear.forward(layer, x)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
        weights = [x, layer.lora_A["a"].weight, layer.lora_B["a"].weight]
        for a, b in zip(
            torch.autograd.grad(ours.square().sum(), weights),
            torch.autograd.grad(theirs.square().sum(), weights),
            strict=True,
        ):
            torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)
    shared.close()


def test_the_norm_has_the_first_and_second_derivatives_of_its_formula():
    torch.manual_seed(0)
    x, w = torch.randn(3, 8, requires_grad=True), torch.randn(8)
    direction, other = torch.randn(3, 8), torch.randn(3, 8)

    def derivatives(norm):
        value = norm(x)
        (first,) = torch.autograd.grad((value * direction).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first * other).sum(), x)
        return value, first, second

    plain = derivatives(lambda x: w * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5))
    for a, b in zip(derivatives(lambda x: RmsNorm.apply(x, w, 1e-5)), plain, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count", [3, 130])
def test_log_probabilities_in_chunks_are_those_of_whole_logits(count):
    torch.manual_seed(0)
    h, W, ids = torch.randn(count, 8, requires_grad=True), torch.randn(50, 8), torch.randint(0, 50, (count,))
    weigh = torch.randn(count)
    logp, entropy = LogProbability.apply(h, W, ids, 0.7, True, Scratch())
    whole = (h @ W.T / 0.7).log_softmax(-1)
    expected = whole.gather(1, ids[:, None])[:, 0]
    torch.testing.assert_close(logp, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(entropy, -(whole.exp() * whole).sum(-1), atol=1e-5, rtol=1e-5)
    (found,), (slope,) = (torch.autograd.grad((x * weigh).sum(), h, retain_graph=True) for x in (logp, expected))
    torch.testing.assert_close(found, slope, atol=1e-5, rtol=1e-4)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(logp.sum(), h, create_graph=True)
    alone, nothing = LogProbability.apply(h, W, ids, 0.7, False, Scratch())
    assert torch.equal(alone, logp) and nothing is None


def test_models_whose_vocabulary_does_more_than_a_product_are_not_shortened(base):
    from core.models.logprobs import plain_vocabulary

    assert plain_vocabulary(base.model) is not None
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(final_logit_softcapping=30.0))
    capped = SimpleNamespace(get_output_embeddings=base.model.get_output_embeddings, config=config)
    assert plain_vocabulary(capped) is None


def test_the_trial_is_the_same_where_activations_are_recomputed(base):
    with checkpointed(base.model, True):
        assert reads_varlen(base.model, 64)
        assert base.model.training
