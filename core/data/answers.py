"""Several answers to one question in one row: in one list or in numbered fields, with their ranks, their scores, or
neither, when they are to be ranked."""

from collections.abc import Sequence
from typing import Any

from core.conversation import Conversation
from core.data import dialogue, fields
from core.data.rows import Answer, Refused, Row, string, whole
from core.records import Split

TEXTS = ("text", "content", "response", "answer", "completion", "output", "generation", "body")
#: What says how good an answer is, the higher the better.
SCORES = ("overall_score", "score", "rating", "reward", "fine-grained_score")
MODELS = ("model", "model_name", "source", "generator", "policy")


def parse(line: int, value: dict[str, Any]) -> Row | Refused | None:
    """The row; None where it has no two answers."""
    name = next((name for name in fields.LISTS if len(dialogue.listed(value.get(name))) > 1), None)
    columns = fields.numbered(value)
    if name is None and not columns:
        return None
    items = dialogue.listed(value[name]) if name else list(columns.values())
    answers = [_answer(item, model) for item, model in zip(items, _beside(value, fields.MODELS, items), strict=True)]
    read = {name or "", *fields.MODELS, *fields.PROMPTS, *(item for item in value if fields.NUMBERED.fullmatch(item))}
    rest: dict[str, Any] = {"tags": fields.tags_of(value), "split": fields.split_of(value)}
    ranks = _ranks(value, items)
    if ranks is not None:
        return ranked(line, fields.asked(value), answers, ranks, **rest)
    held = tuple(item for item in fields.held(value, read) if fields.VERDICTS.search(item))
    return unranked(line, fields.asked(value), answers, held=held, **rest)


def _answer(item: Any, model: Any) -> Answer:
    if isinstance(item, dict) and not any(name in item for name in dialogue.ROLE_NAMES):
        return Answer(dialogue.answer(fields.first(item, TEXTS)), model=_name(fields.first(item, MODELS) or model))
    return Answer(dialogue.answer(item), model=_name(model))


def _name(model: Any) -> str:
    return str(model or "")[:200]


def _beside(value: dict[str, Any], names: Sequence[str], items: list[Any]) -> list[Any]:
    """What a list beside the answers says of each, or nothing."""
    found = next((dialogue.listed(value[name]) for name in names if name in value), [])
    return found if len(found) == len(items) else [None] * len(items)


def _ranks(value: dict[str, Any], items: list[Any]) -> list[int | None] | None:
    """The rank of each answer, from ranks or scores in it or in a list beside; None where nothing says it."""
    inside = [item if isinstance(item, dict) else {} for item in items]
    for given in ([item.get("rank") for item in inside], _beside(value, ("ranks", "rank", "ranking"), items)):
        if any(rank is not None for rank in given):
            return [whole(rank) for rank in given]
    scores = [[item.get(name) for item in inside] for name in SCORES]
    for given in (*scores, _beside(value, ("scores", "ratings", "rewards", "score", "rating"), items)):
        numbers = [fields.number(score) for score in given]
        if all(score is not None for score in numbers):
            return by_scores([score for score in numbers if score is not None])
    return None


def by_scores(scores: Sequence[float]) -> list[int | None]:
    """Ranks from scores: the highest is 1, equal scores are tied."""
    places = {score: place for place, score in enumerate(sorted(set(scores), reverse=True), start=1)}
    return [places[score] for score in scores]


def ranked(
    line: int, asked: Conversation, answers: Sequence[Answer], ranks: Sequence[int | None], **rest: Any
) -> Row | Refused:
    """Answers with their ranks, without those that are empty."""
    found = [
        Answer(answer.text, rank, model=answer.model)
        for answer, rank in zip(answers, ranks, strict=True)
        if answer.text.strip()
    ]
    return Row(line, asked, answers=tuple(found), **rest) if found else Refused(line, "its answers are empty")


def unranked(
    line: int, asked: Conversation, answers: Sequence[Answer], *, tags: tuple[str, ...] = (), split: Split = "train",
    held: tuple[str, ...] = (),
) -> Row | Refused:  # fmt: skip
    """Answers to be ranked: each once, and none that is empty."""
    kept: dict[str, Answer] = {}
    for answer in answers:
        if string(answer.text).strip():
            kept.setdefault(answer.text, answer)
    if len(kept) < 2:
        return Refused(line, "it has fewer than two answers that differ and are not empty")
    return Row(line, asked, tags, split, tuple(kept.values()), ranked=False, held=held)
