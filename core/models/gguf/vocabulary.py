"""A tokenizer as GGUF keeps it: its tokens with their kinds, and merges (bytes) or scores (SentencePiece's).

What is written is what the tokenizer of this machine does, which the policy was tuned with; one that readers of GGUF
would read otherwise is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gguf
from tokenizers import pre_tokenizers as hub_pre_tokenizers

from core.errors import ModelError
from core.models.gguf import pre_tokenizers
from core.models.gguf.families import INSTEAD

BLANK = "▁"
#: How SentencePiece's tokenizers make a blank visible, with and without one before the text.
SHOWN = {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}
BEGUN = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": BLANK}, SHOWN]}
INSIDE = {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": "never", "split": False}
#: A blank before the text's first word alone; none where a control token is first.
AT_FIRST = INSIDE | {"prepend_scheme": "first"}
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
#: llama.cpp takes the blanks behind control tokens away in a model with this in its name, but behind those.
STRIPS, NEVER, ALSO = "phi-3", ("<unk>", "<s>", "<|endoftext|>"), "</s>"


@dataclass(frozen=True)
class Vocabulary:
    """`model` and `pre` are GGUF's names; `kinds` stands beside `tokens`. One of `merges` and `scores` is there."""

    model: str
    pre: str
    tokens: Sequence[str]
    kinds: Sequence[gguf.TokenType]
    merges: Sequence[str] = ()
    scores: Sequence[float] = ()
    begins_with_blank: bool = False
    strips: bool = False

    def write(self, writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.kinds)
        if self.merges:
            writer.add_token_merges(self.merges)
        if self.scores:
            writer.add_token_scores(self.scores)
            writer.add_add_space_prefix(self.begins_with_blank)


def of(tokenizer: Any, size: int, begun: Sequence[int]) -> Vocabulary:
    """The vocabulary of a model that knows `size` tokens and whose prompts are `begun` so. Raises `ModelError` for one
    that cannot be written."""
    if not tokenizer.is_fast:
        raise _refused("has no tokenizer.json")
    found = json.loads(tokenizer.backend_tokenizer.to_str()) | {"unknown": tokenizer.unk_token}
    model = found["model"]
    if model["type"] != "BPE" or model.get("dropout") or any(
        model.get(key) for key in ("continuing_subword_prefix", "end_of_word_suffix")
    ):  # fmt: skip
        raise _refused(f"is of the kind {model['type']!r:.40}")
    added = {item["id"]: item for item in found["added_tokens"] if item["id"] < size}
    pieces = {number: token for token, number in model["vocab"].items()}
    if max(pieces.keys() - {item["id"] for item in found["added_tokens"]}, default=0) >= size:
        raise _refused("has more tokens than the model")
    _check_added(tokenizer, list(added.values()))
    if found["pre_tokenizer"] == AT_FIRST and begun[0] in added:
        found["pre_tokenizer"] = INSIDE
    read = _bytes if _is_of_bytes(found) else _sentencepiece
    return read(found, pieces, added, size)


def _refused(why: str) -> ModelError:
    return ModelError(f"This model's tokenizer has no proven GGUF form (it {why}): {INSTEAD}.")


def _is_of_bytes(found: Mapping[str, Any]) -> bool:
    return (found["decoder"] or {}).get("type") == "ByteLevel"


def _check_added(tokenizer: Any, added: Sequence[Mapping[str, Any]]) -> None:
    """Added tokens are found in texts as they stand."""
    normalizer = tokenizer.backend_tokenizer.normalizer
    for item in added:
        text = item["content"]
        if item["single_word"] or item["lstrip"]:
            raise _refused(f"takes {text!r:.40} only in some places")
        if item["normalized"] and normalizer is not None and normalizer.normalize_str(text) != text:
            raise _refused(f"looks for {text!r:.40} in another spelling")


def _bytes(
    found: Mapping[str, Any], pieces: Mapping[int, str], added: Mapping[int, Mapping[str, Any]], size: int
) -> Vocabulary:
    pre = pre_tokenizers.name(found)
    if pre is None:
        raise _refused("cuts texts in a way that llama.cpp has no name for")
    lacks = not set(hub_pre_tokenizers.ByteLevel.alphabet()) <= set(pieces.values())
    if lacks and found["model"].get("unk_token"):  # without that, both leave such a byte out
        raise _refused("does not know every byte")
    if any(item["rstrip"] for item in added.values()):
        raise _refused("drops blanks behind some tokens")
    tokens, kinds = _tokens(pieces, added, size, {})
    return Vocabulary("gpt2", pre, tokens, kinds, merges=[" ".join(pair) for pair in _merges(found)])


def _sentencepiece(
    found: Mapping[str, Any], pieces: Mapping[int, str], added: Mapping[int, Mapping[str, Any]], size: int
) -> Vocabulary:
    begun = found["normalizer"] == BEGUN and found["pre_tokenizer"] is None
    inside = found["normalizer"] == SHOWN and _leaves_whole(found["pre_tokenizer"])
    inside |= found["normalizer"] is None and found["pre_tokenizer"] == INSIDE
    if not (begun or inside):
        raise _refused("prepares texts in a way that is not SentencePiece's")
    known = set(pieces.values())
    if not found["model"].get("byte_fallback") or not known.issuperset(BYTES):
        raise _refused("does not know every byte")
    named = {"": gguf.TokenType.NORMAL, found["unknown"]: gguf.TokenType.UNKNOWN}
    named |= dict.fromkeys(BYTES, gguf.TokenType.BYTE)
    tokens, kinds = _tokens(pieces, added, size, named)
    plain = [pieces[i] for i in pieces if i not in added and kinds[i] is gguf.TokenType.NORMAL]
    scores = _scores(_merges(found), plain, known)
    return Vocabulary(
        "llama", "default", tokens, kinds, scores=[scores.get(token, 0.0) for token in tokens],
        begins_with_blank=begun, strips=_strips(added, tokens, kinds),
    )  # fmt: skip


def _leaves_whole(pre_tokenizer: Any) -> bool:
    """Gemma's splits at blanks where there are none any more."""
    blank = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    return pre_tokenizer in (None, blank)


def _tokens(
    pieces: Mapping[int, str], added: Mapping[int, Mapping[str, Any]], size: int, named: Mapping[Any, gguf.TokenType]
) -> tuple[list[str], list[gguf.TokenType]]:
    """Each of the model's tokens with its kind; those that the tokenizer does not know get a name of their own."""
    tokens, kinds = [], []
    for number in range(size):
        if number in added:
            token = added[number]["content"]
            kind = gguf.TokenType.CONTROL if added[number]["special"] else gguf.TokenType.USER_DEFINED
            kind = gguf.TokenType.UNKNOWN if named.get(token) is gguf.TokenType.UNKNOWN else kind
        elif number in pieces:
            token, kind = pieces[number], named.get(pieces[number], gguf.TokenType.NORMAL)
        else:
            token, kind = f"[PAD{number}]", gguf.TokenType.UNUSED
        tokens.append(token)
        kinds.append(kind)
    if len(set(tokens)) < size:
        raise _refused("has two tokens of one name")
    return tokens, kinds


def _merges(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    split = (pair.split(" ", 1) if isinstance(pair, str) else pair for pair in found["model"]["merges"])
    pairs = [(str(first), str(second)) for first, second in split]
    if any(" " in part for pair in pairs for part in pair):
        raise _refused("merges over blanks")
    return pairs


def _scores(merges: Sequence[tuple[str, str]], plain: Sequence[str], known: set[str]) -> dict[str, float]:
    """What SentencePiece calls a token's score, from the order of the merges.

    It joins any two neighbours that make a token, the best token first; merges join the pairs of a list, the first pair
    first. Both are the same where the list has every way to cut each token, and all ways of one after the other.
    """
    scores: dict[str, float] = {}
    last = ""
    for first, second in merges:
        token = first + second
        if token != last and token in scores:
            raise _refused("merges in an order that no scores have")
        last = token
        scores.setdefault(token, -float(len(scores) + 1))
    pairs = set(merges)
    for token in plain:
        cuts = ((token[:i], token[i:]) for i in range(1, len(token)))
        if any(first in known and second in known and (first, second) not in pairs for first, second in cuts):
            raise _refused(f"never merges two tokens to {token!r:.40}")
    return scores


def _strips(added: Mapping[int, Mapping[str, Any]], tokens: Sequence[str], kinds: Sequence[gguf.TokenType]) -> bool:
    """Are blanks dropped behind control tokens, as llama.cpp does it for Phi-3? Raises `ModelError` for other tokens
    than those."""
    found = {item["content"] for item in added.values() if item["rstrip"]}
    if not found:
        return False
    if not {*NEVER, ALSO} <= set(tokens):
        raise _refused("drops blanks behind some tokens")
    normal = (gguf.TokenType.NORMAL, gguf.TokenType.BYTE, gguf.TokenType.UNUSED)
    theirs = {token for token, kind in zip(tokens, kinds, strict=True) if kind not in normal}
    if found != (theirs | {ALSO}) - set(NEVER):
        raise _refused("drops blanks behind some tokens")
    return True
