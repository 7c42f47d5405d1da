"""Text is text: what people typed never becomes a token that opens or ends a turn.

Where a content holds the text of such a token, it is put between two marks before the template sees it, which stand
nowhere else; what is between marks in the rendered text is then encoded as the letters that it is. A text without any
goes to the tokenizer as it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

#: Private characters, of which two that stand nowhere else are the marks.
FIRST_MARK = 0xF0000
#: No token's text is longer.
LONGEST = 200


@dataclass(frozen=True)
class Marks:
    before: str
    after: str

    @classmethod
    def apart_from(cls, text: str) -> "Marks":
        """Two that do not stand in the text."""
        used = set(text)
        free = (chr(code) for code in range(FIRST_MARK, FIRST_MARK + 0xFFFD) if chr(code) not in used)
        return cls(next(free), next(free))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """A marked text, or a mark that a template has parted from the other one."""
        either = self.before + self.after
        return re.compile(f"{self.before}([^{either}]{{0,{LONGEST}}}){self.after}|[{either}]")

    def without(self, text: str) -> str:
        return text.replace(self.before, "").replace(self.after, "")


class ControlTokens:
    """Those of a tokenizer whose text a person may type: `strict` for what is asked, `own` for what a model writes,
    which has tokens for its reasoning and its calls of tools."""

    def __init__(self, tokenizer: Any, source: str, ends: Iterable[int], between_turns: str) -> None:
        """`source` is the template's, `between_turns` what it writes between the contents of plain turns, and `ends`
        are the tokens that end an answer."""
        self.tokenizer = tokenizer
        added = {token.content: token for token in tokenizer.added_tokens_decoder.values()}
        special = {str(token) for token in tokenizer.all_special_tokens}
        special |= {text for text, token in added.items() if token.special}
        special |= {text for text in tokenizer.convert_ids_to_tokens(list(ends)) if text}
        written = {text for text in added if text.strip()}
        self.own = frozenset(
            text for text in special | {text for text in written if text in between_turns} if text.strip()
        )
        self.strict = self.own | {text for text in written if text in source}
        self.ids = frozenset(tokenizer.convert_tokens_to_ids(sorted(self.strict)))
        self._own, self._strict = _any_of(self.own), _any_of(self.strict)
        self._as_text: dict[str, list[int]] = {}
        self._normalizes = (
            tokenizer.is_fast
            and tokenizer.backend_tokenizer.normalizer is not None
            and any(added[text].normalized for text in self.strict & added.keys())
        )
        """Does the tokenizer change a text before it looks for these tokens? Then it is asked where it sees them."""

    @property
    def pattern(self) -> re.Pattern[str]:
        return self._strict

    def marked(self, text: str, marks: Marks, *, own: bool = False) -> str:
        """With marks around each."""
        if self._normalizes:
            return self._marked_where_seen(text, marks)
        return (self._own if own else self._strict).sub(f"{marks.before}\\g<0>{marks.after}", text)

    def marked_in(self, data: Any, marks: Marks) -> Any:
        """The same in every text of JSON."""
        if isinstance(data, str):
            return self.marked(data, marks)
        if isinstance(data, dict):
            return {self.marked(key, marks): self.marked_in(value, marks) for key, value in data.items()}
        return [self.marked_in(item, marks) for item in data] if isinstance(data, list | tuple) else data

    def _marked_where_seen(self, text: str, marks: Marks) -> str:
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        spans = [
            span for token, span in zip(found["input_ids"], found["offset_mapping"], strict=True) if token in self.ids
        ]
        for start, end in reversed(spans):
            text = f"{text[:start]}{marks.before}{text[start:end]}{marks.after}{text[end:]}"
        return text

    def encode(self, text: str, marks: Marks | None = None) -> list[int]:
        """Token ids; what is marked is text."""
        if marks is None or (marks.before not in text and marks.after not in text):
            return self._plain(text)
        first, *rest = marks.pattern.split(text)
        ids = self._plain(first)
        for number, piece in enumerate(rest):
            if piece:
                ids += self._later(piece) if number % 2 else self._letters(piece)
        return ids

    def is_plain(self, text: str, *, own: bool = True) -> bool:
        """Does it hold the text of no control token?"""
        return not (self._own if own else self._strict).search(text) and not self._normalizes

    def encode_answer(self, text: str) -> list[int]:
        """What a model wrote, or should have: as text alone."""
        return self.encode_text(text, own=True)

    def encode_text(self, text: str, *, own: bool = False) -> list[int]:
        """A text that is no turn, as text alone."""
        if self.is_plain(text, own=own):
            return self._plain(text)
        marks = Marks.apart_from(text)
        return self.encode(self.marked(text, marks, own=own), marks)

    def _plain(self, text: str, *, split: bool = False) -> list[int]:
        more = {"split_special_tokens": True} if split else {}
        ids: list[int] = self.tokenizer(text, add_special_tokens=False, **more)["input_ids"]
        return ids

    def _later(self, piece: str, *, split: bool = False) -> list[int]:
        """A piece that does not begin the text: read behind a line's end, so that no blank is put before it."""
        ids = self._plain("\n" + piece, split=split)
        line = self._plain("\n")
        return ids[len(line) :] if ids[: len(line)] == line else self._plain(piece, split=split)

    def _letters(self, text: str) -> list[int]:
        """A control token's text as text."""
        if text not in self._as_text:
            found = self._later(text, split=True)
            if len(text) > 1 and not self.ids.isdisjoint(found):
                rest = self._later(text[1:])
                found = self._later(text[0]) + (rest if self.ids.isdisjoint(rest) else self._letters(text[1:]))
            self._as_text[text] = found
        return list(self._as_text[text])


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """The longest that matches."""
    return re.compile("|".join(map(re.escape, sorted(texts, key=lambda text: (-len(text), text)))) or "(?!)")
