"""A made-up project of a given size, written in bulk: prompts with four answers each, ranked by five labelers."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from core.store import Project, create_project, guidelines, labelers, now

ANSWERS = 4
#: Of 20 ranked prompts, two are ranked by two labelers.
ORDERS = ((1, 2, 3, 4), (2, 1, 3, 4), (1, 1, 2, 3), (3, 1, 2, None))
WORDS = [first + last for first in ("ba", "ke", "lo", "mi", "nu", "ra", "se", "to") for last in ("n", "st", "ver", "")]


def build(folder: Path, *, completions: int, rankings: int) -> Project:
    """So many completions in groups of four, and rankings of them, the oldest groups first."""
    project = create_project(folder)
    guidelines.save(project, criteria="Be kind.", ties="Rarely.", flags="- unsafe: harm", examples="None.")
    names = [labelers.named(project, f"labeler {number}").id for number in range(1, 6)]
    drawn = random.Random(0)
    questions, answers = texts(drawn, 12, 60), texts(drawn, 30, 150)
    groups, when = completions // ANSWERS, now()
    judged = list(rows_of_rankings(rankings, names))
    with project.write() as database:
        many = database.many
        many(
            "insert into prompts (id, text, tags, created_at) values (?, ?, ?, ?)",
            ((n, f"{n}: {drawn.choice(questions)}?", json.dumps([f"tag{n % 9}"]), when) for n in range(1, groups + 1)),
        )
        many(
            "insert into completion_groups (id, prompt_id, created_at) values (?, ?, ?)",
            ((n, n, when) for n in range(1, groups + 1)),
        )
        many(
            "insert into completions (id, group_id, text, tokens) values (?, ?, ?, 90)",
            (
                ((n - 1) * ANSWERS + place, n, drawn.choice(answers))
                for n in range(1, groups + 1)
                for place in range(1, ANSWERS + 1)
            ),
        )
        many(
            "insert into rankings (id, group_id, labeler_id, guidelines_id, seconds, created_at, uid, flag)"
            " values (?, ?, ?, 1, 9.0, ?, ?, ?)",
            (
                (
                    number,
                    group,
                    who,
                    when,
                    f"{number:032x}",
                    None if number % 200 else "unsafe",
                )
                for number, group, who in judged
            ),
        )
        many(
            "insert into ranking_items (ranking_id, completion_id, rank, position) values (?, ?, ?, ?)",
            items(judged),
        )
    return project


def texts(drawn: random.Random, fewest: int, most: int) -> list[str]:
    """Four thousand, of so many words."""
    return [" ".join(drawn.choices(WORDS, k=drawn.randint(fewest, most))) for _ in range(4000)]


def rows_of_rankings(rankings: int, names: list[int]) -> Iterator[tuple[int, int, int]]:
    """Number, group and labeler of each: every tenth group is ranked by two."""
    group, number = 1, 1
    while number <= rankings:
        for other in range(2 if group % 10 == 0 else 1):
            if number <= rankings:
                yield number, group, names[(group + other) % len(names)]
                number += 1
        group += 1


def items(judged: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int | None, int]]:
    for number, group, _ in judged:
        for place, rank in enumerate(ORDERS[number % len(ORDERS)], 1):
            yield number, (group - 1) * ANSWERS + place, rank, place
