"""GGUF files are read by those who did not write them: transformers for each family, and llama.cpp where it is."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.config.chat import Chat
from core.models.chat_tokens import ChatTokens
from core.models.gguf import writing
from core.models.load import known_ends
from tests.core.models.gguf_models import CASES, TEXTS, make

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


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
@pytest.mark.parametrize("name", CASES)
def test_transformers_reads_the_same_model(made, tmp_path, name, kind):
    path, model, chat = written(made(name), tmp_path, kind)
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32).eval()
    expected, found = logits(model), logits(read)
    assert (found - expected).abs().max() < (1e-3 if kind == "f16" else 0.06 * expected.abs().max())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file=path.name)
    for text in TEXTS if CASES[name].kept else TEXTS[:-4]:
        ids = chat.tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer(text, add_special_tokens=False).input_ids == ids, text
    assert tokenizer.chat_template == chat.tokenizer.chat_template
    for token in ("bos", "eos", "pad", "unk"):
        assert getattr(tokenizer, f"{token}_token_id") == getattr(chat.tokenizer, f"{token}_token_id")
