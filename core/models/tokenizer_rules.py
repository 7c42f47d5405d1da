"""What a tokenizer's steps may make of a text: each may be harmless, and twelve of them fill any memory."""

import base64
from collections.abc import Iterator
from math import prod
from typing import Any

#: Characters that all steps together may make of one. Real ones make at most three.
MOST_GROWTH = 32
#: Characters that Unicode itself makes of one.
LIGATURE = 18
#: Characters of a token. The longest of published ones, of spaces or lines, have some hundreds.
MOST_TOKEN = 2000
#: Tokens that were added to its vocabulary, each of which is looked for apart. The largest published ones have 66,000.
MOST_ADDED = 100_000
#: Letters of its patterns that a text is made of.
MOST_LETTERS = 100


def refusal(tokenizer: dict[str, Any]) -> str | None:
    """Why a tokenizer, as the JSON that the library writes of it, is not used; None if it is."""
    for parts in (("normalizer", "pre_tokenizer"), ("decoder",)):
        found = prod(_growth(step) for part in parts for step in _steps(tokenizer.get(part)))
        if found > MOST_GROWTH:
            return f"its {parts[0]} makes {found:.3g} characters of one"
    if (added := len(tokenizer.get("added_tokens", []))) > MOST_ADDED:
        return f"it has {added} added tokens"
    longest = max(map(len, _tokens(tokenizer)), default=0)
    return f"it has a token of {longest} characters" if longest > MOST_TOKEN else None


def letters(tokenizer: dict[str, Any]) -> list[str]:
    """What its patterns look for, and so might look for without end."""
    parts = ("normalizer", "pre_tokenizer", "decoder")
    patterns = [step["pattern"] for part in parts for step in _steps(tokenizer.get(part)) if "pattern" in step]
    return sorted(set("".join(text for pattern in patterns for text in pattern.values())))[:MOST_LETTERS]


def _steps(part: Any) -> Iterator[dict[str, Any]]:
    """A part of a tokenizer, and whatever it is made of."""
    if isinstance(part, dict):
        if "type" in part:
            yield part
        for value in part.values():
            yield from _steps(value)
    elif isinstance(part, list):
        for value in part:
            yield from _steps(value)


def _growth(step: dict[str, Any]) -> float:
    """How many characters it makes of one, at the most."""
    match step["type"]:
        case "Replace":
            return max(1.0, len(step["content"]) / max(1, len(step["pattern"].get("String", ""))))
        case "Prepend":
            return max(1.0, len(step["prepend"]))
        case "Precompiled":
            return max(1.0, _longest(base64.b64decode(step["precompiled_charsmap"])) / LIGATURE)
        case "ByteLevel" | "BPEDecoder" | "CTC":
            return 2.0
        case "BertNormalizer":
            return 3.0
        case _:
            return 1.0


def _longest(map_of_characters: bytes) -> int:
    """The longest text in SentencePiece's map: the size of its search tree, the tree, and what stands for what."""
    tree = int.from_bytes(map_of_characters[:4], "little")
    texts = map_of_characters[4 + tree :].decode(errors="replace")
    return max(map(len, texts.split("\0")), default=0)


def _tokens(tokenizer: dict[str, Any]) -> Iterator[str]:
    vocabulary = tokenizer["model"].get("vocab", {})
    yield from vocabulary if isinstance(vocabulary, dict) else (token for token, _ in vocabulary)
    yield from (added["content"] for added in tokenizer.get("added_tokens", []))
