"""One answer a row, with a verdict of its own: thumbs (TRL's and LLaMA-Factory's unpaired sets), scores (HelpSteer 2),
or ranks. The rows of one question together are a ranking; they are read to their end before the first is known.

Good answers are placed before bad ones to the same question, and each keeps its verdict, also where it is alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import answers, dialogue, fields, jsonlines, source, thumbs, unread
from core.data.jsonlines import Object
from core.data.rows import WRONG_KIND, Answer, Refused, Row, Unusable, whole
from core.data.thumbs import Given
from core.records import Split, Verdict

NAME = "rated answers"
LACKS = ("flags", "comments")
ANSWERS = ("completion", "response", "answer", "output", "generation")
#: Scores beside an overall one that are orders of their own.
CRITERIA = ("correctness", "coherence", "honesty", "truthfulness", "harmlessness", "safety", "instruction_following")
ALONE = (
    "it is rated alone, and not as good or bad: no other answer to the same question is in the file (a column of "
    "thumbs is named by --map verdict=COLUMN)"
)
UNSAID = "it does not say how good its answer is"


def sniff(head: str, path: Path) -> bool:
    first = jsonlines.first(head)
    if first.keys() >= fields.RANKINGS_TABLE:  # whose rows have verdicts beside their ranks
        return False
    said = _has_rank(first) or bool(thumbs.given(first))
    return said and (_answer_name(first) is not None or _is_thumbed_dialogue(first))


def _answer_name(value: dict[str, Any]) -> str | None:
    asked = fields.first(value, fields.PROMPTS) is not None
    return next((name for name in ANSWERS if asked and isinstance(value.get(name), (str, list)) and value[name]), None)


def _is_thumbed_dialogue(value: dict[str, Any]) -> bool:
    """LLaMA-Factory and ms-swift: a dialogue that ends with the answer, and whether it is good."""
    told = any(isinstance(value.get(name), bool) for name in thumbs.VERDICTS)
    return told and any(isinstance(value.get(name), list) for name in ("messages", "conversations"))


def _has_rank(value: dict[str, Any]) -> bool:
    return "rank" in value and "ranking" not in value


@dataclass
class Group:
    """The answers to one question, by one labeler if a file names any; `given` is what is said of each."""

    line: int
    asked: Conversation
    tags: tuple[str, ...]
    split: Split
    labeler: str
    answers: list[Answer] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
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
    names = thumbs.columns(given for group in groups.values() for given in group.given)
    for group in groups.values():
        yield from _rows(group, names) if ranked else (_unranked(group),)


def _unranked(group: Group) -> Row | Refused:
    return answers.unranked(
        Row(group.line, group.asked, group.tags, group.split, tuple(group.answers), lost=tuple(group.lost))
    )


def _add(groups: dict[tuple[str, str], Group], line: int, value: dict[str, Any], *, ranked: bool) -> None:
    asked, answer = _parts(value)
    given = thumbs.given(value)
    if _has_rank(value):
        given = {"rank": _place(value["rank"])} | given
    if not given and ranked:
        raise Unusable(UNSAID)
    labeler = str(value.get("labeler") or value.get("annotator") or "")
    key = (asked.key, labeler)
    if key not in groups:
        groups[key] = Group(line, asked, fields.tags_of(value), fields.split_of(value), labeler)
    found = groups[key]
    found.lost |= dict.fromkeys(unread.of_question(value, asked))
    found.answers.append(Answer(answer, model=str(value.get("model") or "")[:200]))
    found.given.append(given)
    found.lines.append(line)
    for name in CRITERIA:
        if name in value:
            found.criteria.setdefault(name, [None] * (len(found.answers) - 1)).append(fields.number(value[name]))


def _place(said: Any) -> float:
    """A rank as a score. Raises `Unusable` where there is none: nobody knows the place of that answer."""
    found = whole(said)
    if found is None:
        raise Unusable(UNSAID)
    return -float(found)


def _parts(value: dict[str, Any]) -> tuple[Conversation, str]:
    name = _answer_name(value)
    if name is not None:
        return fields.asked(value), dialogue.answer(value[name])
    turns = dialogue.messages(fields.first(value, ("messages", "conversations")))
    if not turns:
        raise Unusable("it has no prompt")
    return fields.asked(value, [turn.data() for turn in turns[:-1]]), dialogue.said(turns[-1])


def _rows(group: Group, names: list[str]) -> Iterator[Row | Refused]:
    """The row of a question, and the lines that are not in it; the first of the columns `names` says good or bad, and
    no other may say otherwise."""
    name = names[0] if names else None
    verdicts = [thumbs.verdict(given.get(name)) if name is not None else None for given in group.given]
    scores = [thumbs.score(given, name) for given in group.given]
    kept: dict[object, int] = {}
    for place, (answer, verdict, score) in enumerate(zip(group.answers, verdicts, scores, strict=True)):
        said = {each: thumbs.verdict(group.given[place][each]) for each in names if each in group.given[place]}
        otherwise = next((each for each, other in said.items() if verdict not in (None, other)), None)
        if otherwise is not None:
            yield Refused(group.lines[place], f"its `{name}` and its `{otherwise}` contradict each other")
        elif verdict is None and score is None:
            yield Refused(group.lines[place], UNSAID)
        elif verdict is None:
            kept[place] = place
        elif kept.setdefault(answer.text, place) != place and verdicts[kept[answer.text]] != verdict:
            other = group.lines[kept[answer.text]]
            yield Refused(group.lines[place], f"it says otherwise of the same answer than line {other}, which counts")
    places = list(kept.values())
    if len(places) < 2 and not any(verdicts[place] for place in places):
        yield from (Refused(group.line, ALONE) for _ in places)
        return
    ranks = _ranks([scores[place] for place in places], [verdicts[place] for place in places])
    orders = {
        criterion: tuple(answers.by_scores([numbers[place] for place in places]))
        for criterion, numbers in group.criteria.items()
        if len(numbers) == len(group.answers) and None not in numbers
    }
    found = tuple(
        replace(group.answers[place], rank=rank, verdict=verdicts[place])
        for place, rank in zip(places, ranks, strict=True)
    )
    line = group.lines[places[0]]
    yield Row(line, group.asked, group.tags, group.split, found, labeler=group.labeler, criteria=orders,
              lost=tuple(group.lost))  # fmt: skip


def _ranks(scores: list[float | None], verdicts: list[Verdict | None]) -> list[int | None]:
    """By the scores of all, or the good before the bad where there are both; else nobody ordered them."""
    known = [score for score in scores if score is not None]
    if len(known) == len(scores) > 1:
        return answers.by_scores(known)
    if set(verdicts) == {"good", "bad"}:
        return [1 if verdict == "good" else 2 for verdict in verdicts]
    return [None] * len(scores)
