"""How a judge of this project does: whether it follows the place of an answer, and how far it agrees with people."""

from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from core.preferences.judge_agreement import JudgeReport, judge_report
from core.preferences.position_bias import PositionBias, position_bias, side
from core.records import Labeler
from core.store import Project, groups, judged, judgements, labelers

#: A prompt, what a person gave the first of two answers to it, and what the judge gave it.
Row = tuple[int, float, float]


@dataclass(frozen=True)
class JudgeFigures:
    """`people` compares it with the people who judged the same, None where nobody did; `place` is None for a judge that
    is not asked in both orders."""

    judge: Labeler
    people: JudgeReport | None = None
    place: PositionBias | None = None


def figures(project: Project, judge: Labeler, *, resamples: int = 1000) -> JudgeFigures:
    """Over its rankings; `core.report.arena` has those over its votes on an arena."""
    rows = list(_ranked(project, judge))
    people = _report(rows, _tags(project), resamples) if rows else None
    return JudgeFigures(judge, people, place_of(project, judge))


def _report(rows: list[Row], tags: dict[int, Set[str]], resamples: int) -> JudgeReport:
    """Of completions neither is the first of a pair more than the other, and kappa would depend on who is: each pair
    counts from either side."""
    turned = [(prompt, 1 - theirs, 1 - own) for prompt, theirs, own in rows]
    prompts, people, judge = (np.array(column) for column in zip(*rows, *turned, strict=True))
    found = judge_report(prompts, people, judge, tags, resamples=resamples)
    apart = {name: replace(each, votes=each.votes // 2) for name, each in found.tags.items()}
    return JudgeReport(replace(found.overall, votes=found.overall.votes // 2), apart)


def place_of(project: Project, judge: Labeler) -> PositionBias | None:
    """Whether the judge follows the place; None where it was never asked in both orders."""
    both = judged.in_both_orders(project, judge.id)
    if not both:
        return None
    prompts = np.array([each.prompt_id for each in both])
    forward = np.array([side(each.forward) for each in both])
    return position_bias(prompts, forward, np.array([side(1 - each.backward) for each in both]))


def every(project: Project, *, resamples: int = 1000) -> list[JudgeFigures]:
    """Of each judge that ranked anything."""
    judges = [who for who in labelers.listed(project) if who.kind == "judge"]
    found = (figures(project, who, resamples=resamples) for who in judges)
    return [each for each in found if each.people is not None or each.place is not None]


def _ranked(project: Project, judge: Labeler) -> Iterator[Row]:
    """Of each pair of completions that a person and the judge both ordered or tied."""
    people = {who.id for who in labelers.listed(project) if who.kind == "person"}
    said: dict[int, dict[int, list[float]]] = defaultdict(dict)
    for group, who, rank, flag in judgements.shared(project, people_only=False):
        if who in people or who == judge.id:
            number = np.nan if flag else np.inf if rank is None else float(rank)
            said[group].setdefault(who, []).append(number)
    prompt_of = judged.prompts_of_groups(project)
    for group, found in said.items():
        own = found.pop(judge.id, None)
        for theirs in found.values() if own is not None else ():
            for one, two in combinations(range(len(own or ())), 2):
                person, other = _outcome(theirs[one], theirs[two]), _outcome(own[one], own[two])  # type: ignore[index]
                if person is not None and other is not None:
                    yield prompt_of[group], person, other


def _outcome(one: float, two: float) -> float | None:
    """What the first of two ranks gets; None where they have no order, flagged or both unranked."""
    if np.isnan(one) or np.isnan(two) or (np.isinf(one) and np.isinf(two)):
        return None
    return side(0.5 + float(np.sign(two - one)))


def _tags(project: Project) -> dict[int, Set[str]]:
    prompt_of = judged.prompts_of_groups(project)
    return {prompt_of[group]: found for group, found in groups.tags(project).items()}
