"""The report on a reward model: what it gets right on prompts that it was not trained on, and what it gets wrong.

It is made from stored scores and today's rankings, so that it costs no model and follows later labels. Intervals are
percentile bootstraps over prompts, because the pairs of a prompt are not independent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from core.config.training import TrainRewardJob
from core.jobs import queue
from core.preferences.interval import NOTHING, Interval
from core.preferences.statistics import bootstrap_rows, share_interval, shares, sums_by
from core.report import calibration, scores
from core.report.basis import Basis, basis
from core.report.calibration import Bin, Floor
from core.report.growth import Growth, growth
from core.report.length import Length, length, share_of_pairs
from core.report.scores import Compared, Floats
from core.runs import early_stopping
from core.store import Project, completions, labelers, prompts

WORST = 12
#: Tags, and labelers, of most data that are measured apart: each takes a bootstrap of its own.
SLICES = 100
#: A model whose raw scores differ by less than this in the mean says nothing.
COLLAPSED = 1e-3
#: A labeler whom somebody deleted with another program.
NOBODY = "nobody that is known"


@dataclass(frozen=True)
class Slice:
    """Accuracy on a part of the held-out pairs."""

    name: str
    accuracy: Interval
    pairs: int


@dataclass(frozen=True)
class Mistake:
    """A pair that the model orders the other way, with the probability that it gives to the labeler's choice.
    `chosen_by` and `rejected_by` are the names of whoever wrote an answer by hand."""

    prompt: str
    chosen: str
    rejected: str
    probability: float
    labeler: str
    gap: int
    chosen_by: str = ""
    rejected_by: str = ""


@dataclass(frozen=True)
class RewardReport:
    """`stopped` says after how many steps, if it was before the last one; `missing` which held-out prompts it is not
    measured on, and why."""

    job_id: int
    stopped: str
    prompts: int
    pairs: int
    accuracy: Interval
    top: Interval
    log_loss: Interval
    brier: float | None
    calibration_error: float | None
    temperature: float | None
    log_loss_scaled: float | None
    bins: list[Bin]
    chosen: list[float]
    rejected: list[float]
    collapsed: bool
    by_distance: list[Slice]
    by_labeler: list[Slice]
    by_tag: list[Slice]
    by_length: list[Slice]
    by_criterion: list[Slice]
    by_member: list[Slice]
    disagreement: float | None
    length: Length
    growth: Growth
    mistakes: list[Mistake]
    calibration_floor: Floor | None = None
    missing: str = ""
    basis: Basis = field(default_factory=Basis)

    @property
    def calibration(self) -> str:
        """Whether the calibration error is more than noise; empty where there is none."""
        if self.calibration_error is None or self.calibration_floor is None:
            return ""
        return self.calibration_floor.sentence(self.calibration_error)


def measure(project: Project, job_id: int, *, resamples: int = 1000) -> RewardReport:
    """Everything about one `train-reward` run. Raises `BadInput` if it is none or has nothing to use."""
    job = queue.run_of(project, job_id, TrainRewardJob, unfinished=True)
    found = scores.compared(project, job)
    prompts_measured = len(np.unique(found.prompt_ids))

    def accuracy(part: Compared) -> Interval:
        return share_of_pairs(part, calibration.right(part.difference), resamples)

    bins = calibration.reliability(found.difference)
    heat = calibration.temperature(found.difference)
    return RewardReport(
        job_id=job.id,
        stopped=early_stopping.sentence(job),
        prompts=prompts_measured,
        pairs=len(found),
        accuracy=accuracy(found),
        top=_top(found, resamples),
        log_loss=_over_prompts(found, calibration.log_loss(found.difference), resamples),
        brier=float(((1 - calibration.sigmoid(found.difference)) ** 2).mean()) if len(found) else None,
        calibration_error=calibration.calibration_error(bins),
        temperature=heat,
        log_loss_scaled=float(calibration.log_loss(found.difference / heat).mean()) if heat else None,
        bins=bins,
        chosen=found.chosen.tolist(),
        rejected=found.rejected.tolist(),
        collapsed=len(found) > 0 and float(np.abs(found.difference).mean()) < COLLAPSED,
        by_distance=_by_distance(found, accuracy),
        by_labeler=_by_labeler(project, found, accuracy),
        by_tag=_by_tag(project, found, accuracy),
        by_length=_by_length(found, accuracy),
        by_criterion=_by_criterion(project, job, accuracy),
        by_member=_by_member(project, job, accuracy),
        disagreement=float(found.spread.mean()) if len(scores.members(job)) > 1 and len(found) else None,
        length=length(project, job, found, resamples),
        growth=growth(project, job, resamples=resamples),
        mistakes=_mistakes(project, found),
        calibration_floor=calibration.noise_floor(
            found.difference, found.ranking_ids, found.chosen_ids, found.rejected_ids
        ),
        missing=scores.missing(project, job, prompts_measured),
        basis=basis(project, job, found),
    )


def _over_prompts(found: Compared, values: Floats, resamples: int) -> Interval:
    """The mean over pairs, with an interval over prompts."""
    if not len(found):
        return NOTHING
    return bootstrap_rows(sums_by(found.prompt_ids, values, np.ones(len(found))), shares, resamples=resamples)


def _top(found: Compared, resamples: int) -> Interval:
    """How often the completion that a labeler preferred to all others has the highest score of the ranking."""
    if not len(found):
        return NOTHING
    beaten: dict[int, set[int]] = {}
    best: dict[int, set[int]] = {}
    prompt_of: dict[int, int] = {}
    reward: dict[int, float] = {}
    for ranking, prompt, chosen, rejected, a, b in zip(
        found.ranking_ids, found.prompt_ids, found.chosen_ids, found.rejected_ids, found.chosen, found.rejected,
        strict=True,
    ):  # fmt: skip
        beaten.setdefault(int(ranking), set()).add(int(rejected))
        best.setdefault(int(ranking), set()).add(int(chosen))
        prompt_of[int(ranking)] = int(prompt)
        reward[int(chosen)], reward[int(rejected)] = float(a), float(b)
    rows = []
    for key, losers in beaten.items():
        winners = best[key] - losers
        highest = max(reward[item] for item in best[key] | losers)
        at_top = [item for item in best[key] | losers if reward[item] == highest]
        rows.append((prompt_of[key], sum(item in winners for item in at_top) / len(at_top)))
    prompts, hits = (np.array(values) for values in zip(*rows, strict=True))
    return share_interval(sums_by(prompts, hits, np.ones(len(hits))), resamples=resamples)


Accuracy = Callable[[Compared], Interval]


def _slice(name: str, found: Compared, mask: NDArray[np.bool_], accuracy: Accuracy) -> list[Slice]:
    part = found.only(mask)
    return [Slice(name, accuracy(part), len(part))] if len(part) else []


def _by_distance(found: Compared, accuracy: Accuracy) -> list[Slice]:
    last = 4
    rows = [
        item for gap in range(1, last)
        for item in _slice(f"{gap} rank{'s' if gap > 1 else ''} apart", found, found.gaps == gap, accuracy)
    ]  # fmt: skip
    return rows + _slice(f"{last} or more", found, found.gaps >= last, accuracy)


def _by_labeler(project: Project, found: Compared, accuracy: Accuracy) -> list[Slice]:
    names = {who.id: who.title for who in labelers.listed(project)}
    people, counts = np.unique(found.labeler_ids, return_counts=True)
    rows = [
        item for who in people[np.argsort(-counts, kind="stable")[:SLICES]]
        for item in _slice(names.get(int(who), NOBODY), found, found.labeler_ids == who, accuracy)
    ]  # fmt: skip
    return sorted(rows, key=lambda item: -item.pairs)


def _by_tag(project: Project, found: Compared, accuracy: Accuracy) -> list[Slice]:
    """Of the tags of most prompts."""
    compared = set(found.prompt_ids.tolist())
    tagged = {tag: compared & ids for tag, ids in prompts.by_tag(project).items()}
    most = nlargest(SLICES, tagged.items(), key=lambda item: len(item[1]))
    slices = [item for tag, ids in most for item in _slice(tag, found, np.isin(found.prompt_ids, list(ids)), accuracy)]
    return sorted(slices, key=lambda item: -item.pairs)


def _by_length(found: Compared, accuracy: Accuracy) -> list[Slice]:
    """Thirds of the difference in characters: the chosen one shorter, about as long, longer."""
    if not len(found):
        return []
    longer = found.longer
    third = np.quantile(np.abs(longer), 1 / 3)
    return [
        *_slice("chosen is shorter", found, longer < -third, accuracy),
        *_slice("about as long", found, np.abs(longer) <= third, accuracy),
        *_slice("chosen is longer", found, longer > third, accuracy),
    ]


def _by_criterion(project: Project, job: TrainRewardJob, accuracy: Accuracy) -> list[Slice]:
    rows = []
    for criterion in job.result.columns[1:]:
        found = scores.compared(project, job, criterion=criterion)
        rows += [Slice(criterion, accuracy(found), len(found))] if len(found) else []
    return rows


def _by_member(project: Project, job: TrainRewardJob, accuracy: Accuracy) -> list[Slice]:
    names = scores.members(job)
    if len(names) < 2:
        return []
    rows = []
    for number, name in enumerate(names, 1):
        found = scores.compared(project, job, models=(name,))
        rows.append(Slice(f"member {number}", accuracy(found), len(found)))
    return rows


def _mistakes(project: Project, found: Compared) -> list[Mistake]:
    names = {who.id: who.title for who in labelers.listed(project)}
    kept: list[Mistake] = []
    seen: set[tuple[int, int]] = set()
    writers = completions.writers_by_hand(project)
    for place in np.argsort(found.difference, kind="stable"):
        key = (int(found.chosen_ids[place]), int(found.rejected_ids[place]))
        if found.difference[place] >= 0 or len(kept) == WORST:
            break
        if key in seen:
            continue
        seen.add(key)
        texts = completions.texts(project, key)
        prompt = prompts.get(project, int(found.prompt_ids[place])).text
        probability = float(calibration.sigmoid(found.difference[place]))
        kept.append(
            Mistake(
                prompt, texts[key[0]], texts[key[1]], probability, names.get(int(found.labeler_ids[place]), NOBODY),
                int(found.gaps[place]), writers.get(key[0], ""), writers.get(key[1], ""),
            )
        )  # fmt: skip
    return kept
