"""Several answers to one question in one row: in one list or in numbered fields, with their ranks, their scores, or
neither, when they are to be ranked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from core.data import dialogue, fields
from core.data.rows import WRONG_KIND, Answer, Refused, Row, Unusable, whole

TEXTS = ("text", "content", "response", "answer", "completion", "output", "generation", "body")
#: What says how good an answer is, the higher the better.
SCORES = ("overall_score", "score", "rating", "reward", "fine-grained_score")
MODELS = ("model", "model_name", "source", "generator", "policy")
AN_EMPTY, AGAIN, ANOTHER = "an empty answer", "the same answer again", "another order of its answers"


def parse(line: int, value: dict[str, Any]) -> Row | Refused | None:
    """The row; None where it has no two answers."""
    row = several(line, value)
    if row is None:
        return None
    return ranked(row) if row.ranked else unranked(row)


def several(line: int, value: dict[str, Any]) -> Row | None:
    """All answers of the row, the empty and the repeated ones too; None where it has no two."""
    name = next((name for name in fields.LISTS if len(dialogue.listed(value.get(name))) > 1), None)
    columns = fields.numbered(value)
    if name is None and not columns:
        return None
    items = dialogue.listed(value[name]) if name else list(columns.values())
    (ranks, is_contradicted), asked = _ranks(value, items), fields.asked(value)
    models = _beside(value, fields.MODELS, items)
    answers = [
        replace(one(item, model), rank=rank)
        for item, model, rank in zip(items, models, ranks or [None] * len(items), strict=True)
    ]
    read = {name or "", *fields.MODELS, *fields.PROMPTS, *(item for item in value if fields.NUMBERED.fullmatch(item))}
    held = tuple(item for item in fields.held(value, read) if ranks is None and fields.VERDICTS.search(item))
    return Row(
        line, asked, fields.tags_of(value), fields.split_of(value), tuple(answers), ranked=ranks is not None, held=held,
        lost=(ANOTHER,) if is_contradicted else (),
    )  # fmt: skip


def one(item: Any, model: Any = None) -> Answer:
    """An item of a list of answers. Raises `Unusable`."""
    if isinstance(item, dict) and not any(name in item for name in dialogue.ROLE_NAMES):
        return Answer(dialogue.answer(fields.first(item, TEXTS)), model=_name(fields.first(item, MODELS) or model))
    return Answer(dialogue.answer(item), model=_name(model))


def texts(item: Any) -> Iterator[str]:
    """What the answers in a field of any kind say, stripped; of a dialogue that is its end."""
    if isinstance(item, str):
        listed = dialogue.listed(item)
        yield item.strip()
        yield from (text for part in listed for text in texts(part)) if listed else ()
        if dialogue.HH_ANSWER in item:
            yield item.rpartition(dialogue.HH_ANSWER)[2].strip()
    elif isinstance(item, list) and item:
        for part in item[-1:] if dialogue.begins_with_question(item) else item:
            yield from texts(part)
    elif isinstance(item, Mapping):
        content = fields.first(item, ("messages", *TEXTS, "value"))
        with suppress(Unusable, *WRONG_KIND):
            yield from (
                texts(content)
                if isinstance(content, str) or "messages" in item
                else (dialogue.text_of(content).strip(),)
            )


def _name(model: Any) -> str:
    return str(model or "")[:200]


def _beside(value: dict[str, Any], names: Sequence[str], items: list[Any]) -> list[Any]:
    """What a list beside the answers says of each, or nothing."""
    found = next((dialogue.listed(value[name]) for name in names if name in value), [])
    return found if len(found) == len(items) else [None] * len(items)


def _ranks(value: dict[str, Any], items: list[Any]) -> tuple[list[int | None] | None, bool]:
    """The rank of each answer, from ranks or scores in it or in a list beside, None where nothing says it; and whether
    others of them say otherwise."""
    inside = [item if isinstance(item, dict) else {} for item in items]
    places = [[item.get("rank") for item in inside], _beside(value, ("ranks", "rank", "ranking"), items)]
    scores = [[item.get(name) for item in inside] for name in SCORES]
    scores.append(_beside(value, ("scores", "ratings", "rewards", "score", "rating"), items))
    ranks = next(([whole(rank) for rank in given] for given in places if any(rank is not None for rank in given)), None)
    numbers = [[_negative(rank) for rank in given] for given in places]
    numbers += [[fields.number(score) for score in given] for given in scores]
    orders = [by_scores(given) for given in numbers if sum(number is not None for number in given) > 1]
    if ranks is None and orders:
        ranks = orders[0]
    return ranks, any(order != orders[0] for order in orders)


def _negative(rank: Any) -> float | None:
    found = fields.number(rank)
    return None if found is None else -found


def by_scores(scores: Sequence[float | None]) -> list[int | None]:
    """Ranks from scores: the highest is 1, equal scores are tied; what has none is not ranked."""
    known = sorted({score for score in scores if score is not None}, reverse=True)
    places = {score: place for place, score in enumerate(known, start=1)}
    return [None if score is None else places[score] for score in scores]


def ranked(row: Row) -> Row | Refused:
    """Answers with their ranks, without those that are empty."""
    found = tuple(answer for answer in row.answers if answer.text.strip())
    if not found:
        return Refused(row.line, "its answers are empty")
    return replace(row, answers=found, lost=(*row.lost, *([AN_EMPTY] if len(found) < len(row.answers) else [])))


def unranked(row: Row) -> Row | Refused:
    """Answers to be ranked: each once, and none that is empty."""
    kept: dict[str, Answer] = {}
    lost = dict.fromkeys(row.lost)
    for answer in row.answers:
        if not answer.text.strip():
            lost[AN_EMPTY] = None
        elif kept.setdefault(answer.text, answer) is not answer:
            lost[AGAIN] = None
    if len(kept) < 2:
        return Refused(row.line, "it has fewer than two answers that differ and are not empty")
    return replace(row, answers=tuple(kept.values()), ranked=False, lost=tuple(lost))
