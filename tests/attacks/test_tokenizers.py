"""A stranger's tokenizer is a program: one that grows, does not end or panics is told, and the worker lives."""

import json
import os
import shutil
import sys
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import worker
from core.config.jobs import GenerateConfig, JobKind, config_values
from core.errors import ModelError
from core.jobs import queue
from core.machine import base_models
from core.models import tokenizer_files, tokenizer_probe, vetting
from core.models.load import load
from core.store import prompts
from core.store.prompts import Prompt
from core.trust import gate
from tests.attacks.strangers import cheap, edit
from tests.tiny import make_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "model")
    return tmp_path / "model"


def replace(content: str, times: int, **pattern: str) -> list[dict[str, Any]]:
    return [{"type": "Replace", "pattern": pattern, "content": content}] * times


def normalizers(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"normalizer": {"type": "Sequence", "normalizers": list(steps)}}


def decoders(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"decoder": {"type": "Sequence", "decoders": list(steps)}}


def split(pattern: str) -> dict[str, Any]:
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"pre_tokenizer": split}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
SPACES = [{"type": "Prepend", "prepend": "▁"}, *replace("▁", 1, String=" ")]
ATTACKS = {
    "a word that grows, twelve deep": (normalizers(*replace("us" * 10, 12, String="us")), "its normalizer makes"),
    "tokens that grow": (decoders(*replace("a" * 10, 6, Regex=".")), "its decoder makes"),
    "bytes of bytes": (
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTES] * 30}}, "its normalizer makes",
    ),
    "a pattern without end": (split("(?:(?:q|qq)+)+z"), "cannot be used"),
    "a long token": (
        {"added_tokens": [{
            "id": 5, "content": "x" * 1_000_000, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False,
        }]},
        "a token of 1000000 characters",
    ),
    "many added tokens": (
        {"added_tokens": [{
            "id": 300 + number, "content": f"<{number}>", "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True,
        } for number in range(100_001)]},
        "100001 added tokens",
    ),
}  # fmt: skip
HONEST = {
    "as SentencePiece's are": normalizers(*SPACES)
    | decoders(*replace(" ", 1, String="▁"), {"type": "ByteFallback"}, {"type": "Fuse"}),
    "spaces together": normalizers({"type": "NFKC"}, *replace("▁", 1, Regex=" {2,}")),
    "as BERT's are": normalizers(
        {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
    ),
    "as Llama's are": split(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tokenizer_that_grows_or_does_not_end_is_refused_before_it_reads_a_text(model, attack):
    changes, words = ATTACKS[attack]
    edit(model / "tokenizer.json", **changes)
    with cheap(), pytest.raises(ModelError, match=words):
        tokenizer_probe.check(model)


@pytest.mark.parametrize("kind", HONEST)
def test_what_real_tokenizers_do_is_no_attack(model, kind):
    edit(model / "tokenizer.json", **HONEST[kind])
    tokenizer_probe.check(model)


def test_the_tokenizer_that_is_tried_is_the_one_that_is_used(model):
    shutil.copy(model / "tokenizer.json", model / "tokenizer.4.0.0.json")
    edit(model / "tokenizer_config.json", fast_tokenizer_files=["tokenizer.4.0.0.json"])
    with pytest.raises(ModelError, match="names another file as its tokenizer"):
        load(base_models.parse(str(model)))
    edit(model / "tokenizer_config.json", fast_tokenizer_files=["tokenizer.json"])
    vetting.check_folder(model)


@pytest.mark.parametrize(
    "entries",
    [
        {"tokenizer_class": "BertJapaneseTokenizer", "sudachi_kwargs": {"sudachi_config_path": "sudachi.json"}},
        {"mecab_kwargs": {"mecab_option": "-r /etc/hostname"}},
        {"jumanpp_kwargs": ["--config=x"]},
        {"sp_model_kwargs": {"model_file": "/etc/hostname"}},
        {"phonemizer": {"library": "libx.so"}},
        {"languages": [[{"library": "libx.so"}]]},
    ],
)
def test_settings_for_another_library_are_in_no_tokenizers_config(model, entries):
    edit(model / "tokenizer_config.json", **entries)
    with pytest.raises(ModelError, match="an entry that no tokenizer has"):
        tokenizer_files.load(base_models.parse(str(model)))


def test_entries_of_several_parts_that_transformers_writes_are_read(model):
    before = {"content": "<a>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    edit(
        model / "tokenizer_config.json",
        sp_model_kwargs={},
        bos_token={"__type": "AddedToken", **before, "special": True},
        additional_special_tokens=[{"__type": "AddedToken", **before, "special": True}],
        added_tokens_decoder={"0": {**before, "special": True}},
        extra_special_tokens={"image_token": "<a>"},
        auto_map={"AutoTokenizer": ["tokenization_x.X", None]},
        chat_template=[{"name": "default", "template": "{{ messages }}"}],
        response_schema={"type": "object", "properties": {"role": {"const": "assistant"}}},
    )
    assert tokenizer_files.load(base_models.parse(str(model))).chat_template


def in_parts(model: Path, **tokens: int) -> dict[str, int]:
    """The model's tokenizer in two files, as those of its class were kept before there was one, with more `tokens`."""
    parts = json.loads((model / "tokenizer.json").read_text("utf-8"))["model"]
    found = parts["vocab"] | tokens
    (model / "tokenizer.json").unlink()
    (model / "vocab.json").write_text(json.dumps(found), "utf-8")
    (model / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    edit(model / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    return found


def test_a_tokenizer_of_other_files_is_tried_as_it_is_made_of_them(model, monkeypatch):
    known = in_parts(model)
    assert tokenizer_files.load(base_models.parse(str(model))).get_vocab().items() >= known.items()
    with monkeypatch.context() as patch:
        patch.setattr(tokenizer_probe, "PATIENCE", -1.0)
        tokenizer_files.load(base_models.parse(str(model)))  # known by now
    (model / "vocab.json").write_text(json.dumps(known | {"x" * 3000: len(known)}), "utf-8")
    with pytest.raises(ModelError, match="a token of 3000 characters"):
        tokenizer_files.load(base_models.parse(str(model)))


def test_no_library_keeps_what_it_read_of_a_model_by_the_models_path(model, monkeypatch):
    """As tiktoken does, which another model at that path was read with."""
    asked = []

    def load_tiktoken_bpe(path: str) -> dict[bytes, int]:
        asked.append((path, os.environ.get("TIKTOKEN_CACHE_DIR")))
        return {bytes([letter]): letter for letter in range(256)}

    monkeypatch.setitem(sys.modules, "tiktoken", SimpleNamespace(__spec__=None))
    monkeypatch.setitem(sys.modules, "tiktoken.load", SimpleNamespace(load_tiktoken_bpe=load_tiktoken_bpe))
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.model").write_text("".join(f"{b64encode(bytes([i])).decode()} {i}\n" for i in range(256)))
    edit(model / "tokenizer_config.json", added_tokens_decoder=None, tokenizer_class="TokenizersBackend")
    assert len(tokenizer_files.load(base_models.parse(str(model)))) >= 256
    assert asked and set(asked) == {(str(model / "tokenizer.model"), "")}


@pytest.mark.thorough
def test_a_panic_of_the_tokenizer_fails_the_job_and_not_the_worker(model, filled, monkeypatch):
    edit(model / "tokenizer.json", **split("(?:(?:q|qq)+)+z"))
    monkeypatch.setattr(tokenizer_probe, "check", lambda folder: None)
    filled.set_setting("model", str(model))
    gate.made_here(filled)
    prompts.add(filled, [Prompt(0, "q" * 400, (), "train")])
    job = queue.enqueue(filled, JobKind.GENERATE, config_values(GenerateConfig(missing_only=False)))
    claimed = worker.claim(filled)
    assert claimed is not None
    worker.run_job(filled, claimed, {})
    job = queue.get(filled, job.id)
    assert job.status == "failed" and (job.error or "").startswith("The model's tokenizer fails at a text (Onig")
