"""Which columns a file has, and which of them may be what: a guess by their names and their first values."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from core.data import fields, long_tables, source, thumbs
from core.data.mapping import Columns
from core.data.rows import Refused

#: Names of columns by which they are what.
GUESSES: Mapping[str, tuple[str, ...]] = {
    "prompt": (*fields.PROMPTS, "user", "user_prompt", "user_message", "request", "post", "task", "q", "history"),
    "system": (*fields.SYSTEM, "system_message"),
    "chosen": (*fields.CHOSEN, "good", "better", "best", "accepted", "positive", "winner", "win", "preferred_output"),
    "rejected": (*fields.REJECTED, "bad", "worse", "worst", "declined", "negative", "loser", "lose", "unpreferred"),
    "verdict": thumbs.VERDICTS[:1] + thumbs.VERDICTS[2:] + thumbs.VOTES,
    "scores": ("scores", "score", "ratings", "rating", "rewards", "reward", "helpfulness", "label"),
    "rank": ("rank", "ranks", "ranking", "position", "place"),
    "strength": ("strength", "margin", "confidence"),
    "labeler": ("labeler", "annotator", "rater", "worker", "judge", "user_id", "annotator_id"),
    "tag": ("tag", "tags", "category", "topic", "domain"),
    "split": fields.SPLITS,
    "model": ("model", "models", "generator"),
}  # fmt: skip

#: Words within a name that say as much, where no name is one of the above.
WORDS: Mapping[str, frozenset[str]] = {
    "prompt": frozenset({"prompt", "question", "ask", "asked", "query", "instruction", "request"}),
    "chosen": frozenset({"chosen", "good", "better", "best", "preferred", "accepted", "winning"}),
    "rejected": frozenset({"rejected", "bad", "poor", "worse", "worst", "dispreferred", "losing"}),
}
WORD, SCORE = re.compile(r"[a-z]+"), re.compile(r"scor|rat(e|ing)|reward|grade|points")
#: Lines that are looked at for the first objects, and objects within objects for their columns.
LOOKED, DEEPEST = 200, 2
#: Columns that are looked at: nobody chooses from more.
NAMES = 1000


def beginning(path: Path, limit: int = 20) -> list[dict[str, Any]]:
    """The first objects of a file as they are, to choose columns by."""
    found = (item[1] for item in islice(source.objects(path), LOOKED) if not isinstance(item, Refused))
    return list(islice(found, limit))


def names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What may be said to be something: the columns of these rows, and what lies in their objects."""
    found: dict[str, None] = {}

    def add(name: str, value: Any, depth: int) -> None:
        if len(found) >= NAMES:
            return
        found[name] = None
        for inner, each in value.items() if isinstance(value, Mapping) and depth < DEEPEST else ():
            add(f"{name}.{inner}", each, depth + 1)

    for row in rows:
        for name, value in row.items():
            add(str(name), value, 0)
    return list(found)


def guess(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """What the columns of the first rows may be; it may lack parts, and is for a person to confirm."""
    names = list(islice(dict.fromkeys(name for row in rows for name in row), NAMES))
    found: dict[str, tuple[str, ...]] = {}
    for part, wanted in GUESSES.items():
        match = next((name for word in wanted for name in names if fields.canonical(name) == word), None)
        if match is not None and (match,) not in found.values():
            found[part] = (match,)
    for part, words in WORDS.items():
        used = {name for each in found.values() for name in each}
        match = next((name for name in names if name not in used and _says(name, words, rows)), None)
        if match is not None:
            found.setdefault(part, (match,))
    if not {"chosen", "rejected"} <= found.keys():
        found.pop("chosen", None)
        found.pop("rejected", None)
        found |= _answers(names, rows, {name for part in found.values() for name in part})
    if "answers" not in found:
        found.pop("verdict", None)
        found.pop("scores", None)
        found.pop("rank", None)
    return Columns(found)


def _says(name: str, words: frozenset[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Is one of the words in the name of a column that holds no numbers?"""
    value = _first(rows, name)[name]
    return bool(words & set(WORD.findall(fields.canonical(name)))) and value is not None and not _is_number(value)


def _is_number(value: Any) -> bool:
    return not isinstance(value, list | dict) and fields.number(value) is not None


def _answers(names: Sequence[str], rows: Sequence[Mapping[str, Any]], used: set[str]) -> dict[str, tuple[str, ...]]:
    """One column called like answers, or all that hold prose; and as many that hold numbers are their scores."""
    lists = [name for name in names if fields.canonical(name) in (*fields.LISTS, *long_tables.ANSWERS)]
    if lists:
        return {"answers": (lists[0],)}
    left = [name for name in names if name not in used]
    numbers = tuple(name for name in left if _is_number(_first(rows, name)[name]))
    numbered = [name for name in names if fields.NUMBERED.fullmatch(name)]
    held = [name for name in left if name not in numbers and fields.held(_first(rows, name), ())]
    found = {"answers": tuple(numbered or held)} if numbered or held else {}
    scores = tuple(name for name in numbers if SCORE.search(fields.canonical(name)))
    return found | ({"scores": scores} if 1 < len(scores) == len(found.get("answers", ())) else {})


def _first(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    return {name: next((row[name] for row in rows if row.get(name) not in (None, "")), None)}
