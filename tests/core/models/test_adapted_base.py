"""A base model with somebody's adapter in it: it says what transformers and peft say of the two, in every job."""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from core import worker
from core.config.algorithms import PPO
from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig, JobKind
from core.config.scoring import ScoreConfig
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.errors import ModelError
from core.jobs import queue
from core.labeling import gold
from core.machine import base_models
from core.machine.chosen_model import chosen
from core.models import merging
from core.models.adapters import SharedModel
from core.models.load import load, plain_note
from core.projects import archive
from core.records import Prompt
from core.reward.model import RewardModel, encode
from core.runs import wishes
from core.store import open_project, prompts
from tests.conftest import copied
from tests.core.conftest import made_once
from tests.core.models.test_export import SNIPPET
from tests.jobs import set_job
from tests.thorough import represented

IDS = torch.tensor([[5, 9, 12, 60, 61]])
RUN = TrainPolicyConfig(
    steps=2, gold="regex:[a-m]", train_on_gold=True, learning_rate=2e-2, eval_prompts=1, max_new_tokens=6, batch_size=8,
    lora_rank=4, reference_answers=False,
)  # fmt: skip


def make_adapter(base, folder, **settings):
    """As anybody makes one, with peft alone; its numbers are drawn."""
    torch.manual_seed(3)
    config = {"r": 3, "lora_alpha": 7, "target_modules": "all-linear", "use_rslora": True} | settings
    model = AutoModelForCausalLM.from_pretrained(base)
    get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **config)).save_pretrained(folder)
    return folder


@torch.no_grad()
def said(model):
    return model.eval()(input_ids=IDS).logits.float()


def of_both(base, adapter):
    """What transformers and peft say, with nothing merged."""
    return said(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter))


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")


@pytest.fixture(scope="module")
def polite(tiny_model, tmp_path_factory):
    return make_adapter(tiny_model, tmp_path_factory.mktemp("adapters") / "polite")


@pytest.fixture(scope="module")
def adapted_project(tiny_model, polite, tmp_path_factory):
    """A project on a base with an adapter in it, with a reward model and a policy; made once, tests copy it."""
    with made_once(tmp_path_factory.mktemp("adapted"), tiny_model) as (project, run):
        project.set_setting("model", chosen(str(tiny_model), str(polite)).text)
        prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(8)])
        run(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=8))
        gold.rank_all(project, "regex:[a-m]")
        run(project, JobKind.TRAIN_REWARD, TrainRewardConfig(epochs=1, batch_prompts=3))
        run(project, JobKind.TRAIN_POLICY, RUN, PPO())
        for job in queue.listed(project):
            assert job.status == "done", job.report or job.error
        return project.folder


@pytest.fixture
def adapted(adapted_project, tmp_path):
    with copied(adapted_project, tmp_path / "project") as found:
        yield found


#: Adapters of many kinds, by the architecture that they are for.
KINDS = {
    "dora": ("llama", {"use_dora": True}),
    "transposed": ("gpt2", {"fan_in_fan_out": True}),
    "plain": ("llama", {"use_rslora": False}),
    "transposed dora": ("gpt2", {"fan_in_fan_out": True, "use_dora": True}),
    "ranks by layer": ("llama", {"rank_pattern": {"q_proj": 5}, "alpha_pattern": {"q_proj": 2}}),
}


@pytest.mark.parametrize("kind", represented(KINDS, "dora", "transposed"))
def test_the_merged_base_says_what_the_two_say_with_peft_alone(request, tmp_path, kind):
    architecture, settings = KINDS[kind]
    base = request.getfixturevalue(f"tiny_{architecture}")
    adapter = make_adapter(base, tmp_path / "adapter", **settings)
    expected = of_both(base, adapter)
    assert float((expected - said(AutoModelForCausalLM.from_pretrained(base))).abs().max()) > 0.1
    found = load(chosen(str(base), str(adapter)))
    torch.testing.assert_close(said(found.model), expected, atol=1e-4, rtol=1e-4)
    assert found.spec.title == f"{base.name} + adapter"
    assert not any("lora" in name for name, _ in found.model.named_modules())


@pytest.mark.thorough
def test_a_new_project_is_made_on_both_and_says_so_wherever_it_names_its_model(plumbline, tiny_model, polite, tmp_path):
    folder, title = tmp_path / "project", f"{tiny_model.name} + polite"
    assert plumbline("new", folder, "--model", tiny_model, "--adapter", polite)[0] == 0
    spec = chosen(str(tiny_model), str(polite))
    code, out, _ = plumbline("model", folder, "--json")
    found = json.loads(out.splitlines()[-1])
    assert (code, found["ready"], found["adapter"], found["adapter_sha256"]) == (
        0, True, str(polite), spec.adapter_sha256,
    )  # fmt: skip
    assert title in plumbline("model", folder)[1]
    assert plumbline("experiment", folder, "--out", tmp_path / "page.html")[0] == 0
    assert title in (tmp_path / "page.html").read_text()
    assert json.loads(plumbline("read", folder, "hello", "--json")[1].splitlines()[-1])["model"] == title
    assert plumbline("generate", folder, "--detach")[0] == 0, "what was typed is allowed"
    assert plumbline("model", folder, tiny_model)[0] == 0
    assert "polite" not in plumbline("model", folder)[1], "named without it, it is off again"


def test_an_adapter_alone_names_a_base_that_is_here_and_none_that_would_be_looked_for(plumbline, polite, tiny_model):
    named = json.loads((polite / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == str(tiny_model)
    here = base_models.models_folder() / "somebody--model"
    embedded = base_models.parse(base_models.EMBEDDED).folder
    shutil.copytree(tiny_model, here)
    for text, expected in (("somebody/model", "hub:somebody/model"), (str(embedded), "embedded"), (str(here), "/")):
        spec = chosen(str(copy_of(polite, base_model_name_or_path=text)))
        assert spec.text.startswith(expected) and spec.title.endswith(f" + {Path(spec.adapter).name}")
    for text in ("somebody/else", str(tiny_model), "//host/share", None):
        adapter = copy_of(polite, base_model_name_or_path=text)
        code, _, err = plumbline("new", adapter.parent / "project", "--model", adapter)
        assert code == 2 and f"--model NAME --adapter {adapter}" in err


def copy_of(adapter, **fields):
    """A copy of an adapter whose config says something else."""
    folder = base_models.data_folder() / f"adapter-{len(list(base_models.data_folder().iterdir()))}"
    shutil.copytree(adapter, folder)
    config = json.loads((folder / "adapter_config.json").read_text()) | fields
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def test_an_adapter_that_is_not_what_was_chosen_is_a_sentence(adapted, run_job, tiny_model, polite, tmp_path):
    mine = shutil.copytree(polite, tmp_path / "mine")
    adapted.set_setting("model", chosen(str(tiny_model), str(mine)).text)
    generate = GenerateConfig(max_new_tokens=4, missing_only=False, limit=1)
    assert run_job(adapted, JobKind.GENERATE, generate).status == "done", "the same files in another place"
    config = json.loads((mine / "adapter_config.json").read_text())
    (mine / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 8}))
    assert "its SHA-256 differs" in run_job(adapted, JobKind.GENERATE, generate).error, "also of a model that is kept"
    shutil.rmtree(mine)
    gone = run_job(adapted, JobKind.GENERATE, generate)
    assert f"{mine}, which is a part of the base model, is not there" in gone.error


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("layers_to_transform", [0], "which is not read"),
        ("modules_to_save", ["score"], "a reward model's adapter"),
        ("init_lora_weights", "pissa", "began by changing its base's weights"),
        ("init_lora_weights", "OLoRA", "path_initial_model_for_weight_conversion"),
    ],
)
def test_what_is_no_plain_adapter_is_refused_when_it_is_named(tiny_model, polite, field, value, sentence):
    with pytest.raises(ModelError, match=sentence):
        base_models.check(chosen(str(tiny_model), str(copy_of(polite, **{field: value}))))


def test_what_does_not_fit_or_cannot_be_merged_is_refused_when_it_is_loaded(tiny_model, tiny_gpt2, polite, tmp_path):
    with pytest.raises(ModelError, match="does not fit the model"):
        load(chosen(str(tiny_gpt2), str(polite)))
    with pytest.raises(ModelError, match="cannot be held in 4 bits"):
        load(chosen(str(tiny_model), str(polite)), four_bit=True)
    tied = shutil.copytree(tiny_model, tmp_path / "tied")
    model = AutoModelForCausalLM.from_pretrained(tied)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tied)
    adapter = make_adapter(tied, tmp_path / "head", target_modules=["lm_head", "q_proj"])
    with pytest.raises(ModelError, match="shares its weights"):
        load(chosen(str(tied), str(adapter)))


@pytest.mark.parametrize(("size", "least", "most"), [(1, 0.0, 0.01), (3e-4, 0.1, 0.9)])
def test_it_is_told_how_much_of_an_adapter_rounding_takes(tiny_model, polite, tmp_path, monkeypatch, size, least, most):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "bfloat16")
    base = load(chosen(str(tiny_model), str(smaller(polite, size, tmp_path / "a"))))
    rough = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16).float().requires_grad_(False)
    before = [weight.clone() for weight in rough.parameters()]
    both = PeftModel.from_pretrained(rough, tmp_path / "a").merge_and_unload()
    lost, change = 0.0, 0.0
    for was, exact in zip(before, both.requires_grad_(False).parameters(), strict=True):
        lost += float((exact.bfloat16().double() - exact.double()).square().sum())
        change += float((exact.double() - was.double()).square().sum())
    share = (lost / change) ** 0.5
    assert least < share < most and base.lost == pytest.approx(share, rel=0.02)
    assert [f"loses {base.lost:.0%}" in note.text for note in plain_note(base)] == [True] * (share > 0.01)
    rough = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16).float()
    assert merging.merged(rough, tmp_path / "a", torch.bfloat16).lost == pytest.approx(share, rel=0.02), "an export"


def test_an_adapter_of_which_rounding_leaves_nearly_nothing_is_refused(tiny_model, polite, tmp_path):
    adapter = smaller(polite, 1e-6, tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_DTYPE", "bfloat16")
        with pytest.raises(ModelError, match=r"would lose nearly all .* of what the adapter in .* float32"):
            load(chosen(str(tiny_model), str(adapter)))
    assert load(chosen(str(tiny_model), str(adapter))).lost == 0, "float32 keeps it"


def smaller(adapter, size, folder):
    """A copy of an adapter that changes its base by so much of what it did."""
    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    weights = {name: value * (size if "lora_B" in name else 1) for name, value in weights.items()}
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.thorough
def test_a_run_on_both_is_exported_merged_as_adapters_and_as_gguf(
    adapted, run_job, tiny_model, polite, tmp_path, stranger
):
    out, sha256 = {}, chosen(str(tiny_model), str(polite)).adapter_sha256
    for kind in ("safetensors", "adapter", "gguf"):
        out[kind] = tmp_path / kind
        job = run_job(adapted, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out[kind]), format=kind))
        assert job.status == "done", job.report or job.error
        card = (out[kind] / "README.md").read_text()
        assert f"| Adapter in the base | `polite`, SHA-256 `{sha256}` |" in card
        assert str(tiny_model) not in card and str(polite) not in card, "nobody's business"
    policy = queue.adapter_of(adapted, queue.get(adapted, 3)) / "policy"
    both = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), polite).merge_and_unload()
    base, expected = said(both), said(PeftModel.from_pretrained(both, policy))
    assert float((expected - base).abs().max()) > 0.01
    merged = AutoModelForCausalLM.from_pretrained(out["safetensors"])
    torch.testing.assert_close(said(merged), expected, atol=1e-4, rtol=1e-4)
    (gguf,) = out["gguf"].glob("*.gguf")
    read = said(AutoModelForCausalLM.from_pretrained(out["gguf"], gguf_file=gguf.name))
    assert float((read - expected).abs().max()) < 1e-2 * float(expected.abs().max())
    (found,) = SNIPPET.finditer((out["adapter"] / "README.md").read_text())
    (out["adapter"] / tiny_model.name).symlink_to(tiny_model)  # where the snippet names its base
    ask = f"\nprint(model(input_ids=torch.tensor({IDS.tolist()})).logits.tolist())"
    printed = stranger.run("import torch\n" + found[2] + ask, folder=out["adapter"]).splitlines()[-1]
    torch.testing.assert_close(torch.tensor(json.loads(printed)), expected, atol=1e-4, rtol=1e-4)
    for one in (policy, out["adapter"] / "policy"):
        named = json.loads((one / "adapter_config.json").read_text())["base_model_name_or_path"]
        assert named == f"{tiny_model.name} + polite", "which loads nothing, where the base alone would be wrong"


@pytest.mark.thorough
def test_a_reward_model_on_both_scores_by_its_card(adapted, stranger, tiny_model, polite):
    folder = adapted.folder / queue.get(adapted, 2).result.adapter / "reward"
    card = (folder / "README.md").read_text()
    assert str(tiny_model.parent) not in card and str(polite.parent) not in card, "nobody's business"
    (found,) = SNIPPET.finditer(card)
    for part in (tiny_model, polite):
        (folder / part.name).symlink_to(part)  # where the snippet names them
    printed = stranger.run(found[2] + "\nprint(score)", folder=folder).splitlines()[-1]
    shared = SharedModel(load(base_models.parse(adapted.setting("model"))))
    model = RewardModel.load(shared, folder.parent)
    ids, answers = encode(shared.base, "How are you?", ["Fine, thank you."])
    assert float(printed) == pytest.approx(float(model.raw_scores([ids], [answers])[0][0, 0, 0]), abs=1e-4)


@pytest.mark.thorough
def test_what_was_made_on_both_is_not_used_on_the_base_alone(adapted, run_job, tiny_model, monkeypatch, tmp_path):
    compare = CompareConfig(max_new_tokens=4, limit=1)
    assert run_job(adapted, JobKind.COMPARE, compare).status == "done"
    killed_on_both = run_job(adapted, JobKind.TRAIN_POLICY, RUN, PPO())
    adapted.set_setting("model", str(tiny_model))
    other = f"was tuned on another base model than {tiny_model.name}: choose a run of this one"
    for kind, config in (
        (JobKind.COMPARE, compare),
        (JobKind.GENERATE, GenerateConfig(policy_job=3, missing_only=False, limit=1)),
        (JobKind.EXPORT_MODEL, ExportModelConfig(out=str(tmp_path / "out"))),
        (JobKind.TRAIN_POLICY, replace(RUN, start_from="3")),
    ):
        options = PPO() if kind is JobKind.TRAIN_POLICY else None
        assert other in run_job(adapted, kind, config, options).error, kind
    scored = run_job(adapted, JobKind.SCORE, ScoreConfig(prompt="a", completions=("b",)))
    assert "trained with another base model" in scored.error
    set_job(adapted, killed_on_both.id, status="interrupted", result="{}")
    queue.resume(adapted, killed_on_both.id)
    worker.run_job(adapted, worker.claim(adapted), {})
    assert other in queue.get(adapted, killed_on_both.id).error


def test_the_adapter_is_asked_about_in_a_project_from_elsewhere(adapted, tmp_path, plumbline, polite):
    archive.archive(adapted, tmp_path / "a.plumbline.zip")
    folder = archive.restore(tmp_path / "a.plumbline.zip", tmp_path / "theirs")
    code, _, err = plumbline("generate", folder, "--missing-only", "--detach")
    assert code == 2 and f"it puts the adapter in '{polite}' on its base model" in err
    assert "not looked at before `trust`" in plumbline("model", folder)[1]
    assert plumbline("read", folder, "hello")[0] == 2
    assert plumbline("trust", folder, "--yes")[0] == 0
    copy = archive.duplicate(adapted, tmp_path / "copy")
    for place in (folder, copy):
        with closing(open_project(place)) as project:
            wishes.check(project, GenerateConfig())
            assert base_models.parse(project.setting("model")).adapter == str(polite)
