"""GGUF files are read by those who did not write them: transformers for each family, and llama.cpp where it is."""

import json
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, normalizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from core.config.chat import Chat
from core.errors import ModelError
from core.models import gguf_header
from core.models.chat_tokens import ChatTokens
from core.models.gguf import families, modelfile, vocabulary, writing
from core.models.gguf.pre_tokenizers import LLAMA_3
from core.models.load import known_ends
from tests.core.models import gguf_models
from tests.core.models.gguf_models import CASES, TEXTS, make
from tests.thorough import represented

IDS = torch.arange(40)[None] * 7 % 256


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Each family's folder, made once."""
    folders = {}

    def of(name):
        if name not in folders:
            folders[name] = make(CASES[name], tmp_path_factory.mktemp(name))
        return folders[name]

    return of


def written(folder: Path, out: Path, kind: str = "f16", settings: Chat = Chat(), title: str = "tiny"):
    """The GGUF of a folder, the model, and what was chosen of its chat."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vocabulary = model.get_input_embeddings().num_embeddings
    ends = known_ends(model, tokenizer)
    chat = ChatTokens(tokenizer, title, settings, vocabulary=vocabulary, known_ends=ends)
    out.mkdir(exist_ok=True)
    writing.write(out / "model.gguf", model, chat, title, kind)
    return out / "model.gguf", model, chat


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    represented(product(CASES, ("f16", "q8_0")), *((name, "f16") for name in CASES), ("llama", "q8_0")),
)
def test_transformers_reads_the_same_model(made, tmp_path, name, kind):
    path, model, chat = written(made(name), tmp_path, kind)
    assert gguf_header.check(path) == sum(weight.numel() for weight in model.parameters())
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32).eval()
    expected, found = logits(model), logits(read)
    assert (found - expected).abs().max() < (1e-3 if kind == "f16" else 0.06 * expected.abs().max())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file=path.name)
    for text in TEXTS if CASES[name].kept else ():
        ids = chat.tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer(text, add_special_tokens=False).input_ids == ids, text
    assert tokenizer.chat_template == chat.tokenizer.chat_template
    for token in ("bos", "eos", "pad", "unk"):
        assert getattr(tokenizer, f"{token}_token_id") == getattr(chat.tokenizer, f"{token}_token_id")


def test_a_template_is_said_in_ollamas_language_where_it_says_the_same(made, tmp_path):
    chatml = (
        "{% if messages[0].role != 'system' %}<s>system\nBe kind.</s>\n{% endif %}{% for m in messages %}<s>"
        "{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}{% if add_generation_prompt %}<s>assistant\n{% endif %}"
    )
    settings = Chat(chat_template=chatml, system_prompt='Say "no".\nOnly.', stop="END|\\n\\n")
    path, _, chat = written(made("smollm"), tmp_path, settings=settings)
    assert modelfile.text(chat, path.name).splitlines()[1:] == [
        "FROM ./model.gguf",
        'TEMPLATE """{{ range $i, $m := .Messages }}{{ if eq $m.Role "system" }}<s>system',
        "{{ $m.Content }}</s>",
        "<s>user",
        '{{ else if eq $m.Role "assistant" }}</s>',
        "<s>assistant",
        "{{ $m.Content }}{{ else }}{{ if eq $i 0 }}<s>system",
        "Be kind.</s>",
        "<s>user",
        "{{ else if and (eq $i 1) $.System }}{{ else }}</s>",
        "<s>user",
        "{{ end }}{{ $m.Content }}{{ if eq (len (slice $.Messages $i)) 1 }}</s>",
        "<s>assistant",
        '{{ end }}{{ end }}{{ end }}"""',
        'SYSTEM """Say "no".',
        'Only."""',
        'PARAMETER stop """END"""',
        'PARAMETER stop """',
        "",
        '"""',
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ loop.length }}{{ m.content }}{% endfor %}",  # asks how long the conversation is
        "{% for m in messages %}{% raw %}{{{% endraw %}{{ m.content }}{% endfor %}",  # a sign of Go's language
        "{% for m in messages %}[{{ m.role }}]{{ '{' + m.content + '}' }}{% endfor %}",  # which begins in its text
    ],
)
def test_what_ollamas_language_cannot_say_is_left_out_and_said(made, tmp_path, template):
    settings = Chat(chat_template=template, system_prompt='a """ b')
    path, _, chat = written(made("smollm"), tmp_path, settings=settings)
    found = modelfile.text(chat, path.name)
    assert 'TEMPLATE "' not in found and "# No TEMPLATE" in found
    assert 'SYSTEM "' not in found and "# The system prompt has signs" in found


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("smollm", {"model_type": "gpt_neox"}, "kind 'gpt_neox' has no proven GGUF form"),
        ("smollm", {"attention_bias": True}, "attention_bias True"),
        ("smollm", {"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ("smollm", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "positions of the kind 'yarn'"),
        ("qwen2", {"layer_types": ["full_attention", "sliding_attention"]}, "window of attention"),
        ("gemma2", {"query_pre_attn_scalar": 16}, "query_pre_attn_scalar 16"),
        ("gemma2", {"attn_logit_softcapping": None}, "without soft caps"),
        ("gemma3", {"layer_types": ["full_attention"] * 7}, "order of layers"),
        ("phi3", {"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor 0.5"),
    ],
)
def test_a_model_that_llama_cpp_would_compute_otherwise_is_refused(made, name, change, why):
    config = json.loads((made(name) / "config.json").read_text()) | change
    with pytest.raises(ModelError, match=re.escape(why)):
        families.of(SimpleNamespace(to_dict=lambda: config))


def with_token(**how):
    found = gguf_models.byte_level()
    found.add_tokens([AddedToken("<x>", **how)])
    return found


def without_a_merge():
    found = json.loads(gguf_models.sentencepiece(begins=True).backend_tokenizer.to_str())
    del found["model"]["merges"][40]
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(found)), unk_token="<unk>")


@pytest.mark.parametrize(
    ("tokenizer", "why"),
    [
        (lambda: gguf_models.split(r"\w+"), "cuts texts in a way"),
        (lambda: gguf_models.split(LLAMA_3, normalizer=normalizers.NFC()), "cuts texts in a way"),
        (lambda: gguf_models.byte_level(normalizer=normalizers.Lowercase()), "cuts texts in a way"),
        (lambda: with_token(lstrip=True), "takes '<x>' only in some places"),
        (lambda: with_token(rstrip=True), "drops blanks behind"),
        (without_a_merge, "never merges two tokens"),
    ],
)
def test_a_tokenizer_that_llama_cpp_would_read_otherwise_is_refused(tokenizer, why):
    found = tokenizer()
    with pytest.raises(ModelError, match=why):
        vocabulary.of(found, len(found), found("x")["input_ids"])
