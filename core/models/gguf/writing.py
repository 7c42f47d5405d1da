"""Writes a model in memory, its tokenizer and its chat template as one GGUF file."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from torch import Tensor

from core.conversation import Conversation
from core.errors import Diverged, ModelError
from core.models.chat_tokens import ChatTokens
from core.models.gguf import rope, vocabulary
from core.models.gguf.families import INSTEAD, Family, describe, head_size, layers, of
from core.models.gguf.vocabulary import STRIPS, Vocabulary

#: How numbers may be kept: 16 bits each, or 8 with a scale for each 32.
KINDS = {
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
BLOCK = 32
#: Kept in 32 bits, as all that has one dimension.
EXACT = ("position_embd.weight",)
HELLO = Conversation.of_text("Hello")
#: Names of the tokens that end an answer, beside `eos`.
MORE_ENDS = ("eot", "eom")


def check(model: Any, chat: ChatTokens) -> tuple[Family, Vocabulary]:
    """What the file will say. Raises `ModelError` for a model or a tokenizer that has no proven place in GGUF."""
    family = of(model.config)
    if family.arch is gguf.MODEL_ARCH.GEMMA2 and not _is_tied(model):
        raise ModelError(f"GGUF has no place for a Gemma 2 with a head of its own: {INSTEAD}.")
    return family, vocabulary.of(chat.tokenizer, chat.vocabulary, chat.prompt(HELLO).ids)


def write(path: Path, model: Any, chat: ChatTokens, title: str, kind: str) -> None:
    """The model (in float32, so that it is rounded once), and how `chat` asks it."""
    family, words = check(model, chat)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[family.arch])
    try:
        _fill(writer, family, words, model, chat, title, kind)
    finally:
        writer.close()


def _fill(
    writer: gguf.GGUFWriter, family: Family, words: Vocabulary, model: Any, chat: ChatTokens, title: str, kind: str
) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(_named(title, words))
    writer.add_file_type(KINDS[kind][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    describe(writer, family, model.config.to_dict())
    words.write(writer)
    _specials(writer, chat)
    writer.add_chat_template(_templates(chat))
    _tensors(writer, family, model, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()


def _named(title: str, words: Vocabulary) -> str:
    """llama.cpp reads from the name how Phi-3 reads blanks."""
    if words.strips:
        return f"{STRIPS} {title}"
    for name in (STRIPS, STRIPS.replace("-", "")):
        place = title.lower().find(name)
        while place >= 0:
            title = title[:place] + "phi" + title[place + len(name) :]
            place = title.lower().find(name)
    return title


def _specials(writer: gguf.GGUFWriter, chat: ChatTokens) -> None:
    """The tokenizer's own, and what ends an answer."""
    tokenizer = chat.tokenizer
    own = {"bos": tokenizer.bos_token_id, "unk": tokenizer.unk_token_id, "pad": tokenizer.pad_token_id}
    ends = dict(zip(("eos", *MORE_ENDS), ordered_ends(chat), strict=False))
    add = {
        "bos": writer.add_bos_token_id, "unk": writer.add_unk_token_id, "pad": writer.add_pad_token_id,
        "eos": writer.add_eos_token_id, "eot": writer.add_eot_token_id, "eom": writer.add_eom_token_id,
    }  # fmt: skip
    for name, number in (own | ends).items():
        if number is not None and 0 <= number < chat.vocabulary:
            add[name](number)
    writer.add_add_bos_token(begins(chat))
    writer.add_add_eos_token(False)


def ordered_ends(chat: ChatTokens) -> tuple[int, ...]:
    """The tokens that end an answer, the tokenizer's own first, which templates call `eos_token`."""
    own = chat.tokenizer.eos_token_id
    return tuple(sorted(chat.ends, key=lambda end: end != own))


def begins(chat: ChatTokens) -> bool:
    """Is a beginning token to be put before texts, as the tokenizer does? Only where prompts have one, too: the policy
    is asked as it was tuned."""
    tokenizer = chat.tokenizer
    own = tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    said = chat.rendered(HELLO)
    return own and said.marks.without(said.text).startswith(tokenizer.bos_token)


def _templates(chat: ChatTokens) -> Any:
    choice = chat.text.choice
    if choice.tool_use is None:
        return choice.default
    return [{"name": "default", "template": choice.default}, {"name": "tool_use", "template": choice.tool_use}]


def _tensors(writer: gguf.GGUFWriter, family: Family, model: Any, kind: str) -> None:
    values = model.config.to_dict()
    names = gguf.get_tensor_name_map(family.arch, layers(values))
    tied = model.get_output_embeddings().weight if _is_tied(model) else None
    for name, weight in model.state_dict(keep_vars=True).items():
        if weight is tied and name.startswith("lm_head"):
            continue
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ModelError(f"GGUF has no name for this {family.title} model's {name[:80]}: {INSTEAD}.")
        _add(writer, found, family.shaped(name, weight.detach().float(), values), kind)
    factors = None if family.arch is gguf.MODEL_ARCH.GPT2 else rope.factors(values, head_size(values))
    if factors is not None:
        writer.add_tensor(f"{gguf.TENSOR_NAMES[gguf.MODEL_TENSOR.ROPE_FREQS]}.weight", factors.numpy())


def _is_tied(model: Any) -> bool:
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def _add(writer: gguf.GGUFWriter, name: str, weight: Tensor, kind: str) -> None:
    numbers = np.ascontiguousarray(weight.cpu().numpy())
    chosen = KINDS[kind][0]
    if weight.dim() < 2 or name in EXACT:
        chosen = gguf.GGMLQuantizationType.F32
    elif weight.shape[-1] % BLOCK:
        chosen = gguf.GGMLQuantizationType.F16
    if chosen is not gguf.GGMLQuantizationType.F32 and np.abs(numbers).max() > np.finfo(np.float16).max:
        raise Diverged(f"The model's weights in {name} are too large for 16 bits: {INSTEAD}.")
    writer.add_tensor(name, gguf.quantize(numbers, chosen), raw_dtype=chosen)
