"""Tiny random models of the families that GGUF has a place for, each with the kind of tokenizer that the family has."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX
from transformers.tokenization_utils_base import generate_merges

from core.models.gguf.pre_tokenizers import LLAMA_3
from tests.tiny import CHAT_TEMPLATE

TEXT = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8").splitlines()
#: What a tokenizer may stumble over: blanks, digits, other scripts, signs of several bytes, control tokens.
TEXTS = [
    "Hello, world! It's 12345 o'clock; we'll see.", "naïve Ünïcödé 日本語 🦙👍🏽",
    "x=[1,2];y={'a':3.14}  # code", "DON'T you'RE  ...!!! ---", "a", "привет мир 1984",
    " b", "  two  blanks   and\ttabs\n\n\nlines \n", "<u>What is 2+2?</s>\n<a>4", "<s><u>e x</s> <a>",
]  # fmt: skip
SPECIALS = ["</s>", "<s>", "<u>", "<a>"]
SIZES = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 96, "max_position_embeddings": 256, "tie_word_embeddings": False,
}  # fmt: skip


def byte_level(*before: Any, normalizer: Any = None, ignore_merges: bool = False, use_regex: bool = True) -> Any:
    """As GPT-2's, with other cuts `before`."""
    found = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    found.pre_tokenizer = pre_tokenizers.Sequence([*before, last]) if before else last
    found.normalizer = normalizer
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=[*SPECIALS, "<|endoftext|>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    found.train_from_iterator(TEXT, trainer)
    return _fast(found)


def split(pattern: str, **more: Any) -> Any:
    cut = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    return byte_level(cut, use_regex=False, **more)


def sentencepiece(*, begins: bool, strips: bool = False) -> Any:
    """As Llama 2's (`begins` with a blank) and Gemma's, converted: every pair that makes a token, the best first.
    Phi-3's `strips` blanks behind control tokens."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    trained.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=400, show_progress=False))
    learnt = sorted(trained.get_vocab(), key=trained.token_to_id)
    specials = ["<unk>", *SPECIALS, "<|endoftext|>"]
    tokens = [*specials, *(f"<0x{byte:02X}>" for byte in range(256))]
    known = {token: place for place, token in enumerate(dict.fromkeys([*tokens, *learnt]))}
    merges = generate_merges(known, {token: -place for token, place in known.items()})
    found = Tokenizer(models.BPE(vocab=known, merges=merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    shown = normalizers.Replace(" ", "▁")
    found.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), shown]) if begins else shown
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    found.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)] if begins else back)
    found.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", known["<s>"])])
    if strips:
        data = json.loads(found.to_str())
        data["added_tokens"] = [
            {"id": known[token], "content": token, "single_word": False, "lstrip": False, "normalized": False,
             "rstrip": token not in ("<unk>", "<s>", "<|endoftext|>"), "special": True}
            for token in specials
        ]  # fmt: skip
        found = Tokenizer.from_str(json.dumps(data))
    return _fast(found, unk_token="<unk>")


def _fast(found: Tokenizer, **more: str) -> Any:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=found, bos_token="<s>", eos_token="</s>", pad_token="</s>",
        additional_special_tokens=SPECIALS[2:], **more,
    )  # fmt: skip
    fast.chat_template = ("{{ bos_token }}" if more else "") + CHAT_TEMPLATE
    return fast


@dataclass(frozen=True)
class Case:
    """`named` is the class that its files name, which AutoTokenizer then takes; not `kept` is what transformers takes
    another for when it reads a GGUF."""

    kind: str
    tokenizer: Callable[[], Any]
    sizes: dict[str, Any] = field(default_factory=dict)
    named: str = ""
    kept: bool = True


#: With a head's size that transformers takes for granted: GGUF says nothing of how attention is scaled.
GEMMA: dict[str, Any] = {"sliding_window": 8, "head_dim": 256, "tie_word_embeddings": True}
CASES = {
    "llama": Case("llama", lambda: sentencepiece(begins=True), named="LlamaTokenizer"),
    "llama-3": Case("llama", lambda: split(LLAMA_3, ignore_merges=True), {"tie_word_embeddings": True, "head_dim": 32}),
    "llama-3-read": Case("llama", lambda: split(LLAMA_3)),
    "digits": Case("llama", lambda: byte_level(pre_tokenizers.Digits(individual_digits=True)), kept=False),
    "smollm": Case("llama", byte_level, {"tie_word_embeddings": True}),
    "mistral": Case("mistral", lambda: sentencepiece(begins=True), {"sliding_window": None}, kept=False),
    "qwen2": Case("qwen2", lambda: split(PRETOKENIZE_REGEX, normalizer=normalizers.NFC())),
    "qwen3": Case("qwen3", lambda: split(PRETOKENIZE_REGEX, normalizer=normalizers.NFC()), {"head_dim": 128}),
    "gemma2": Case("gemma2", lambda: sentencepiece(begins=False), GEMMA, named="GemmaTokenizer"),
    "gemma3": Case(
        "gemma3_text", lambda: sentencepiece(begins=False),
        {**GEMMA, "num_hidden_layers": 7}, named="GemmaTokenizer",
    ),
    "phi3": Case("phi3", lambda: sentencepiece(begins=True, strips=True), {"num_key_value_heads": 4}, kept=False),
    "gpt2": Case("gpt2", byte_level, {"n_positions": 1024}),
}  # fmt: skip


def make(case: Case, folder: Path) -> Path:
    """Write the model and its tokenizer as transformers does."""
    tokenizer = case.tokenizer()
    tokenizer.save_pretrained(folder)
    if case.named:
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": case.named}))
    sizes = {**SIZES, **case.sizes}
    if case.kind == "gpt2":
        sizes = {"n_embd": 64, "n_layer": 2, "n_head": 4, "tie_word_embeddings": True, **case.sizes}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
           "pad_token_id": tokenizer.pad_token_id}  # fmt: skip
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(case.kind, vocab_size=len(tokenizer), **ids, **sizes))
    _enliven(model)
    model.save_pretrained(folder)
    return folder


@torch.no_grad()
def _enliven(model: Any) -> None:
    """As transformers draws them, weights hardly matter, and norms and biases are all the same. Those here have 16
    bits, so that nothing is lost in a file of 16."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        weight.copy_(noise / weight.shape[-1] ** 0.5 if weight.dim() > 1 else weight + 0.2 * noise)
        weight.copy_(weight.half())
