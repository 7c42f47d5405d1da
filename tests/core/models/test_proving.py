"""What is not what the model says itself is found out when it is loaded: a way that differs is not taken, and a model
of which none is right is refused."""

import inspect
import shutil

import pytest
import torch

from core.errors import ModelError
from core.machine import base_models
from core.models import context_window, proving
from core.models.fast import switch
from core.models.fast.varlen_states import reads_varlen
from core.models.load import load
from core.models.rows import from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.models.states import hidden_states, last_states
from tests.attacks.strangers import edit

PROMPTS = [[5, 9, 12], [7, 8, 30, 31, 40, 41]]
ANSWERS = [[[11, 12, 13, 0], [20, 0]], [[33, 34, 35, 36, 0]]]


def untried(base):
    """The model as nobody has tried it yet."""
    switch.speed_ups_of(base.model).reads_varlen = None
    return base.model


def test_logits_that_are_scaled_in_a_way_that_is_not_known_are_refused(base, monkeypatch):
    own = base.model.forward

    def scaled(*given, **named):
        found = own(*given, **named)
        found.logits = found.logits * 1.5
        return found

    monkeypatch.setattr(base.model, "forward", scaled)
    with pytest.raises(ModelError, match="something else than tiny says"):
        proving.check(untried(base), "tiny")
    assert not reads_varlen(base.model, 8)


def test_a_scale_that_is_known_is_applied(base, monkeypatch):
    own = base.model.forward

    def scaled(*given, **named):
        found = own(*given, **named)
        found.logits = found.logits / 8
        return found

    monkeypatch.setattr(base.model, "forward", scaled)
    monkeypatch.setattr(base.model.config, "logits_scaling", 8.0, raising=False)
    proving.check(untried(base), "tiny")
    assert reads_varlen(base.model, 8)


def test_a_model_that_looks_ahead_is_refused(base, monkeypatch):
    own = base.model.forward

    def both_ways(input_ids=None, **named):
        found = own(input_ids=input_ids, **named)
        found.logits = found.logits + found.logits.flip(1)
        return found

    monkeypatch.setattr(base.model, "forward", both_ways)
    with pytest.raises(ModelError, match="no causal language model"):
        proving.check(untried(base), "tiny")


@torch.no_grad()
def test_a_model_that_goes_on_from_no_cache_is_read_as_a_whole(base, monkeypatch):
    """Two tokens behind a cache are each taken for the first."""
    expected = {"states": [], "last": last_states(base.model, PROMPTS, ANSWERS, 0, base.device)}
    for prompt, answer in ((p, a) for p, group in zip(PROMPTS, ANSWERS, strict=True) for a in group):
        states = base.model.base_model(input_ids=torch.tensor([prompt + answer])).last_hidden_state[0]
        expected["states"].append(states[len(prompt) - 1 :])
    drawn = draw(base)
    trunk, own = base.model.base_model, base.model.base_model.forward

    def forgetful(*given, **named):
        if named.get("attention_mask") is not None and named["attention_mask"].shape[1] > named["input_ids"].shape[1]:
            named["position_ids"] = named["position_ids"] * 0
        return own(*given, **named)

    forgetful.__signature__ = inspect.signature(own)  # says by which name it takes a cache
    monkeypatch.setattr(trunk, "forward", forgetful)
    with switch.disabled():
        rows = from_lists(PROMPTS, ANSWERS, base.pad_id, base.device)
        found = hidden_states(base.model, rows, through_end=True)
        for row, states in enumerate(expected["states"]):
            torch.testing.assert_close(found[row, : len(states)], states, atol=1e-4, rtol=1e-4)
        last = last_states(base.model, PROMPTS, ANSWERS, 0, base.device)
        torch.testing.assert_close(last, expected["last"], atol=1e-4, rtol=1e-4)
        assert draw(base) == drawn
        told = proving.told(base.model, "tiny")
    assert told is not None and "writing, scoring, training reads whole texts" in told


def draw(base):
    rows = sample(
        base.model, PROMPTS, copies=2, max_new_tokens=6, temperature=1e-5, end_ids=base.end_ids, pad_id=base.pad_id,
        generator=generator(0),
    )  # fmt: skip
    return [ids[inside].tolist() for ids, inside in zip(rows.response_ids, rows.is_response, strict=True)]


@pytest.fixture
def model(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "model")


def pointer(folder):
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2690\n"
    )


def bare(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


GLANCES = {
    "an encoder with a decoder": (lambda folder: edit(folder / "config.json", is_encoder_decoder=True), "an encoder"),
    "4 bits": (lambda folder: edit(folder / "config.json", quantization_config={"quant_method": "gptq"}), "quantized"),
    "a pointer": (pointer, "git lfs pull"),
    "no tokenizer": (bare, "has no tokenizer"),
}


@pytest.mark.parametrize("what", GLANCES)
def test_what_a_folder_says_at_a_glance_is_refused_before_a_project_is_made(model, what):
    spoil, words = GLANCES[what]
    spoil(model)
    with pytest.raises(ModelError, match=words) as told:
        base_models.check(base_models.parse(str(model)))
    assert "delete the" not in str(told.value)


def test_a_part_of_a_gguf_model_is_refused(tmp_path):
    part = tmp_path / "big-00001-of-00003.gguf"
    part.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match="one of 3 parts"):
        base_models.check(base_models.parse(str(part)))


def test_nobody_is_told_to_delete_a_folder_of_their_own(model):
    edit(model / "config.json", num_hidden_layers="many")
    with pytest.raises(ModelError) as told:
        load(base_models.parse(str(model)))
    assert "get its files anew" in str(told.value) and "delete the" not in str(told.value)


def test_positions_that_change_in_longer_texts_end_the_context(base):
    config = base.model.config
    assert context_window.tokens_of(config) == 256
    config.rope_parameters = {"rope_type": "longrope", "original_max_position_embeddings": 64}
    assert context_window.tokens_of(config) == 64
    config.rope_parameters = {"rope_type": "of tomorrow", "original_max_position_embeddings": 64}
    assert context_window.tokens_of(config) == 64
    config.rope_parameters = {"rope_type": "yarn", "original_max_position_embeddings": 64}
    assert context_window.tokens_of(config) == 256


def test_a_window_under_whichever_name_is_longer_than_the_trial_and_heeded(base, monkeypatch):
    assert reads_varlen(untried(base), 200)
    monkeypatch.setattr(base.model.config, "max_window_layers", 2, raising=False)
    assert reads_varlen(base.model, 200), "no reach of attention"
    monkeypatch.setattr(base.model.config, "attention_window_size", 24, raising=False)
    assert reads_varlen(base.model, 24) and not reads_varlen(base.model, 25)
