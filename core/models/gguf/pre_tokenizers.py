"""How texts are cut before a byte-level vocabulary reads them: the names that llama.cpp knows the ways by.

llama.cpp has each way as code of its own and GGUF only its name, so a tokenizer that cuts otherwise cannot be written.
Which one it is is read from what the tokenizer does, not from the name of the model.
"""

from collections.abc import Mapping
from typing import Any

#: Patterns of the tokenizers' files, to the letter.
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_2 = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
#: By the pattern and whether a word that is a token is taken whole, without regard to merges.
SPLITS = {
    (LLAMA_3, True): "llama-bpe",
    (LLAMA_3, False): "smaug-bpe",
    (QWEN_2, False): "qwen2",
}
BYTES = {"type": "ByteLevel", "add_prefix_space": False}


def name(tokenizer: Mapping[str, Any]) -> str | None:
    """The name for what a `tokenizer.json` says; None for a way that has none."""
    found = tokenizer["pre_tokenizer"] or {}
    *before, last = found["pretokenizers"] if found.get("type") == "Sequence" else [found]
    if {key: last.get(key) for key in BYTES} != BYTES:
        return None
    whole_words = bool(tokenizer["model"].get("ignore_merges"))
    plain = last.get("use_regex", True) and not whole_words and tokenizer["normalizer"] is None
    match before:
        case []:
            return "gpt-2" if plain else None
        case [{"type": "Digits", "individual_digits": True}]:
            return "smollm" if plain else None
        case [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}]:
            kind = None if last.get("use_regex", True) else SPLITS.get((pattern, whole_words))
            return kind if _is_read_as_is(tokenizer["normalizer"], kind) else None
    return None


def _is_read_as_is(normalizer: Any, kind: str | None) -> bool:
    """Qwen's tokenizer composes characters first, which those who read GGUF leave out for all Qwen models."""
    return normalizer is None or (kind == "qwen2" and normalizer == {"type": "NFC"})
