"""What is chosen for this machine: kept, overridden by the environment, and heeded by the worker at its next job."""

import json
import os
import sys
import types

import psutil
import pytest

from core import cli
from core.config.jobs import FetchModelConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import BadInput, ModelError
from core.events import Completions, NewCompletion
from core.jobs import lock, presence, queue, speed
from core.jobs.recorder import Recorder
from core.machine import base_models, compute_settings, model_cache, monitor
from core.store import create_project
from tests.jobs import set_job


@pytest.fixture(autouse=True)
def _nobody_else_chooses(monkeypatch):
    for name in compute_settings.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(capsys):
    """The command; returns (exit code, what it printed or the sentence it failed with)."""

    def run(*arguments):
        code = cli.run(["settings", *arguments])
        captured = capsys.readouterr()
        if code or "--json" not in arguments:
            return code, captured.err or captured.out
        return code, json.loads(captured.out.strip().splitlines()[-1])["settings"]

    return run


def fetch(run_job, project):
    return run_job(project, JobKind.FETCH_MODEL, FetchModelConfig())


def test_choices_are_kept_and_put_back(settings):
    assert settings("--json")[1]["threads"] == {"value": 0, "chosen": "by default"}
    assert settings("threads", "4", "--json")[1] == {"threads": {"value": 4, "chosen": "in the settings"}}
    settings("memory-gb", "1,5")
    settings("dtype", "float32")
    assert compute_settings.chosen() == compute_settings.Machine(dtype="float32", threads=4, memory_gb=1.5)
    settings("threads", "--reset")
    assert compute_settings.chosen() == compute_settings.Machine(dtype="float32", memory_gb=1.5)
    settings("--reset")
    assert compute_settings.chosen() == compute_settings.Machine()


def test_the_environment_wins_and_is_named(settings, monkeypatch):
    settings("device", "cuda")
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    assert settings("device", "--json")[1] == {"device": {"value": "cpu", "chosen": "by PLUMBLINE_DEVICE"}}
    from core.models.devices import placement

    assert (placement().device.type, "PLUMBLINE_DEVICE" in placement().reason) == ("cpu", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("speed",), "There is no setting 'speed'"),
        (("threads", "many"), "threads is a whole number"),
        (("threads", "-1"), "must be at least 0"),
        (("device", "tpu"), "must be one of auto, cuda"),
        (("threads", "2", "--reset"), "not both"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(settings, arguments, words):
    code, said = settings("--", *arguments) if "-1" in arguments else settings(*arguments)
    assert (code, words in said) == (2, True), said
    assert compute_settings.chosen() == compute_settings.Machine()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"threads": "four"}', '{"threads": 2.5}', '{"dtype": "int8"}', '{"x": 1}']
)
def test_a_damaged_file_says_how_to_be_rid_of_it(settings, text):
    compute_settings.file().write_text(text)
    code, said = settings()
    assert (code, "`settings --reset`" in said) == (2, True)
    assert settings("--reset")[0] == 0


def test_a_change_reaches_the_worker_at_its_next_job(run_job, asking, monkeypatch):
    import torch

    monkeypatch.delenv("PLUMBLINE_DTYPE", raising=False)
    before = torch.get_num_threads()
    compute_settings.choose("device", "cpu")
    compute_settings.choose("dtype", "float32")
    compute_settings.choose("threads", 2)
    assert fetch(run_job, asking).result.dtype == "float32"
    told = presence.last(asking)
    assert (told.pid, told.loaded.device, told.loaded.dtype, told.loaded.threads) == (os.getpid(), "cpu", "float32", 2)
    assert "chosen in the settings" in told.loaded.reason
    assert torch.get_num_threads() == 2
    compute_settings.choose("dtype", "bfloat16")
    assert fetch(run_job, asking).result.dtype == "bfloat16", "the base that is held is loaded anew"
    compute_settings.reset()
    fetch(run_job, asking)
    assert torch.get_num_threads() == before == presence.last(asking).loaded.threads


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_the_jobs_sentence(run_job, asking, monkeypatch, kind):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    compute_settings.choose("device", kind)
    job = fetch(run_job, asking)
    assert job.status == "failed"
    maker = "NVIDIA" if kind == "cuda" else "Apple"
    assert job.error == (
        f"There is no {maker} GPU to be used, and the device {kind} was chosen in the settings: change it to auto."
    )
    assert job.report is None
    assert presence.last(asking).loaded is None


@pytest.mark.parametrize(("name", "value"), [("PLUMBLINE_DEVICE", "gpu"), ("PLUMBLINE_DTYPE", "int8")])
def test_nonsense_in_the_environment_is_a_sentence_too(monkeypatch, name, value):
    from core.models.devices import placement

    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"{value} was chosen by {name}: change it to auto"):
        placement()


def test_the_memory_budget_is_kept_within(base, tiny_model, capsys):
    from core.models.load import load
    from core.reward import memory

    def room():
        return memory.budget(
            base, 8, lambda: base.model(base.tokenizer("hello", return_tensors="pt").input_ids).logits, 0
        )

    free = room()
    held = psutil.Process().memory_info().rss / 1e9
    compute_settings.choose("memory_gb", held + 0.001)
    assert room() < free
    assert cli.run(["plan", "--size", "0.5B", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["memory_gb"] == pytest.approx(held + 0.001)
    compute_settings.choose("memory_gb", 1e-6)
    with pytest.raises(ModelError, match="raise the memory budget"):
        load(base_models.parse(str(tiny_model)))


@pytest.fixture
def cached(tmp_path):
    """A project whose base lies in the cache, beside a model that nobody uses and half of a download."""
    for name, size in (("owner--used", 3000), ("gguf/idle", 1000), (".fetch-1/model", 10)):
        folder = base_models.models_folder() / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"0" * size)
    project = create_project(tmp_path / "mine", model="hub:owner/used")
    yield project
    project.close()


def test_models_are_listed_with_size_and_users(cached):
    found = model_cache.listed([cached.folder])
    assert [(model.title, model.bytes, model.users) for model in found] == [
        ("owner/used", 3002, (cached.folder,)),
        ("idle", 1002, ()),
    ]
    config = TrainPolicyConfig(reward_model=str(base_models.models_folder() / "gguf" / "idle"))
    queue.enqueue(cached, JobKind.TRAIN_POLICY, config_values(config, ALGORITHMS["ppo"].config()))
    assert [model.users for model in model_cache.listed([cached.folder])] == [(cached.folder,)] * 2


def test_a_model_at_work_is_not_deleted(cached, monkeypatch, tmp_path):
    monkeypatch.setattr(lock, "LEAVING", 0.1)
    used, idle = (model.folder for model in model_cache.listed([]))
    guard = lock.acquire(cached.folder)
    with pytest.raises(BadInput, match="The worker of mine is using owner--used"):
        model_cache.delete(used, [cached.folder])
    model_cache.delete(idle, [cached.folder])
    assert (used.is_dir(), idle.exists()) == (True, False)
    guard.close()
    model_cache.delete(used, [cached.folder])
    assert model_cache.listed([]) == []
    assert not [path for path in base_models.models_folder().rglob("*.safetensors") if ".fetch" not in str(path)]
    with pytest.raises(BadInput, match="not in the cache"):
        model_cache.delete(tmp_path, [])


def test_tokens_a_second_of_what_runs(filled):
    execute = filled.db.conn.execute
    assert speed.tokens_per_second(filled) is None
    config = config_values(GenerateConfig())
    job = queue.enqueue(filled, JobKind.GENERATE, config)
    set_job(filled, job.id, status="running", started_at="2026-01-01T00:00:00.000+00:00")
    for second in (1, 3, 5):
        Recorder(filled, job.id).record(
            Completions(1, (NewCompletion("a", 30, True, 0), NewCompletion("b", 10, True, 0)), {})
        )
        at = f"2026-01-01T00:00:0{second}.000+00:00"
        execute("update completion_groups set created_at = ? where id = (select max(id) from completion_groups)", (at,))
    assert speed.tokens_per_second(filled) == pytest.approx(80 / 4, rel=1e-3)


class NotSupported(Exception):
    pass


def nvml():
    """NVIDIA's library with a whole card, and with a part of one that tells nothing but its memory."""

    def told(value):
        def ask(card):
            if card == 1:
                raise NotSupported
            return value

        return ask

    return types.SimpleNamespace(
        NVMLError=NotSupported,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetName=lambda card: b"NVIDIA H100",
        nvmlDeviceGetMemoryInfo=lambda card: types.SimpleNamespace(used=20 * 10**9, total=80 * 10**9),
        nvmlDeviceGetUtilizationRates=told(types.SimpleNamespace(gpu=75)),
        nvmlDeviceGetPowerUsage=told(350_000),
        nvmlDeviceGetEnforcedPowerLimit=told(700_000),
        __spec__=object(),
    )


def test_the_machine_is_read_with_its_cards(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    sampler = monitor.Sampler()
    sum(range(3_000_000))
    found = sampler.read(os.getpid())
    assert 0 < found.cpu <= 1
    assert 0 < found.worker < found.used < found.total
    assert found.gpus == (
        monitor.Gpu("NVIDIA H100", 20 * 10**9, 80 * 10**9, 0.75, 350.0, 700.0),
        monitor.Gpu("NVIDIA H100", 20 * 10**9, 80 * 10**9, None, None, None),
    )


def test_without_a_card_or_a_worker_the_rest_is_read(monkeypatch):
    library = nvml()

    def no_driver():
        raise NotSupported

    library.nvmlInit = no_driver
    monkeypatch.setitem(sys.modules, "pynvml", library)
    found = monitor.Sampler().read(2**22 + 1)
    assert (found.gpus, found.worker) == ((), None)
