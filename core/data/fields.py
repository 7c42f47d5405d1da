"""What the fields of a file are called by many programs, and what they hold: the question, its split, its answers."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from core.conversation import Conversation
from core.data import dialogue
from core.data.rows import NO_PROMPT, WRONG_KIND, Unusable, string
from core.records import Split

Value = Mapping[str, Any]

SPLITS = ("split", "partition", "data_split", "dataset_split")
TAGS = ("tags", "tag", "category")
HELDOUT = re.compile(r"(test|val|dev|eval|held|hold)")
SYSTEM = ("system", "system_prompt")
#: Columns of our own table of rankings, by which it is known.
RANKINGS_TABLE = {"prompt", "ranking", "completion", "rank"}
#: Fields of a file of prompts as most are.
PROMPT_ALONE = {"prompt", "tags", "split", "id"}
#: Where the question is, the first that is there.
PROMPTS = (
    "prompt", "messages", "conversations", "conversation", "question", "instruction", "query", "input", "context",
    "text",
)  # fmt: skip
CHOSEN = ("chosen", "chosen_response", "response_chosen", "chosen_answer", "preferred", "preferred_response")
REJECTED = (
    "rejected", "rejected_response", "response_rejected", "rejected_answer", "dispreferred", "dispreferred_response",
)  # fmt: skip
#: One list of answers, or numbered fields with one each.
LISTS = ("completions", "responses", "answers", "outputs", "output", "generations", "candidates", "samples")
#: One answer.
ONE = ("completion", "response", "output", "answer", "generation", "demonstration", "target")
NUMBERED = re.compile(
    r"((?:model_|assistant_)?(?:response|answer|output|completion|candidate|generation|summary|reply|text))[ _-]?"
    r"(\d{1,2}|[a-h])", re.I
)  # fmt: skip
MODELS = ("models", "model", "sources", "generators")
#: Fields that say which answer is better, so that answers beside them are not simply unranked.
VERDICTS = re.compile(
    r"(preference|preferred|winner|choice|chosen|rejected|label|labels|better|best|rank|ranks|ranking|score|scores|rating"
    r"|ratings|verdict|judg|vote|selected|selection)", re.I
)  # fmt: skip
SCORED = re.compile(r"(chosen|rejected)_(score|rating|reward)|(score|rating|reward)_(chosen|rejected)")
#: What an answer may be called.
ANSWERISH = re.compile(
    r"(answer|response|completion|output|generation|candidate|sample|summary|reply|chosen|rejected|prefer|choice|good\b|bad\b"
    r"|better|worse|best|worst|winner|loser|accepted|positive|negative|feedback|rating|score|rank|label|correct)", re.I
)  # fmt: skip
#: What no answer is called, whatever it holds.
PLAIN = re.compile(
    r"(prompt|question|id|.*_id|.*id_hash|uid|uuid|source|sources|dataset|tags?|categor(y|ies)|topics?|domain|subject"
    r"|lang(uage)?|split|partition|.*_split|urls?|titles?|notes?|comments?|description|author|license|type|task"
    r"|system|system_prompt|tools|keywords?|difficulty|meta(data)?|created_at|updated_at|date|time(stamp)?"
    r"|turns?|index|prompt_.*|name)", re.I
)  # fmt: skip


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """A column's name as programs write it: `Chosen Response` is `chosen_response`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


#: Columns of tables that are meant whatever their capitals.
MEANT = {
    *PROMPTS, *CHOSEN, *REJECTED, *LISTS, *SPLITS, *TAGS, *SYSTEM, "completion", "ranking", "rank", "flag", "labeler",
    "response", "answer", "history", "tools",
}  # fmt: skip


def is_prompt_alone(value: Value) -> bool:
    """Is it a prompt as most are, a text with nothing that had to be looked at beside it?"""
    return value.keys() <= PROMPT_ALONE and isinstance(prompt := value.get("prompt"), str) and bool(prompt.strip())


def first(value: Value, names: Iterable[str]) -> Any:
    """What the first of the names holds that holds anything."""
    for name in names:
        found = value.get(name)
        if found is not None and found != "" and found != []:
            return found
    return None


def asked(value: Value, prompt: Any = None) -> Conversation:
    """The question with its system prompt, its tools and the turns of a `history`. Raises `Unusable` where there is
    none."""
    found = first(value, PROMPTS) if prompt is None else prompt
    if "instruction" in value and prompt is None and not value.get("prompt"):
        parts = [string(value.get(name)) for name in ("instruction", "input")]
        found = "\n".join(part for part in parts if part.strip())
    if found is None or (isinstance(found, str) and not found.strip()):
        raise Unusable(NO_PROMPT)
    question = dialogue.conversation(found, system=first(value, SYSTEM), tools=value.get("tools"))
    return dialogue.after(value.get("history"), question)


def split_of(value: Value) -> Split:
    """Held out is what a file keeps for tests, validation and the like."""
    said = first(value, SPLITS)
    return "heldout" if isinstance(said, str) and HELDOUT.match(said.strip().lower()) else "train"


def tags_of(value: Value) -> tuple[str, ...]:
    tags = value.get("tags") or ()
    return (tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags)


def number(value: Any) -> float | None:
    """A number, or None for whatever is none."""
    try:
        found = float(value)
    except WRONG_KIND:
        return None
    return found if math.isfinite(found) else None


def rated(value: Value) -> tuple[float, float] | None:
    """The scores of chosen and rejected, if the file has both."""
    found = {canonical(name): item for name, item in value.items() if "chosen" in name or "rejected" in name}
    for what in ("score", "rating", "reward"):
        for form in (f"{what}_{{}}", f"{{}}_{what}"):
            both = [number(found.get(form.format(side))) for side in ("chosen", "rejected")]
            if both[0] is not None and both[1] is not None:
                return both[0], both[1]
    return None


def scored(value: Value) -> tuple[str, ...]:
    """Names the scores of chosen and rejected, which are not kept, where there are any."""
    names = [name for name in value if SCORED.fullmatch(canonical(name)) and number(value[name]) is not None]
    return ("scores of answers",) if names else ()


def models_of(value: Value) -> tuple[str, str]:
    """Which models wrote chosen and rejected, where that is said."""
    found = {canonical(name): item for name, item in value.items() if "model" in name}
    sides = [first(found, (f"{side}_model", f"model_{side}")) for side in ("chosen", "rejected")]
    return str(sides[0] or "")[:200], str(sides[1] or "")[:200]


def numbered(value: Value) -> dict[str, Any]:
    """The answers in numbered fields (`response_1`, `response_2`), by their numbers or letters; empty unless two."""
    found: dict[str, dict[str, Any]] = {}
    for name, item in value.items():
        match = NUMBERED.fullmatch(name)
        if match and item not in (None, "", []):
            found.setdefault(match[1].lower(), {})[match[2].lower()] = item
    return next((items for items in found.values() if len(items) > 1), {})


def held(value: Value, used: Iterable[str]) -> tuple[str, ...]:
    """Fields besides the `used` ones that may hold answers or say which is better."""
    return tuple(
        name
        for name, item in value.items()
        if name not in used and item not in (None, "", [], {}) and _may_answer(canonical(name), item)
    )


def decides(name: str, item: Any) -> bool:
    """Does the field say which answer is meant, or hold another one? It is one of those that `held` names."""
    known = name in (*ONE, *CHOSEN, *REJECTED, *LISTS) or NUMBERED.fullmatch(name) is not None
    is_judgement = isinstance(item, bool) or VERDICTS.search(name) is not None or "correct" in name
    return known or is_judgement or (ANSWERISH.search(name) is not None and _is_prose(item))


def _may_answer(name: str, item: Any) -> bool:
    return PLAIN.fullmatch(name) is None and (ANSWERISH.search(name) is not None or _is_prose(item))


def _is_prose(item: Any) -> bool:
    if isinstance(item, str):
        return len(item) > 20 and len(item.split(None, 3)) > 2
    if isinstance(item, list):
        return any(isinstance(part, dict) or _is_prose(part) for part in item[:4])
    return isinstance(item, dict) and any(map(_is_prose, item.values()))
