"""A stranger's adapter: plain LoRA in safetensors, or a sentence; nobody is asked, and no pickle is opened."""

import json
import pickle
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import worker
from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, LoraConfig, TrainPolicyConfig, TrainPolicyResult
from core.errors import DamagedCheckpoint, ModelError
from core.jobs import checkpoint_files, queue
from core.machine import base_models
from core.models import adapter_files
from core.models.adapters import SharedModel
from core.models.load import Base, load
from core.reward.model import ABOUT, ADAPTER, RewardModel
from core.runs import wishes
from core.store import Project, jobs
from core.trust import gate
from tests.attacks.strangers import Tampering, cheap, edit, watch_network
from tests.tiny import make_tiny_model

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


class Armed:
    """A pickle that writes a file when it is opened."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return load(base_models.parse(str(make_tiny_model(tmp_path_factory.mktemp("tiny")))))


@pytest.fixture(scope="module")
def honest(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "policy"
    shared = SharedModel(base)
    shared.add("policy", LoraConfig(), seed=0)
    shared.save("policy", folder)
    shared.close()
    return folder


@pytest.fixture
def adapter(honest: Path, tmp_path: Path) -> Path:
    shutil.copytree(honest, tmp_path / "policy")
    return tmp_path / "policy"


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return watch_network(monkeypatch)


def config(**changes: object) -> Tampering:
    return lambda folder: edit(folder / CONFIG, **changes)


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Armed(folder / "ran")))


def header(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 2**62) + b"{}")


def weights(change: Any) -> Tampering:
    def tamper(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        change(found)
        save_file(found, folder / WEIGHTS)

    return tamper


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
ATTACKS: dict[str, tuple[Tampering, str]] = {
    "prompt tuning": (
        config(peft_type="PROMPT_TUNING", tokenizer_name_or_path="evil/tokenizer", prompt_tuning_init="TEXT"),
        "of the kind 'PROMPT_TUNING', and only LoRA is read",
    ),
    "no kind": (config(peft_type=None), "of the kind None"),
    "a kind that is a list": (config(peft_type=["LORA"]), "of the kind"),
    "a tokenizer of the hub": (config(tokenizer_name_or_path="evil/tokenizer"), "'tokenizer_name_or_path'"),
    "a mapping to code": (config(auto_mapping={"parent_library": "os", "base_model_class": "x"}), "'auto_mapping'"),
    "an unknown field": (config(load_me="evil.module"), "'load_me'"),
    "a pattern": (config(target_modules="(a+)+$"), "'target_modules'"),
    "patterns": (config(target_modules=["(a+)+$"]), "'target_modules'"),
    "a pattern of ranks": (config(rank_pattern={"(a+)+$": 3}), "'rank_pattern'"),
    "endless ranks": (config(rank_pattern={f"x{i}": 1 for i in range(50_000)}), "'rank_pattern'"),
    "endless names": (config(target_modules=[f"x{i}" for i in range(9_000)]), "'target_modules'"),
    "other initial weights": (config(loftq_config={"loftq_bits": 4}), "'loftq_config'"),
    "weights of its base that are others": (config(init_lora_weights="pissa_niter_4"), "began by changing its base's"),
    "a way to begin that nobody knows": (config(init_lora_weights="new"), "began by changing its base's"),
    "other tensors": (config(target_parameters=["x"]), "'target_parameters'"),
    "copies of layers": (config(layer_replication=[[0, 10**9]]), "'layer_replication'"),
    "a whole module": (config(modules_to_save=["lm_head"]), "'modules_to_save'"),
    "a huge rank": (config(r=10**9), "'r'"),
    "a rank that its file has not": (config(r=4000), "says a rank of 4000"),
    "a rank that is a text": (config(r="16"), "'r'"),
    "a scale of nothing": (config(lora_alpha=0), "'lora_alpha' with 0"),
    "the first layer alone": (config(layers_to_transform=0), "'layers_to_transform' with 0"),
    "a scale that is none": (config(lora_alpha=float("nan")), "'lora_alpha'"),
    "deep": (lambda folder: (folder / CONFIG).write_text('{"a":' * 10**5 + "1" + "}" * 10**5) and None, "too deep"),
    "a list": (lambda folder: (folder / CONFIG).write_text("[]") and None, "no JSON object"),
    "a pickle": (pickled, "pickles .* can run code"),
    "a header of 2^62 bytes": (header, "is damaged"),
    "a missing tensor": (weights(lambda found: found.pop(FIRST)), rf"it lacks {FIRST}"),
    "a foreign tensor": (weights(lambda found: found.update({"x.lora_A.weight": torch.zeros(1)})), "x.lora_A.weight"),
    "weights that are not numbers": (
        weights(lambda found: found.update({FIRST: found[FIRST] * float("nan")})),
        f"not all weights are numbers in {FIRST}",
    ),
    "weights that are whole numbers": (
        weights(lambda found: found.update({FIRST: found[FIRST].long()})),
        f"not all weights are numbers in {FIRST}",
    ),
    "another shape": (weights(lambda found: found.update({FIRST: torch.zeros(16, 5)})), f"shape is another in {FIRST}"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tampered_adapter_is_refused_and_asks_nobody(base, adapter, attack, attempts):
    tamper, words = ATTACKS[attack]
    tamper(adapter)
    shared = SharedModel(base)
    with cheap(), pytest.raises(ModelError, match=words) as told:
        shared.load("policy", adapter)
    shared.close()
    assert "\n" not in str(told.value) and len(str(told.value)) < 700
    assert attempts == [] and not (adapter / "ran").exists()


@pytest.mark.parametrize("shape", [(4096, 0), (4096, 1)])
@pytest.mark.parametrize("others", [False, True])
def test_a_small_file_of_a_high_rank_is_refused_before_the_adapter_is_made(base, adapter, shape, others, monkeypatch):
    """On a model of any size: the room that an adapter is given beyond its file is none here."""
    monkeypatch.setattr(adapter_files, "ROOM", 0)
    edit(adapter / CONFIG, r=4096)
    save_file({"base_model.model.x": torch.zeros(shape)}, adapter / WEIGHTS, metadata={"format": "pt"})
    shared = SharedModel(base)
    if others:
        shared.add("other", LoraConfig(), seed=0)
    before = sum(map(torch.numel, base.model.parameters()))
    with cheap(memory=2e7), pytest.raises(ModelError, match=r"says a rank of 4096|it lacks"):
        shared.load("policy", adapter)
    assert sum(map(torch.numel, base.model.parameters())) == before
    shared.close()
    assert not any("lora" in name for name, _ in base.model.named_modules())


def test_a_pickle_beside_the_weights_is_not_opened_and_the_named_base_not_asked_for(base, adapter, attempts):
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Armed(adapter / "ran")))
    edit(adapter / CONFIG, base_model_name_or_path="evil/base", revision="main")
    shared = SharedModel(base)
    shared.load("policy", adapter)
    expected = load_file(adapter / WEIGHTS)
    assert all(torch.equal(value, expected[name]) for name, value in shared.state("policy").items())
    shared.close()
    assert attempts == [] and not (adapter / "ran").exists()


def test_only_what_decides_about_the_weights_is_taken_from_a_config(adapter):
    edit(adapter / CONFIG, lora_dropout=0.5, init_lora_weights="gaussian", base_model_name_or_path="evil/base")
    found, _ = adapter_files.read(adapter)
    assert (found.lora_dropout, found.init_lora_weights, found.base_model_name_or_path) == (0.0, True, None)


@pytest.fixture
def tuned(honest: Path, base: Base, filled: Project) -> Path:
    """The adapter of a run that `filled` says it has finished."""
    filled.set_setting("model", str(base.spec.folder))
    gate.made_here(filled)
    config = TrainPolicyConfig(gold="length", train_on_gold=True)
    job = queue.enqueue(filled, JobKind.TRAIN_POLICY, config_values(config, ALGORITHMS["ppo"].config()))
    run = Path("runs") / str(job.id) / "step-000001"
    shutil.copytree(honest, filled.folder / run / "policy")
    jobs.merge_result(filled, job.id, TrainPolicyResult(adapter=str(run), steps=1))
    jobs.end(filled, job.id, "done")
    return filled.folder / run / "policy"


RUNS: dict[JobKind, Callable[[Path], Any]] = {
    JobKind.EXPORT_MODEL: lambda folder: ExportModelConfig(out=str(folder / "made"), policy_job=1),
    JobKind.GENERATE: lambda folder: GenerateConfig(policy_job=1, completions=2, missing_only=False, max_new_tokens=4),
    JobKind.COMPARE: lambda folder: CompareConfig(policy_job=1, prompts=("hello",), max_new_tokens=4),
}


def ended(base, project, kind, config):
    """The job of these settings, once a worker ran it."""
    wishes.choose(project, config)
    job = queue.enqueue(project, kind, config_values(config))
    claimed = worker.claim(project)
    assert claimed is not None
    worker.run_job(project, claimed, {"base": base})
    return queue.get(project, job.id)


@pytest.mark.parametrize("attack", ["prompt tuning", "a pickle"])
@pytest.mark.parametrize("kind", RUNS)
def test_no_job_reads_a_tampered_adapter(base, filled, tuned, tmp_path, kind, attack, attempts):
    tamper, words = ATTACKS[attack]
    tamper(tuned)
    job = ended(base, filled, kind, RUNS[kind](tmp_path))
    assert job.status == "failed" and re.search(words, job.error or ""), job.report or job.error
    assert attempts == [] and not (tuned / "ran").exists() and not (tmp_path / "made").exists()


@pytest.mark.parametrize("kind", [JobKind.EXPORT_MODEL, JobKind.GENERATE])
def test_an_adapter_that_is_too_large_for_the_model_is_told(base, filled, tuned, tmp_path, kind):
    weights(lambda found: found.update({name: torch.full_like(value, 1e38) for name, value in found.items()}))(tuned)
    job = ended(base, filled, kind, RUNS[kind](tmp_path))
    assert job.status == "failed" and "are not numbers" in (job.error or "") and not (tmp_path / "made").exists()


def test_a_reward_model_says_only_what_it_can_be(base, tmp_path):
    shared = SharedModel(base)
    model = RewardModel(shared)
    model.add(ADAPTER, LoraConfig(), seed=0)
    model.save(tmp_path / "run")
    shared.close()
    about = tmp_path / "run" / ADAPTER / ABOUT
    whole = json.loads(about.read_text("utf-8"))
    for changes in (
        {"members": ["../../elsewhere"]},
        {"members": ["reward"] * 1000},
        {"members": []},
        {"members": 3},
        {"columns": [None]},
        {"columns": ["overall"] * 500},
        {"mean": ["x"]},
        {"mean": [10**400]},
        {"mean": [2**70]},
        {"mean": [float("nan")]},
        {"std": [0]},
        {"combined": {"mean": [0, 0]}},
        {"members": ["policy"]},
        {"scaled_by": []},
        {"tie": []},
        {"combined": {"mean": [1]}},
        {"combined": 5},
    ):
        about.write_text(json.dumps(whole | changes), "utf-8")
        with pytest.raises(ModelError, match="holds no reward model that this version can read"):
            RewardModel.load(SharedModel(base), tmp_path / "run")


def test_a_run_that_is_resumed_on_another_base_says_so_and_calls_nothing_damaged(base: Base, tmp_path: Path) -> None:
    other = SharedModel(load(base_models.parse(str(make_tiny_model(tmp_path / "other", architecture="gpt2")))))
    other.add("policy", LoraConfig(), seed=0)
    other.save("policy", tmp_path / "policy")
    shared = SharedModel(base)
    shared.add("policy", LoraConfig(), seed=0)
    try:
        with pytest.raises(ModelError, match="was trained on another base model than"), checkpoint_files.reading(3):
            shared.reload("policy", tmp_path / "policy")
        (tmp_path / "policy" / WEIGHTS).write_bytes(b"no safetensors")
        with pytest.raises(DamagedCheckpoint, match="The checkpoint of step 3 is damaged"), checkpoint_files.reading(3):
            shared.reload("policy", tmp_path / "policy")
    finally:
        shared.close()
        other.close()
