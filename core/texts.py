"""Texts of strangers as they may be shown: what cannot be seen in them is named, and the long ones are cut.

Nothing here changes what is stored: a ranking, an export and a copy have the text as it was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True)
class Limits:
    """How much of one text is shown: letters, lines, signs that are named, and marks of Markdown."""

    letters: int
    lines: int
    named: int = 1_000
    marks: int = 1_000_000


#: Enough to judge a text by, and little enough to be laid out at once.
PAGE = Limits(20_000, 1_000)
#: A table's cell takes as long as a page of words.
MARKDOWN = Limits(20_000, 600, marks=400)
#: Letters without a place for a line's end, from which on lines may end anywhere.
LONG_RUN = 200

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001fbff"
#: Letters that are joined: Arabic, Syriac, N'Ko, the scripts of India and their neighbours, Mongolian.
_JOINED = (
    "\u0620-\u065f\u066e-\u06ff\u0700-\u077f\u07c0-\u07ff\u0840-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u180a"
    "\u1820-\u18af\u1900-\u1cff\ufb50-\ufdff\ufe70-\ufefc"
)
_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
_IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
#: What a variation selector can choose a form of.
_VARIED = (
    f"#*0-9\u00a9\u00ae\u2010-\u2027\u2030-\u205e\u2070-\u2bff\u3000-\u33ff\u1000-\u109f\u1820-\u18af{_IDEOGRAPHS}"
)
#: Scripts without spaces between words, where one without width says where a line may end.
_UNSPACED = "\u0e00-\u109f\u1780-\u17ff"


def _tagged(letters: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in letters)


#: Signs without a shape of their own that are part of how a text looks: they stay as they are.
_PLAIN = "|".join(
    (
        f"\U0001f3f4(?:{'|'.join(map(_tagged, ('gbeng', 'gbsct', 'gbwls')))})\U000e007f",
        f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])",
        f"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])",
        f"(?<=[{_VIRAMAS}])[\u200c\u200d]",
        "(?<=[\u0620-\u06ff])\u200d",
        f"(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])",
        f"(?<=[{_VARIED}\U0001f000-\U0001fbff])[\ufe00-\ufe0f]",
        f"(?<=[{_IDEOGRAPHS}])[\U000e0100-\U000e01ef]",
    )
)
#: Controls, lone surrogates, what turns the direction, what has no width, tags, selectors.
_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u034f\u17b4\u17b5\u180e\u200b-\u200d\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_SIGNS = re.compile(f"(?P<plain>{_PLAIN})|[{_HIDDEN}]")
#: Without one of these there is nothing to look at closer, which takes fifty times as long.
_ANY = re.compile(f"[{_HIDDEN}]")
_BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
_MARK = re.compile(r"[|\[\\*_`<]")
#: Ideographs, kana and Hangul may be broken anywhere.
_RUN = re.compile(f"[^\\s\u200b\u2e80-\u33ff\uac00-\ud7af\uff00-\uffef{_IDEOGRAPHS}]+")


def visible(text: str) -> str:
    """`text` with every sign in it that hides or turns something named: `‹U+202E›`.

    What belongs to an emoji, to Persian or Hindi spelling or to a script from right to left stays as it is.
    """
    if not _ANY.search(text):
        return text
    return _SIGNS.sub(lambda sign: sign[0] if sign.lastgroup else f"‹U+{ord(sign[0]):04X}›", text)


def beginning(text: str, limits: Limits = PAGE) -> str:
    """As much of `text` as may be shown; the same text if that is all."""
    part = text[: limits.letters]
    hidden = (sign for sign in _SIGNS.finditer(part) if not sign.lastgroup) if _ANY.search(part) else ()
    ends = (
        _place(_BREAK.finditer(part), limits.lines - 1),
        _place(hidden, limits.named),
        _place(_MARK.finditer(part), limits.marks),
    )
    return part[: min((end for end in ends if end is not None), default=limits.letters)]


def _place(found: Iterable[re.Match[str]], number: int) -> int | None:
    """Where the one with this number begins, counted from 0."""
    there = next(islice(found, number, None), None)
    return None if there is None else there.start()


def cut_note(text: str, limits: Limits = PAGE) -> str:
    """Says how much of a text is shown; empty if that is all."""
    part = len(beginning(text, limits))
    return f"Cut here: {part:,} of {len(text):,} characters are shown." if part < len(text) else ""


def shown(text: str, way: str = "", limits: Limits = PAGE) -> str:
    """What a page shows of `text`, cut and with nothing hidden. `way` tells how the rest is had."""
    part = beginning(text, limits)
    found = visible(part)
    if len(part) == len(text):
        return found
    return f"{found} …\n\n[{f'{cut_note(text, limits)} {way}'.strip()}]"


def one_line(text: str, longest: int = 400) -> str:
    """`text` in one line, with an ellipsis for what is longer."""
    line = visible(" ".join(text[: 4 * longest].split()))
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1].rstrip()}…"


def has_long_run(text: str) -> bool:
    """Is there a piece without a place to end a line?"""
    return any(len(run) > LONG_RUN for run in _RUN.findall(text))


def breakable(text: str) -> str:
    """`text` with places to end a line in pieces that have none."""
    return _RUN.sub(lambda run: _in_pieces(run[0]), text)


def _in_pieces(run: str) -> str:
    if len(run) <= LONG_RUN:
        return run
    return "\u200b".join(run[start : start + LONG_RUN // 4] for start in range(0, len(run), LONG_RUN // 4))


def whole(text: str) -> str:
    """With a replacement character for each half of a letter, which no file and no row can hold; two halves are one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
