"""Two answers and a choice, as the published sets have it: OpenAI's summaries and WebGPT, AlpacaFarm, LMSYS's arena,
Stanford's SHP, PKU-SafeRLHF, HelpSteer 2 and 3."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import dialogue, fields, jsonlines, source
from core.data.rows import DIFFERENT, NO_PROMPT, Refused, Row, preference, string, whole

NAME = "comparisons"
LACKS = ("partial orders", "flags", "comments")
WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")
#: Where a verdict stands, and what it says when neither answer is better.
SAYING = ("winner", "preferred", "preference", "choice", "better", "selected", "verdict")
TIE = "tie"
EVEN = ("both_bad", "bothbad", "both_good", "neither", "both", "equal", "same", "draw", "no_preference")
#: Rows that are looked at to see from which number verdicts count.
LOOKED_AT = 1000
NOBODY_WON = "it does not say who won"
#: The criterion of `safer_response_id`.
SAFE = "safe"
#: The most that a preference's strength says.
STRONGEST = 3


def sniff(head: str, path: Path) -> bool:
    parse = _parser(jsonlines.first(head))
    return parse is not None and (parse is not _table or _counts_alike(path))


def _counts_alike(path: Path) -> bool:
    """Do the verdicts count as the answers' names do? Those from 0 over answers from 1 would say the wrong one."""
    found = (item[1] for item in islice(source.objects(path), LOOKED_AT) if not isinstance(item, Refused))
    said = [(fields.numbered(value), _verdict(value)) for value in found]
    return all(not verdict.isdigit() or verdict in names for names, verdict in said if names)


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _parser(value: dict[str, Any]) -> Any:
    for names, parse in SHAPES:
        if names <= value.keys():
            return parse
    return _table if _said(value) is not None else None


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    parse = _parser(value)
    return Refused(line, "it is no comparison of two answers") if parse is None else parse(line, value)


def chosen(
    line: int, asked: Conversation, answers: tuple[str, str], choice: int | None, **rest: Any
) -> Row | Refused:  # fmt: skip
    """The row where `choice` (0 is the first, 1 the second, None neither) was made between two answers."""
    if choice == 1:
        rest |= {"models": rest.get("models", ("", ""))[::-1]}
    better, worse = reversed(answers) if choice == 1 else answers
    return preference(line, asked, better, worse, tie=choice is None, **rest)


def by_strength(line: int, asked: Conversation, answers: tuple[str, str], strength: Any, **rest: Any) -> Row | Refused:
    """The row where a number below 0 is for the first, above 0 for the second, and 0 for neither."""
    found = fields.number(strength)
    if found is None:
        return Refused(line, "it does not say which answer is better")
    choice = None if found == 0 else int(found > 0)
    return chosen(line, asked, answers, choice, strength=abs(found), **rest)


def _summaries(line: int, value: dict[str, Any]) -> Row | Refused:
    """OpenAI: two summaries of a post, asked for as TRL does."""
    info, texts = value["info"], tuple(string(item["text"]) for item in value["summaries"])
    models = tuple(str(item.get("policy") or "") for item in value["summaries"])
    post = string(info.get("post") or info.get("article"))
    parts = [f"SUBREDDIT: r/{info['subreddit']}"] if info.get("subreddit") else []
    prompt = "\n\n".join([*parts, f"TITLE: {string(info.get('title'))}", f"POST: {post}", "TL;DR:"]) if post else ""
    labeler = f"openai {value['worker']}" if value.get("worker") else ""
    if value["choice"] not in (0, 1):
        return Refused(line, "nobody chose")
    if not prompt:
        return Refused(line, NO_PROMPT)
    first, second = texts
    return chosen(
        line, Conversation.of_text(prompt), (first, second), value["choice"], labeler=labeler, models=models,
        split=fields.split_of(value),
    )  # fmt: skip


def _webgpt(line: int, value: dict[str, Any]) -> Row | Refused:
    """The scores of the two are opposite; how far they are from 0 says how sure the choice was."""
    question = value["question"]
    text = question.get("full_text") or question.get("text") if isinstance(question, dict) else question
    first, second = fields.number(value["score_0"]), fields.number(value["score_1"])
    if first is None or second is None:
        return Refused(line, "nobody chose")
    answers = (string(value["answer_0"]), string(value["answer_1"]))
    strength = min(abs(first - second) / 2, 1) * STRONGEST
    return by_strength(
        line, fields.asked({}, string(text)), answers, strength if second > first else -strength,
        split=fields.split_of(value),
    )  # fmt: skip


def _shp(line: int, value: dict[str, Any]) -> Row | Refused:
    """Two comments on a post; the label 1 is for the first."""
    label = whole(value["labels"])
    if label not in (0, 1):
        return Refused(line, "nobody chose")
    answers = (string(value["human_ref_A"]), string(value["human_ref_B"]))
    lost = ("votes for its answers",) if "score_A" in value else ()
    return chosen(line, fields.asked({}, string(value["history"])), answers, 1 - label, lost=lost,
                  split=fields.split_of(value))  # fmt: skip


def _safer(line: int, value: dict[str, Any]) -> Row | Refused:
    """PKU: the overall order is by the better answer; by the criterion "safe" it is by the safer one."""
    texts = tuple(string(value[f"response_{place}"]) for place in (0, 1))
    better, safer = (whole(value.get(f"{name}_response_id")) for name in ("better", "safer"))
    models = tuple(str(value.get(f"response_{place}_source") or "") for place in (0, 1))
    overall = safer if better is None else better
    if overall not in (0, 1):
        return Refused(line, "nobody chose")
    found = chosen(line, fields.asked(value, value.get("prompt")), texts, overall, models=models,  # type: ignore[arg-type]
                   split=fields.split_of(value))  # fmt: skip
    if isinstance(found, Refused) or better is None or safer not in (0, 1):
        return found
    return _by_criterion(found, {SAFE: (1, 2) if safer == overall else (2, 1)})


def _by_criterion(row: Row, criteria: dict[str, tuple[int | None, ...]]) -> Row:
    return Row(**{**vars(row), "criteria": criteria})


def _help_steer(line: int, value: dict[str, Any]) -> Row | Refused:
    """HelpSteer 2 and 3: from -3 (the first is much better) over 0 (neither) to 3."""
    names = ("response_1", "response_2") if "response_1" in value else ("response1", "response2")
    asked = fields.asked(value, value["context"] if "context" in value else value.get("prompt"))
    strength = value.get("preference_strength", value.get("overall_preference"))
    first, second = (dialogue.answer(value[name]) for name in names)
    return by_strength(
        line, asked, (first, second), strength, comment=string(value.get("preference_statement")),
        split=fields.split_of(value), tags=fields.tags_of(value),
    )  # fmt: skip


def _alpaca_farm(line: int, value: dict[str, Any]) -> Row | Refused:
    """A preference is 1 or 2, or between them for a tie."""
    prompt = "\n".join(part for name in ("instruction", "input") if (part := string(value.get(name)).strip()))
    first, second, choice = string(value["output_1"]), string(value["output_2"]), float(value["preference"])
    labeler = f"alpacafarm {value['annotator']}" if value.get("annotator") else ""
    if choice not in (0, 1, 1.5, 2):
        return Refused(line, "its preference is neither 1 nor 2")
    picked = None if choice in (0, 1.5) else int(choice) - 1
    return chosen(line, fields.asked({}, prompt), (first, second), picked, labeler=labeler,
                  split=fields.split_of(value))  # fmt: skip


def _battle(line: int, value: dict[str, Any]) -> Row | Refused:
    """Two conversations that differ in the last answer."""
    if not all(isinstance(value[f"conversation_{side}"], list) for side in "ab"):
        return Refused(line, "its conversations are no lists of messages")
    first, second = (_up_to(dialogue.messages(value[f"conversation_{side}"]), value.get("turn")) for side in "ab")
    if not first or not second or first[:-1] != second[:-1]:
        return Refused(line, DIFFERENT)
    labeler = f"arena {value['judge']}" if value.get("judge") else ""
    models = (str(value.get("model_a") or ""), str(value.get("model_b") or ""))
    answers = (dialogue.said(first[-1]), dialogue.said(second[-1]))
    return _won(line, dialogue.whole(first[:-1]), answers, string(value["winner"]), labeler=labeler, models=models,
                split=fields.split_of(value))  # fmt: skip


def _up_to(turns: tuple[Any, ...], turn: Any) -> tuple[Any, ...]:
    """The conversation up to the answer that was judged: the turn is the number of the question, from 1."""
    judged = fields.number(turn)
    asked = [place for place, message in enumerate(turns) if message.role == "user"]
    if judged is None or not 1 <= judged < len(asked):
        return turns
    return turns[: asked[int(judged)]]


def _arena_table(line: int, value: dict[str, Any]) -> Row | Refused:
    """The published table: prompt and answers are JSON lists with one text for each turn."""
    prompts, first, second = (_texts(value.get(name)) for name in ("prompt", "response_a", "response_b"))
    if len(prompts) != 1:
        return Refused(line, "it has several turns, whose answers differ on its two sides")
    won = [name for name in WINNERS if float(value.get(name) or 0)]
    winner = won[0].removeprefix("winner_") if len(won) == 1 else ""
    models = (str(value.get("model_a") or ""), str(value.get("model_b") or ""))
    return _won(line, fields.asked({}, prompts[0]), ("\n".join(first), "\n".join(second)), winner, models=models)


def _texts(value: Any) -> list[str]:
    found = jsonlines.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else [value]
    return [string(item) for item in found]


def _won(line: int, asked: Conversation, sides: tuple[str, str], winner: str, **rest: Any) -> Row | Refused:
    """Both bad is a tie, as neither was better."""
    name = better_of(winner)
    if name not in ("a", "b") and name != TIE:
        return Refused(line, NOBODY_WON)
    return chosen(line, asked, sides, None if name == TIE else int(name == "b"), **rest)


def better_of(said: Any) -> str:
    """Which answer a verdict names: its letter or number, or that neither is better."""
    name = re.sub(r"[\s-]+", "_", str(said).strip().lower())
    name = re.sub(r"\A(model|response|answer|output|completion|option)_?", "", name).removesuffix(".0")
    return TIE if name.startswith("tie") or name in EVEN else name


def _verdict(value: dict[str, Any]) -> str:
    """Which answer is said to be better, by its letter or number; empty where nothing is said."""
    said = next((value[name] for name in SAYING if value.get(name) not in (None, "")), None)
    return "" if said is None else better_of(said)


def _said(value: dict[str, Any]) -> tuple[tuple[str, str], str] | None:
    """The two answers' names of a table of two and a verdict, and which it names; None for any other."""
    answers, winner = fields.numbered(value), _verdict(value)
    if len(answers) != 2:
        return None
    first, second = sorted(answers)
    return ((first, second), winner) if winner in (first, second, TIE) else None


def _table(line: int, value: dict[str, Any]) -> Row | Refused:
    """Two numbered answers and a verdict that names one as their fields do."""
    found = _said(value)
    if found is None:
        return Refused(line, NOBODY_WON)
    (one, other), winner = found
    answers, asked = fields.numbered(value), fields.asked(value)
    models = (str(value.get(f"model_{one}") or ""), str(value.get(f"model_{other}") or ""))
    return chosen(
        line, asked, (dialogue.answer(answers[one]), dialogue.answer(answers[other])),
        None if winner == TIE else int(winner == other), models=models, split=fields.split_of(value),
        tags=fields.tags_of(value),
    )  # fmt: skip


SHAPES = (
    ({"summaries", "choice", "info"}, _summaries),
    ({"question", "answer_0", "answer_1", "score_0", "score_1"}, _webgpt),
    ({"history", "human_ref_A", "human_ref_B", "labels"}, _shp),
    ({"response_0", "response_1", "better_response_id"}, _safer),
    ({"response_0", "response_1", "safer_response_id"}, _safer),
    ({"response_1", "response_2", "preference_strength"}, _help_steer),
    ({"response1", "response2", "overall_preference"}, _help_steer),
    ({"response_1", "response_2", "overall_preference"}, _help_steer),
    ({"output_1", "output_2", "preference"}, _alpaca_farm),
    ({"conversation_a", "conversation_b", "winner"}, _battle),
    ({"response_a", "response_b", *WINNERS}, _arena_table),
)
