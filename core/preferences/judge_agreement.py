"""How far a judge's verdicts on pairs of answers agree with people's votes on them.

One row is one person's vote beside the judge's verdict on the same pair: what the same policy got from each, 1, 0.5 for
a tie or 0. Intervals are bootstraps over prompts.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from core.preferences.agreement import MOST_TAGS
from core.preferences.interval import Interval
from core.preferences.statistics import bootstrap, share_interval, sums_by, widened
from core.preferences.votes import Floats, Numbers

#: What a pair adds to pairwise agreement, by the outcomes of both from lost to won, as in `statistics.alike`.
CREDIT = np.array([[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]])


#: Votes below which a kappa says nothing: of nine, even a judge that tosses a coin reaches 0.5 now and then.
FEWEST = 10


@dataclass(frozen=True)
class JudgeAgreement:
    """`kappa` is Cohen's over win, tie and loss; of `pairwise` a tie beside a win or a loss is half. `votes` are
    compared."""

    kappa: Interval
    pairwise: Interval
    votes: int

    @property
    def too_few(self) -> bool:
        """Are they too few for a kappa that means anything?"""
        return self.votes < FEWEST


@dataclass(frozen=True)
class JudgeReport:
    """Over all prompts, and over those of each tag, the tags of the most votes first."""

    overall: JudgeAgreement
    tags: dict[str, JudgeAgreement]


def judge_report(
    prompts: Numbers, people: Floats, judge: Floats, tags: Mapping[int, Set[str]], *, resamples: int = 1000
) -> JudgeReport:
    """Of rows, (V,) each; `tags` are those of each prompt, of which the `MOST_TAGS` most frequent are measured."""
    found = prompts.tolist()
    counts = Counter(tag for prompt in found for tag in tags.get(prompt, ()))
    names = sorted(counts, key=lambda tag: (-counts[tag], tag))[:MOST_TAGS]
    apart = {}
    for name in names:
        rows = np.array([name in tags.get(prompt, ()) for prompt in found])
        apart[name] = judge_agreement(prompts[rows], people[rows], judge[rows], resamples=resamples)
    return JudgeReport(judge_agreement(prompts, people, judge, resamples=resamples), apart)


def judge_agreement(prompts: Numbers, people: Floats, judge: Floats, *, resamples: int = 1000) -> JudgeAgreement:
    """Of rows, (V,) each. Raises `ValueError` for an outcome that is no win, tie or loss."""
    both = np.stack([people, judge]) * 2
    if not np.isin(both, (0, 1, 2)).all():
        raise ValueError("A verdict is 1 for a win, 0.5 for a tie or 0 for a loss.")
    cell = both[0] * 3 + both[1]
    table = sums_by(prompts, *((cell == number).astype(float) for number in range(9)))  # (prompts, 9)
    pairwise = np.stack([table @ CREDIT.ravel(), table.sum(axis=1)], axis=1)
    return JudgeAgreement(
        widened(bootstrap(table, cohen_kappa, resamples=resamples), -1.0),
        share_interval(pairwise, resamples=resamples),
        len(people),
    )


def cohen_kappa(table: Floats) -> float | None:
    """Cohen's kappa (1960, Educational and Psychological Measurement 20) of a square table of counts, of any shape.

    Agreement beyond what the two would have by chance with as many wins, ties and losses each. None where nothing is
    counted, or where both say the same thing always: then chance alone agrees.
    """
    size = round(table.size**0.5)
    square = table.reshape(size, size)
    n = square.sum()
    if not n:
        return None
    expected = square.sum(axis=0) @ square.sum(axis=1) / n**2
    return None if expected == 1 else float((np.trace(square) / n - expected) / (1 - expected))


def mutual_agreement(pairs: Numbers, prompts: Numbers, labelers: Numbers, won: Floats) -> JudgeAgreement:
    """How far people agree who voted on the same two answers, (V,) rows of votes; `pairs` numbers the two answers, and
    `won` is what the same one of them got from each.

    Each two voters count both ways, so that kappa does not depend on who is called the first. `votes` is how many such
    twos there are.
    """
    order = np.lexsort((labelers, pairs))
    found: list[tuple[int, float, float]] = []
    for rows in np.split(order, np.flatnonzero(np.diff(pairs[order])) + 1):
        for a, b in combinations(rows.tolist(), 2):
            found += [(int(prompts[a]), won[a], won[b]), (int(prompts[a]), won[b], won[a])]
    table = np.array(found, dtype=float).reshape(-1, 3)
    both = judge_agreement(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])
    return replace(both, votes=both.votes // 2)
