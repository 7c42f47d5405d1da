"""llama.cpp says of GGUF files what transformers says of the models.

It is asked through `llama-cpp-python`, in the Python that `PLUMBLINE_LLAMA_PYTHON` names, else in this one.
"""

import json
import os
import subprocess
import sys

import pytest
import torch

from core.conversation import Conversation
from core.machine import base_models
from core.models import fetch
from core.models.export_card import LLAMA_CPP
from tests.core.models.gguf_models import CASES, TEXTS, make
from tests.core.models.test_gguf import IDS, logits, written

PYTHON = os.environ.get("PLUMBLINE_LLAMA_PYTHON", sys.executable)
READ = """
import json, sys
from llama_cpp import Llama
path, asked = sys.argv[1], json.loads(sys.argv[2])
model = Llama(path, n_ctx=64, logits_all=True, verbose=False, n_threads=2, type_k=0, type_v=0)
found = {"ids": [model.tokenize(text.encode(), add_bos=False, special=True) for text in asked["texts"]]}
model.eval(asked["ids"])
print(json.dumps(found | {"logits": model.scores[:len(asked["ids"])].tolist()}))
"""
CONTROL = "<u>"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def there():
    if subprocess.run([PYTHON, "-c", "import llama_cpp"], capture_output=True).returncode:
        pytest.skip("llama-cpp-python is not there: install it in a Python and name that in PLUMBLINE_LLAMA_PYTHON")


def said(program: str, *arguments: str, folder) -> str:
    done = subprocess.run([PYTHON, "-c", program, *arguments], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", CASES)
def test_llama_cpp_computes_the_same_and_reads_texts_as_the_tokenizer_does(tmp_path, name):
    path, model, chat = written(make(CASES[name], tmp_path / "model"), tmp_path / "gguf")
    texts = [CONTROL + text for text in TEXTS] + ([] if CASES[name].named == "LlamaTokenizer" else TEXTS)
    asked = json.dumps({"texts": texts, "ids": IDS[0].tolist()})
    found = json.loads(said(READ, str(path), asked, folder=tmp_path))
    for text, ids in zip(texts, found["ids"], strict=True):
        assert ids == chat.tokenizer(text, add_special_tokens=False).input_ids, text
    expected = logits(model)
    assert (torch.tensor(found["logits"]) - expected).abs().max() < 5e-3 * expected.abs().max()


def test_the_positions_of_llama_3_1_are_computed_as_transformers_does(tmp_path):
    case = CASES["llama-3"]
    rope = {
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    }  # fmt: skip
    case = type(case)(case.kind, case.tokenizer, {**case.sizes, "rope_parameters": rope})
    path, model, _ = written(make(case, tmp_path / "model"), tmp_path / "gguf")
    asked = json.dumps({"texts": [], "ids": IDS[0].tolist()})
    found = torch.tensor(json.loads(said(READ, str(path), asked, folder=tmp_path))["logits"])
    expected = logits(model)
    assert (found - expected).abs().max() < 5e-3 * expected.abs().max()


def test_the_embedded_model_gives_the_same_greedy_text(tmp_path):
    spec = base_models.parse(base_models.EMBEDDED)
    list(fetch.ensure(spec))
    path, model, chat = written(spec.folder, tmp_path, title=spec.title)
    prompt = chat.prompt(Conversation.of_text("How are you?")).ids
    with torch.no_grad():
        answer = model.generate(torch.tensor([prompt]), max_new_tokens=64, do_sample=False)[0, len(prompt) :]
    ours = chat.decoded(answer.tolist())
    program = LLAMA_CPP.format(
        file=json.dumps(path.name), turns=json.dumps([{"role": "user", "content": "How are you?"}]), stops=""
    )
    assert said(program, folder=tmp_path).rstrip("\n") == ours
    assert len(ours) > 40
