"""`python -m core.models.read_process`: says what a model reads of a conversation, from its tokenizer alone.

Each line of the input is a question, each line of the output its answer, so that a window that never imports torch may
ask (`core.machine.reading`).
"""

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from transformers import AutoConfig, GenerationConfig, logging

from core.config.chat import Chat
from core.config.options import as_stored
from core.conversation import Conversation
from core.errors import ModelError, explained, first_line, known
from core.machine import base_models
from core.models import context_window, tokenizer_files, vetting
from core.models.chat_tokens import ChatTokens, ends_of
from core.models.reading import what_it_reads


def chat_of(model: str, settings: Chat) -> tuple[ChatTokens, int]:
    """The tokenizer of a model with a project's choices, and how many tokens the model reads."""
    spec = base_models.parse(model)
    try:
        tokenizer = tokenizer_files.load(spec)
        with vetting.offline():
            config = AutoConfig.from_pretrained(spec.folder, local_files_only=True, trust_remote_code=False)
            config = config.get_text_config()
            configured = GenerationConfig.from_model_config(config).eos_token_id
            if (spec.folder / "generation_config.json").is_file():
                configured = GenerationConfig.from_pretrained(spec.folder, local_files_only=True).eos_token_id
        vocabulary, longest = int(config.vocab_size), context_window.tokens_of(config)
    except Exception as error:
        if known(error) is not None:
            raise
        raise ModelError(
            f"The tokenizer or config in {spec.folder} cannot be read ({first_line(error)}): {spec.remedy}, or "
            f"{vetting.ANOTHER}."
        ) from error
    ends = ends_of(configured, tokenizer.eos_token_id, vocabulary)
    return ChatTokens(tokenizer, spec.title, settings, vocabulary=vocabulary, known_ends=ends), longest


def answer(question: dict[str, Any], known: dict[str, tuple[ChatTokens, int]]) -> dict[str, Any]:
    """What a line of the input asks; the last model is kept in `known`."""
    key = json.dumps([question["model"], question["settings"]], sort_keys=True)
    try:
        if key not in known:
            known.clear()
            known[key] = chat_of(question["model"], as_stored(Chat, question["settings"]))
        chat, longest = known[key]
        found = what_it_reads(chat, Conversation.read(question["conversation"]))
    except Exception as error:
        told = f"{question['model']} cannot be asked what it reads ({first_line(error)}): {vetting.ANOTHER}."
        sentence = explained(error) or ModelError(told)
        return {"error": str(sentence)}
    return asdict(found) | {"longest": longest}


def main() -> None:
    logging.set_verbosity_error()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    known: dict[str, tuple[ChatTokens, int]] = {}
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line), known)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
