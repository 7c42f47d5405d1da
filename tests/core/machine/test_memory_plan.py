"""What fits where: the plan's terms against the code that it describes, and the command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.cli import run
from core.config.training import LoraConfig
from core.errors import BadInput
from core.machine import base_models
from core.machine.memory_plan import KNOWN, Work, fitting, kept, parts, shape_from, shape_of, total
from core.models.adapters import SharedModel
from core.models.logprobs import predictions
from core.models.rows import from_lists
from core.reward.memory import kept_bytes
from core.rl.answer_source import rows_of
from core.rl.pretraining import windows


@pytest.mark.parametrize("targets", ["attention", "all-linear"])
def test_a_layer_keeps_what_is_planned(tiny_model, monkeypatch, targets):
    from core.models.load import load

    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    base = load(base_models.parse(str(tiny_model)))
    shared = SharedModel(base)
    shared.add("policy", LoraConfig(lora_targets=targets, lora_rank=8), seed=0)
    rows = from_lists([list(range(5, 25))] * 4, [[list(range(30, 51))]] * 4, 0, base.device)
    with shared.role("policy", train=True) as model:
        found = kept_bytes(base, lambda: predictions(model, rows, 1.0).logp)
    shape = shape_of(base_models.parse(str(tiny_model)))
    work = Work(dtype="float32", device="cpu", rank=8, targets=targets, prompt=20, response=20, batch=4, micro_batch=4)
    planned = 4 * 40 * shape.layers * kept(shape, work, 4.0)
    assert found == pytest.approx(planned, rel=0.15)

    text = list(range(5, 65)) * 5
    mixed = rows_of(base, windows(text, 100)[:3])
    with shared.role("policy", train=True) as model:
        found = kept_bytes(base, lambda: predictions(model, mixed, 1.0).logp)
    mix = replace(work, micro_batch=4, mixed=3, mixed_tokens=100)
    assert found == pytest.approx(parts(shape, mix)["batch"], rel=0.15)
    assert parts(shape, mix)["batch"] > parts(shape, work)["batch"]
    assert parts(shape, replace(mix, mixed_tokens=20)) == parts(shape, work), "the rollouts keep more"
    adapter = sum(weight.numel() for weight in shared.parameters("policy"))
    assert adapter == shape.adapter(8, targets)
    shared.close()
    linear = sum(m.weight.numel() for m in base.model.base_model.modules() if isinstance(m, torch.nn.Linear))
    assert linear == shape.linear


def test_what_does_not_fit_is_made_smaller_until_it_does():
    work = Work(dtype="4bit", batch=16, micro_batch=16, prompt=256, response=256)
    fits = fitting(KNOWN["7B"], work, 24e9)
    assert fits is not None and fits.micro_batch < 16
    assert total(KNOWN["7B"], fits) <= 24e9 < total(KNOWN["7B"], replace(fits, micro_batch=2 * fits.micro_batch))
    assert fitting(KNOWN["32B"], work, 8e9) is None


def test_a_value_adapter_is_trained_as_the_policy_is_and_keeps_no_more_of_a_batch():
    """Weight, gradient and two moments of each number, in float32; a value head on frozen states is next to nothing."""
    shape, work = KNOWN["1.5B"], Work(response=128)
    found, more = parts(shape, work), parts(shape, replace(work, value_adapter=True))
    assert more["adapters"] - found["adapters"] == 16 * shape.adapter(work.rank, work.targets)
    assert {name: more[name] for name in more if name != "adapters"} == {
        name: found[name] for name in found if name != "adapters"
    }


def test_the_command_says_what_fits(capsys):
    assert run(["plan", "--size", "7B", "--memory", "24", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["4bit"]["fits"] and not found["float32"]["fits"]
    assert run(["plan", "--size", "14B", "--memory", "24", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out.splitlines()[-1])["bfloat16"]["fits"]
    assert run(["plan", "--size", "14B", "--memory", "24", "--fsdp", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["bfloat16"]["fits"]
    gigabytes = {}
    for kind in ("head", "adapter"):
        assert run(["plan", "--size", "7B", "--memory", "24", "--json", "--value-model", kind]) == 0
        gigabytes[kind] = json.loads(capsys.readouterr().out.splitlines()[-1])["4bit"]["gb"]
    assert gigabytes["head"] < gigabytes["adapter"]
    assert run(["plan", "--size", "7B", "--memory", "24", "--json", "--ptx-batch", "8", "--ptx-length", "2048"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["4bit"]["micro_batch"] < 8
    assert run(["plan", "--size", "7B"]) == 2
    assert "--memory" in capsys.readouterr().err
    assert run(["plan", "--size", "7B", "--memory", "24", "--batch", "-1"]) == 2


def test_layers_of_several_widths_are_planned_as_the_widest():
    sizes = {"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 300}
    one = shape_from(sizes | {"intermediate_size": 64}, Path("config.json"))
    assert shape_from(sizes | {"intermediate_size": [32, 64]}, Path("config.json")) == one


def test_a_model_of_another_kind_is_named(tmp_path):
    with pytest.raises(BadInput, match="does not say num_hidden_layers"):
        shape_from({"hidden_size": 8, "num_attention_heads": 2}, Path("config.json"))
    with pytest.raises(BadInput, match="without experts"):
        shape_from({"num_local_experts": 8}, Path("config.json"))
    with pytest.raises(BadInput, match="is not on this machine"):
        shape_of(base_models.parse("hub:nobody/nothing"))
