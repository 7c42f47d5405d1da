"""Which column says of an answer by itself that it is good or bad, and which one scores it: by their names and by all
that they say in a file, because 1 may be the best thumb or the worst of five stars."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.data import fields
from core.records import Verdict

#: Columns that hold verdicts, also as 1 and 0.
VERDICTS = (
    "verdict", "label", "kto_tag", "thumb", "thumbs", "thumbs_up", "is_good", "good", "is_desirable", "desirable",
    "liked", "accepted", "is_accepted", "acceptable",
)  # fmt: skip
#: Columns that a whole order follows from, the higher the better. They hold verdicts where they say so in words, or in
#: nothing but 1 and -1; so do the votes, which may be counts otherwise.
SCORES = ("helpfulness", "overall_score", "score", "rating", "reward", "label", "kto_tag")
VOTES = ("vote", "feedback")
NAMES = tuple(dict.fromkeys((*VERDICTS, *VOTES, *SCORES)))
SIGNS = (1, 0, -1)
WORDS: Mapping[str, bool] = {
    **dict.fromkeys(
        ("true", "yes", "good", "up", "thumbs_up", "thumb_up", "positive", "like", "liked", "desirable", "👍"), True
    ),
    **dict.fromkeys(
        ("false", "no", "bad", "down", "thumbs_down", "thumb_down", "negative", "dislike", "disliked", "undesirable",
         "👎"), False,
    ),
}  # fmt: skip
#: What a row says of its answer by the names of its columns; a verdict in words is a truth value.
Given = Mapping[str, float | bool]


def given(value: Mapping[str, Any]) -> dict[str, float | bool]:
    """Of the columns that are known, those that say anything."""
    found: dict[str, float | bool] = {}
    for name in NAMES:
        said = word(value.get(name))
        number = fields.number(value.get(name)) if said is None else said
        if number is not None and (name in SCORES or number in SIGNS):
            found[name] = number
    return found


def word(said: Any) -> bool | None:
    """Good or bad, where it is said in words or as a truth value."""
    if isinstance(said, bool):
        return said
    return WORDS.get(fields.canonical(said).rstrip("\ufe0f")) if isinstance(said, str) else None


def columns(rows: Iterable[Given]) -> list[str]:
    """The columns whose every value is a verdict; the first is the one that counts."""
    said: dict[str, set[float | str]] = defaultdict(set)
    for row in rows:
        for name, value in row.items():
            said[name].add(str(value) if isinstance(value, bool) else value)
    return [name for name in NAMES if name in said and _are_verdicts(name, said[name])]


def _are_verdicts(name: str, said: set[float | str]) -> bool:
    numbers = {value for value in said if not isinstance(value, str)}
    if not numbers:
        return True
    if name in VERDICTS and (numbers <= {0, 1} or numbers <= {1, -1}):
        return True
    return numbers <= {1, -1} and -1 in numbers


def verdict(said: float | bool | None) -> Verdict | None:
    """What a value of such a column means."""
    return None if said is None else "good" if said > 0 else "bad"


def score(said: Given, besides: str | None) -> float | None:
    """The first score of an answer that is not in the column `besides`."""
    names = (name for name in ("rank", *SCORES) if name != besides and name in said)
    return next((float(said[name]) for name in names), None)
