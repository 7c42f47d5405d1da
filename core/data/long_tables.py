"""One answer a row, with a verdict of its own: thumbs (TRL's and LLaMA-Factory's unpaired sets), scores (HelpSteer 2),
or ranks. The rows of one question together are a ranking; they are read to their end before the first is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import answers, dialogue, fields, jsonlines, source
from core.data.jsonlines import Object
from core.data.rows import WRONG_KIND, Answer, Refused, Row, Unusable, whole
from core.records import Split

NAME = "rated answers"
LACKS = ("flags", "comments")
ANSWERS = ("completion", "response", "answer", "output", "generation")
#: What a whole order follows from, the higher the better; a rank is better the lower.
OVERALL = ("helpfulness", "overall_score", "score", "rating", "reward", "label", "kto_tag")
#: Scores beside an overall one that are orders of their own.
CRITERIA = ("correctness", "coherence", "honesty", "truthfulness", "harmlessness", "safety", "instruction_following")
UNKNOWN = "it does not say how good its answer is"
ALONE = "it is rated alone: no other answer to the same question is in the file"


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    return _verdict(first) is not None and (_answer_name(first) is not None or _is_thumbed_dialogue(first))


def _answer_name(value: dict[str, Any]) -> str | None:
    asked = fields.first(value, fields.PROMPTS) is not None
    return next((name for name in ANSWERS if asked and isinstance(value.get(name), (str, list)) and value[name]), None)


def _is_thumbed_dialogue(value: dict[str, Any]) -> bool:
    """LLaMA-Factory and ms-swift: a dialogue that ends with the answer, and whether it is good."""
    thumbs = any(isinstance(value.get(name), bool) for name in ("label", "kto_tag"))
    return thumbs and any(isinstance(value.get(name), list) for name in ("messages", "conversations"))


def _verdict(value: dict[str, Any]) -> str | None:
    """The field that says how good the answer is."""
    if "rank" in value and "ranking" not in value:
        return "rank"
    names = [name for name in OVERALL if fields.number(value.get(name)) is not None or thumb(value.get(name))]
    return names[0] if names else None


def thumb(said: Any) -> float | None:
    return {"true": 1.0, "false": 0.0}.get(str(said).strip().lower())


@dataclass
class Group:
    """The answers to one question, by one labeler if a file names any."""

    line: int
    asked: Conversation
    tags: tuple[str, ...]
    split: Split
    labeler: str
    answers: list[Answer] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    criteria: dict[str, list[float | None]] = field(default_factory=dict)
    lost: dict[str, None] = field(default_factory=dict)


def read(path: Path) -> Iterator[Row | Refused]:
    return gather(source.objects(path))


def gather(items: Iterable[Object | Row | Refused], *, ranked: bool = True) -> Iterator[Row | Refused]:
    """The rows of one question as one; not `ranked` are answers that nobody judged. What is a row is let through."""
    groups: dict[tuple[str, str], Group] = {}
    for item in items:
        if isinstance(item, Row | Refused):
            yield item
            continue
        try:
            _add(groups, *item, ranked=ranked)
        except Unusable as error:
            yield Refused(item[0], str(error))
        except WRONG_KIND:
            yield Refused(item[0], "its fields are not of the kind that this format has")
    for group in groups.values():
        yield _row(group) if ranked else _unranked(group)


def _unranked(group: Group) -> Row | Refused:
    return answers.unranked(
        Row(group.line, group.asked, group.tags, group.split, tuple(group.answers), lost=tuple(group.lost))
    )


def _add(groups: dict[tuple[str, str], Group], line: int, value: dict[str, Any], *, ranked: bool) -> None:
    asked, answer = _parts(value)
    verdict = _verdict(value)
    if verdict is None and ranked:
        raise Unusable(UNKNOWN)
    labeler = str(value.get("labeler") or value.get("annotator") or "")
    key = (asked.key, labeler)
    if key not in groups:
        groups[key] = Group(line, asked, fields.tags_of(value), fields.split_of(value), labeler)
    found = groups[key]
    score = 0.0 if verdict is None else _place(value[verdict]) if verdict == "rank" else _score(value[verdict])
    found.lost |= dict.fromkeys(fields.unread(value, asked))
    found.answers.append(Answer(answer, model=str(value.get("model") or "")[:200]))
    found.scores.append(score)
    for name in CRITERIA:
        if name in value and name != verdict:
            found.criteria.setdefault(name, [None] * (len(found.answers) - 1)).append(fields.number(value[name]))


def _place(said: Any) -> float:
    """A rank as a score. Raises `Unusable` where there is none: nobody knows the place of that answer."""
    found = whole(said)
    if found is None:
        raise Unusable(UNKNOWN)
    return -float(found)


def _score(said: Any) -> float:
    found = fields.number(said) if isinstance(said, bool) or thumb(said) is None else thumb(said)
    if found is None:
        raise Unusable(UNKNOWN)
    return found


def _parts(value: dict[str, Any]) -> tuple[Conversation, str]:
    name = _answer_name(value)
    if name is not None:
        return fields.asked(value), dialogue.answer(value[name])
    turns = dialogue.messages(fields.first(value, ("messages", "conversations")))
    if not turns:
        raise Unusable("it has no prompt")
    return fields.asked(value, [turn.data() for turn in turns[:-1]]), dialogue.said(turns[-1])


def _row(group: Group) -> Row | Refused:
    if len(group.answers) < 2:
        return Refused(group.line, ALONE)
    orders = {
        name: tuple(answers.by_scores([score for score in scores if score is not None]))
        for name, scores in group.criteria.items()
        if len(scores) == len(group.answers) and None not in scores
    }
    found = tuple(
        Answer(answer.text, rank, model=answer.model)
        for answer, rank in zip(group.answers, answers.by_scores(group.scores), strict=True)
    )
    return Row(group.line, group.asked, group.tags, group.split, found, labeler=group.labeler, criteria=orders,
               lost=tuple(group.lost))  # fmt: skip
