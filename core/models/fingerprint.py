"""What tells models and tokenizers apart, whatever they are called."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from core.machine.base_models import ModelSpec
from core.store.files import plain

#: How the files end that say what a model computes.
TELLING = (".safetensors", ".json")


def tokenizer_hash(tokenizer: Any) -> str:
    """Tells whether two tokenizers turn text into the same numbers."""
    known = json.dumps([sorted(tokenizer.get_vocab().items()), tokenizer.chat_template])
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def base_hash(model: Any, spec: ModelSpec) -> str:
    """Tells base models apart by the last norm's weights, which every fine-tuning moves and no quantisation touches;
    where norms have none (OLMo, NanoChat), by what stands for a few tokens. An adapter on a base leaves both as they
    are, so the hash of its files is in it."""
    vectors = [weight for weight in model.base_model.parameters() if weight.ndim == 1]
    norm = vectors[-1] if vectors else model.get_input_embeddings().weight[:64].flatten()
    found = hashlib.sha256(norm.detach().to("cpu", torch.bfloat16).view(torch.uint8).numpy().tobytes())
    found.update(bytes.fromhex(spec.adapter_sha256))
    return found.hexdigest()[:16]


def files_hash(folders: Iterable[Path]) -> str:
    """Tells whether all files of models in their folders are the same; reads all of them."""
    found = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in TELLING):
        with plain.opened(path) as file:
            found.update(path.name.encode("utf-8", "surrogateescape") + hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
