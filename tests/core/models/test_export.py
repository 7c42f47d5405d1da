"""What leaves Plumbline loads with transformers and peft alone, in a process that has never heard of it."""

import csv
import json
import re
import shutil
from dataclasses import asdict, replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core import cli, worker
from core.config.chat import Chat
from core.config.jobs import CompareConfig, ExportModelConfig, JobKind, config_values
from core.conversation import Conversation
from core.jobs import queue
from core.machine import base_models
from core.markdown import to_html
from core.models.adapters import SharedModel
from core.models.load import PINNED, load
from core.records import Prompt
from core.rl.rollout import POLICY
from core.runs import metrics_export, origins
from core.store import prompts
from core.store.runs import job_metrics
from tests.conftest import copied
from tests.core.conftest import made_once
from tests.core.rl.test_steering import POLICY as RUN
from tests.core.rl.test_steering import options
from tests.jobs import set_job

FRESH = """
import json, sys, torch
assert not any(name.split(".")[0] in ("core", "desktop") for name in sys.modules)
from transformers import AutoModelForCausalLM, AutoTokenizer
ids = torch.tensor([[5, 9, 12, 60, 61]])
def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits[0, -1].tolist()
from peft import PeftModel
base, adapter, merged = sys.argv[1:]
print(json.dumps({
    "adapter": logits(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)),
    "merged": logits(AutoModelForCausalLM.from_pretrained(merged)),
}))
"""


SNIPPET = re.compile(r"^(`{3,})python\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tuned_project(tmp_path_factory, tiny_model):
    """Prompts and a policy; made once, tests copy it."""
    with made_once(tmp_path_factory.mktemp("tuned"), tiny_model) as (project, run):
        prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(12)])
        job = run(project, JobKind.TRAIN_POLICY, RUN, options())
        assert job.status == "done", job.report or job.error
        return project.folder


@pytest.fixture
def asking(tuned_project, tmp_path):
    with copied(tuned_project, tmp_path / "project") as found:
        yield found


@pytest.fixture
def tuned(asking):
    return queue.listed(asking)[0]


def test_the_adapter_and_the_merged_model_give_our_logits_in_a_fresh_process(
    asking, tuned, run_job, tmp_path, tiny_model, stranger
):
    out = tmp_path / "out" / "model"
    out.parent.mkdir()
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out)))
    assert job.status == "done", job.report or job.error
    assert [path.name for path in out.parent.iterdir()] == ["model"], "nothing else is left there"
    assert {path.suffix for path in out.iterdir() if "model" in path.name} == {".safetensors"}
    assert f"tuned with PPO (4 steps) against the reward `{RUN.gold}` in" in (out / "README.md").read_text()
    adapter = queue.adapter_of(asking, tuned) / POLICY
    found = json.loads(stranger.run(FRESH, tiny_model, adapter, out, folder=tmp_path).splitlines()[-1])
    shared = SharedModel(load(base_models.parse(str(tiny_model))))
    shared.load(POLICY, adapter)
    with torch.no_grad(), shared.role(POLICY) as model:
        ours = model(input_ids=torch.tensor([[5, 9, 12, 60, 61]])).logits[0, -1]
    with torch.no_grad(), shared.role(None) as model:
        base = model(input_ids=torch.tensor([[5, 9, 12, 60, 61]])).logits[0, -1]
    assert float((ours - base).abs().max()) > 0.01
    for name in ("adapter", "merged"):
        torch.testing.assert_close(torch.tensor(found[name]), ours, atol=1e-4, rtol=1e-4)


def test_a_run_is_told_from_one_on_its_own_export(asking, run_job, tmp_path):
    """Its adapter would be put on twice: no LoRA moves the norms that older runs know their base by."""
    out = tmp_path / "out"
    assert run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out))).status == "done"
    asking.set_setting("model", str(out))
    again = ExportModelConfig(out=str(tmp_path / "again"))
    other = "Run 1 was tuned on another base model than out: choose a run of this one"
    assert other in run_job(asking, JobKind.EXPORT_MODEL, again).error
    assert other in run_job(asking, JobKind.COMPARE, CompareConfig(policy_job=1)).error
    assert other in run_job(asking, JobKind.TRAIN_POLICY, replace(RUN, start_from="1"), options()).error
    kept = asking.run_folder(1) / origins.KEPT
    older = {name: value for name, value in json.loads(kept.read_text()).items() if name != "weights"}
    kept.write_text(json.dumps(older), encoding="utf-8")
    assert run_job(asking, JobKind.EXPORT_MODEL, again).status == "done", "what an older version knew is all there is"


def test_a_base_is_known_in_every_number_format_and_however_its_files_are_cut(tmp_path, tiny_model, monkeypatch):
    def identity(folder):
        return load(base_models.parse(str(folder))).identity

    known = identity(tiny_model)
    for dtype in ("float32", "bfloat16"):
        with monkeypatch.context() as patch:
            patch.setenv("PLUMBLINE_DTYPE", dtype)
            assert identity(tiny_model) == known
    cut = shutil.copytree(tiny_model, tmp_path / "cut")
    (cut / "model.safetensors").unlink()
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.save_pretrained(cut, max_shard_size="50KB")
    assert not (cut / "model.safetensors").exists()
    assert identity(cut) == known


def test_the_exported_model_stops_where_the_policy_learnt_to_stop(asking, tuned, run_job, tmp_path, tiny_model):
    other = shutil.copytree(tiny_model, tmp_path / "model")
    ended = "{% for m in messages %}<u>{{ m.content }}<a>{% endfor %}{% if add_generation_prompt %}<u>{% endif %}"
    (other / "chat_template.jinja").write_text(ended)
    asking.set_setting("model", str(other))
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(tmp_path / "out")))
    assert job.status == "done", job.report or job.error
    assert json.loads((tmp_path / "out" / "generation_config.json").read_text())["eos_token_id"] == [3, 0]


def test_the_snippet_of_the_card_answers_as_it_stands(asking, run_job, tmp_path, stranger):
    chosen = Chat(system_prompt='Say "no".\n``` 😀', stop="q|\\n\\n|🛑", thinking="off")
    (asking.run_folder(1) / PINNED).write_text(json.dumps(asdict(chosen)))
    out = tmp_path / "out"
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out)))
    assert job.status == "done", job.report or job.error
    (found,) = SNIPPET.finditer((out / "README.md").read_text())
    fresh = "import sys\nassert not any(name.split('.')[0] in ('core', 'desktop') for name in sys.modules)\n"
    whole = f"\nassert turns[0]['content'] == {chosen.system_prompt!r}, turns"
    said = "\nassert 'Say \"no\".' in tokenizer.decode(prompt['input_ids'][0])"
    stranger.run(fresh + found[2] + whole + said, folder=out)


TURN = "{% for m in messages %}<u>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
#: A template, the choices of a run, and what it does not take: a card in other words would fail, or ask another thing.
ASKED = {
    "no system turn": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + TURN,
        Chat(system_prompt="Be kind."),
    ),
    "parts, thinking and a day": (
        TURN.replace("m.content", "m.content[0].text + ''")
        + "{{ 'think' if thinking else '' }}{{ strftime_now('%d %b %Y') }}",
        Chat(thinking="on", chat_date="2025-01-02"),
    ),
}


@pytest.mark.parametrize("kind", ASKED)
def test_the_card_asks_what_the_policy_was_asked(asking, run_job, tmp_path, tiny_model, kind):
    template, chosen = ASKED[kind]
    other = shutil.copytree(tiny_model, tmp_path / "model")
    (other / "chat_template.jinja").write_text(template)
    asking.set_setting("model", str(other))
    (asking.run_folder(1) / PINNED).write_text(json.dumps(asdict(chosen)))
    found = {}
    for form in ("safetensors", "gguf"):
        out = tmp_path / form
        job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), format=form))
        assert job.status == "done", job.report or job.error
        found[form] = (out / "README.md").read_text()
    (code,) = SNIPPET.finditer(found["safetensors"])
    (llama,) = SNIPPET.finditer(found["gguf"])
    names = {"tokenizer": AutoTokenizer.from_pretrained(tmp_path / "safetensors")}
    exec(
        "\n".join(re.findall("^tokenizer.chat_template = .*", code[2], re.MULTILINE))
        + code[2][code[2].index("\nquestion") : code[2].index("\nanswer")],
        names,
    )
    base = load(base_models.parse(str(other)), chosen)
    expected = base.chat.prompt(Conversation.of_text("How are you?")).ids
    assert names["prompt"]["input_ids"][0].tolist() == list(expected)
    turns = re.findall("^(?:question|turns) = .*", code[2], re.MULTILINE)
    assert turns == re.findall("^(?:question|turns) = .*", llama[2], re.MULTILINE)
    given = "was given `enable_thinking=True, thinking=True` and 2025-01-02 as today's date, which `create"
    assert (given in found["gguf"]) == (chosen.thinking == "on")


def test_the_card_tells_the_recipe_and_nothing_in_it_is_taken_for_markdown(tuned_project, run_job, tmp_path):
    name = "a `b` *c* <script>alert(1)<!script> [x](y)\u202e"
    with copied(tuned_project, tmp_path / name) as asking:
        out = tmp_path / "out"
        job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), format="gguf"))
        tuned = queue.get(asking, 1).result
    assert job.status == "done", job.report or job.error
    card = (out / "README.md").read_text()
    assert "| Prompts | 9 to train on, 3 held out |" in card and "| Rankings | none |" in card
    assert "| Algorithm | PPO, 4 steps |" in card and f"| KL to the base | {tuned.kl:.3g} nats a completion |" in card
    assert "`learning_rate 0.005`" in card and "`train_on_gold True`" in card
    page = to_html(card)
    assert "<script" not in page and "<em>c" not in page and "\u202e" not in card


def test_an_export_names_no_place_of_the_machine(asking, run_job, tmp_path, tiny_model):
    there = "/home/ana/clients/acme"
    run = replace(RUN, gold=f"{there}/gold.py:score", rules=f"0.5*{there}/rules.py:kind; -0.01*length")
    set_job(asking, 1, config=json.dumps(config_values(run)))
    for kind in ("safetensors", "adapter", "gguf"):
        out = tmp_path / kind
        job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), format=kind))
        assert job.status == "done", job.report or job.error
        for file in out.iterdir():
            for place in (there, str(tiny_model.parent), str(asking.folder)):
                assert place.encode() not in file.read_bytes(), file.name
    card = (tmp_path / "gguf" / "README.md").read_text()
    assert "against the reward `gold.py:score` and the rules `0.5*rules.py:kind; -0.01*length`" in card


def test_an_export_names_no_code_that_its_base_brought(asking, run_job, tmp_path, tiny_model):
    other = shutil.copytree(tiny_model, tmp_path / "model")
    code = {"auto_map": {"AutoModel": "eve/repo--m.M"}, "custom_generate": "eve/repo", "custom_pipelines": {"x": {}}}
    nested = {"auto_map": code["auto_map"], "image_processor": {"auto_map": code["auto_map"], "size": 3}}
    for name, more in (
        ("config.json", {"auto_map": code["auto_map"], "custom_pipelines": code["custom_pipelines"]}),
        ("generation_config.json", code), ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["t.T", None]}}),
        ("preprocessor_config.json", nested),
    ):  # fmt: skip
        path = other / name
        path.write_text(json.dumps((json.loads(path.read_text()) if path.is_file() else {}) | more))
    asking.set_setting("model", str(other))
    for kind in ("safetensors", "adapter"):
        out = tmp_path / kind
        job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), format=kind))
        assert job.status == "done", job.report or job.error
        for path in out.rglob("*.json"):
            assert not any(name in path.read_text() for name in ('"auto_map"', "custom_", "eve/")), path.name
    assert json.loads((tmp_path / "safetensors" / "preprocessor_config.json").read_text()) == {
        "image_processor": {"size": 3}
    }
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "safetensors").config.model_type == "llama"


def test_a_policy_is_written_as_a_gguf_that_says_what_the_merged_model_says(asking, run_job, tmp_path):
    for kind, name in (("safetensors", "plain"), ("gguf", "gguf")):
        job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(tmp_path / name), format=kind))
        assert job.status == "done", job.report or job.error
    assert (job.result.dtype, job.result.bytes) == (
        "f16",
        (tmp_path / "gguf" / "project-run-1-f16.gguf").stat().st_size,
    )
    assert sorted(path.name for path in (tmp_path / "gguf").iterdir()) == [
        "Modelfile", "README.md", "project-run-1-f16.gguf",
    ]  # fmt: skip
    ids = torch.tensor([[5, 9, 12, 60, 61]])
    with torch.no_grad():
        ours = AutoModelForCausalLM.from_pretrained(tmp_path / "plain")(input_ids=ids).logits
        read = AutoModelForCausalLM.from_pretrained(tmp_path / "gguf", gguf_file="project-run-1-f16.gguf")
        assert (read(input_ids=ids).logits - ours).abs().max() < 1e-3 * ours.abs().max()


def test_a_gguf_that_was_killed_after_it_was_moved_is_not_written_again(asking, run_job, tmp_path):
    out = tmp_path / "model"
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), format="gguf", quantize="q8_0"))
    found = job.result
    assert found.dtype == "q8_0"
    set_job(asking, job.id, status="interrupted", result="{}")
    assert resumed(asking, job).result == found


def test_what_has_no_place_in_a_gguf_is_refused_before_anything_is_written(asking, run_job, tmp_path, tiny_model):
    other = shutil.copytree(tiny_model, tmp_path / "model")
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"]["add_prefix_space"] = True
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    asking.set_setting("model", str(other))
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(tmp_path / "out"), format="gguf"))
    assert job.status == "failed" and job.error.endswith("llama.cpp has no name for): export it as safetensors.")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(asking, tuned, run_job, tmp_path):
    (tmp_path / "mine").write_text("mine")
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(tmp_path)))
    assert job.status == "failed" and "choose a folder that is empty or new" in job.error
    assert (tmp_path / "mine").read_text() == "mine"
    nowhere = tmp_path / "none" / "model"
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(nowhere)))
    assert job.status == "failed" and "choose another place" in job.error


def test_an_export_that_was_killed_is_resumed_and_finishes(asking, tuned, run_job, tmp_path):
    out = tmp_path / "model"
    job = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out)))
    assert job.status == "done", job.report or job.error
    written, found = {path.name: path.read_bytes() for path in out.iterdir()}, job.result
    for killed_after_its_rename in (True, False):
        if not killed_after_its_rename:
            shutil.rmtree(out)
        set_job(asking, job.id, status="interrupted", result="{}")
        job = resumed(asking, job)
        assert (job.status, job.result) == ("done", found), job.report or job.error
        assert {path.name: path.read_bytes() for path in out.iterdir()} == written
    out.rename(tmp_path / "elsewhere")
    out.mkdir()
    (out / "config.json").write_text("mine")
    set_job(asking, job.id, status="interrupted", result="{}")
    assert "is there already" in resumed(asking, job).error
    assert (out / "config.json").read_text() == "mine"


def resumed(project, job):
    queue.resume(project, job.id)
    claimed = worker.claim(project)
    worker.run_job(project, claimed, {})
    return queue.get(project, job.id)


def test_metrics_go_to_tensorboard_and_csv_with_every_value(asking, tuned, tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert cli.run(["export-metrics", str(asking.folder), str(tuned.id), str(tmp_path / "events")]) == 0
    assert cli.run(["export-metrics", str(asking.folder), str(tuned.id), str(tmp_path / "run.csv")]) == 0
    expected = job_metrics.series(asking, tuned.id)
    events = event_accumulator.EventAccumulator(str(tmp_path / "events")).Reload()
    assert set(events.Tags()["scalars"]) == set(expected)
    for name, points in expected.items():
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert found == [(step, pytest.approx(value, rel=1e-6, abs=1e-12)) for step, value in points]
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    kl = [(int(row["step"]), float(row["objective/kl"])) for row in rows if row["objective/kl"]]
    assert kl == expected["objective/kl"]


def test_without_tensorboard_a_sentence_says_what_to_do(asking, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(metrics_export, "find_spec", lambda name: None)
    job = queue.enqueue(asking, JobKind.TRAIN_POLICY, config_values(RUN, options()))
    assert cli.run(["export-metrics", str(asking.folder), str(job.id), str(tmp_path / "events")]) == 2
    assert "or use CSV" in capsys.readouterr().err
