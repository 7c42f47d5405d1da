"""Two answers and a choice: OpenAI's summaries, AlpacaFarm's annotations and the battles of LMSYS's arena."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data import dialogue, jsonlines, source
from core.data.rows import DIFFERENT, Refused, Row, preference, string

NAME = "comparisons"
LACKS = ("partial orders", "flags", "comments")
WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")


def sniff(head: str, path: Path) -> bool:
    return _parser(jsonlines.first(head)) is not None


def read(path: Path) -> Iterator[Row | Refused]:
    return source.rows(path, _row)


def _parser(value: dict[str, Any]) -> Any:
    for names, parse in SHAPES:
        if names <= value.keys():
            return parse
    return None


def _row(line: int, value: dict[str, Any]) -> Row | Refused:
    parse = _parser(value)
    return Refused(line, "it is no comparison of two answers") if parse is None else parse(line, value)


def _summaries(line: int, value: dict[str, Any]) -> Row | Refused:
    """OpenAI: two summaries of a post, asked for as TRL does."""
    info, first, second = value["info"], *(string(item["text"]) for item in value["summaries"])
    post = string(info.get("post") or info.get("article"))
    parts = [f"SUBREDDIT: r/{info['subreddit']}"] if info.get("subreddit") else []
    prompt = "\n\n".join([*parts, f"TITLE: {string(info.get('title'))}", f"POST: {post}", "TL;DR:"]) if post else ""
    labeler = f"openai {value['worker']}" if value.get("worker") else ""
    if value["choice"] not in (0, 1):
        return Refused(line, "nobody chose")
    chosen, rejected = (first, second) if value["choice"] == 0 else (second, first)
    return preference(line, prompt, chosen, rejected, labeler=labeler)


def _alpaca_farm(line: int, value: dict[str, Any]) -> Row | Refused:
    """A preference is 1 or 2, or between them for a tie."""
    prompt = "\n".join(part for name in ("instruction", "input") if (part := string(value.get(name)).strip()))
    first, second, choice = string(value["output_1"]), string(value["output_2"]), float(value["preference"])
    labeler = f"alpacafarm {value['annotator']}" if value.get("annotator") else ""
    if choice not in (0, 1, 1.5, 2):
        return Refused(line, "its preference is neither 1 nor 2")
    chosen, rejected = (second, first) if choice == 2 else (first, second)
    return preference(line, prompt, chosen, rejected, tie=choice in (0, 1.5), labeler=labeler)


def _battle(line: int, value: dict[str, Any]) -> Row | Refused:
    """Two conversations that differ in the last answer."""
    first, second = value["conversation_a"], value["conversation_b"]
    if not isinstance(first, list) or not isinstance(second, list):
        return Refused(line, "its conversations are no lists of messages")
    if not first or first[:-1] != second[:-1]:
        return Refused(line, DIFFERENT)
    prompt, sides = dialogue.text(first[:-1]), (dialogue.text(first[-1:]), dialogue.text(second[-1:]))
    labeler = f"arena {value['judge']}" if value.get("judge") else ""
    return _won(line, prompt, sides, string(value["winner"]), labeler)


def _arena_table(line: int, value: dict[str, Any]) -> Row | Refused:
    """The published table: prompt and answers are JSON lists with one text for each turn."""
    prompts, first, second = (_texts(value.get(name)) for name in ("prompt", "response_a", "response_b"))
    if len(prompts) != 1:
        return Refused(line, "it has several turns, whose answers differ on its two sides")
    won = [name for name in WINNERS if float(value.get(name) or 0)]
    winner = won[0].removeprefix("winner_") if len(won) == 1 else ""
    return _won(line, prompts[0], ("\n".join(first), "\n".join(second)), winner, "")


def _texts(value: Any) -> list[str]:
    found = json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else [value]
    return [string(item) for item in found]


def _won(line: int, prompt: str, sides: tuple[str, str], winner: str, labeler: str) -> Row | Refused:
    if winner not in ("model_a", "model_b") and not winner.startswith("tie"):
        return Refused(line, "it does not say who won")
    chosen, rejected = reversed(sides) if winner == "model_b" else sides
    return preference(line, prompt, chosen, rejected, tie=winner.startswith("tie"), labeler=labeler)


SHAPES = (
    ({"summaries", "choice", "info"}, _summaries),
    ({"output_1", "output_2", "preference"}, _alpaca_farm),
    ({"conversation_a", "conversation_b", "winner"}, _battle),
    ({"response_a", "response_b", *WINNERS}, _arena_table),
)
