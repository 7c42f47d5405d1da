"""From verdicts on pairs, or scores, to an order."""

from collections.abc import Mapping, Sequence

from core.preferences.position_bias import side


def by_pairs(answers: Sequence[int], won: Mapping[tuple[int, int], float]) -> dict[int, int | None]:
    """Ranks by points of a round robin (Copeland 1951): 1 for each answer that it beats, a half for each tie, so that
    answers which beat each other in a circle are tied. `won` is what the first of each pair got."""
    points = dict.fromkeys(answers, 0.0)
    for (first, second), got in won.items():
        points[first] += side(got)
        points[second] += 1 - side(got)
    return by_scores(points)


def by_scores(scores: Mapping[int, float]) -> dict[int, int | None]:
    """Ranks by scores, the highest first; equal ones are tied."""
    order = sorted(set(scores.values()), reverse=True)
    return {item: order.index(score) + 1 for item, score in scores.items()}
