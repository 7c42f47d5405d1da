"""How many more labels help: accuracy against the number of labeled prompts, and where the curve leads.

A run with the option `curve` also trains on a part of its prompts. Between those points and the whole, accuracy is
taken to approach a ceiling a as a - b / sqrt(n): errors fall with a power of the data (Hestness et al. 2017,
arXiv 1712.00409), and four points cannot tell the power, so it is set to the 1/2 of an estimate's own noise.
"""

from dataclasses import dataclass

import numpy as np

from core.config.training import TrainRewardJob
from core.preferences.interval import Interval
from core.preferences.statistics import bootstrap, share_interval, widened
from core.report import scores
from core.report.calibration import right
from core.report.scores import FIRST, Floats
from core.store import Project

#: How many times as many prompts the curve is led on to.
AHEAD = (2, 4)
#: A gain that is not worth the labels.
SMALL = 0.01


@dataclass(frozen=True)
class Point:
    """Accuracy of a model that learnt from so many prompts and pairs; for a forecast the pairs are extrapolated."""

    prompts: int
    pairs: int
    accuracy: Interval


@dataclass(frozen=True)
class Growth:
    measured: list[Point]
    forecast: list[Point]
    verdict: str


def growth(project: Project, job: TrainRewardJob, *, resamples: int) -> Growth:
    """The points of a run and their continuation; only one point if it was trained without the option `curve`."""
    models = [item for item in job.result.models if item.model == FIRST or item.model.startswith("curve")]
    models.sort(key=lambda item: item.prompts)
    found = [(item, scores.compared(project, job, models=(item.model,))) for item in models]
    found = [(item, pairs) for item, pairs in found if len(pairs)]
    if not found:
        return Growth([], [], "")
    units, _ = np.unique(found[-1][1].prompt_ids, return_inverse=True)
    sums = []
    for _, pairs in found:
        place = np.searchsorted(units, pairs.prompt_ids)
        correct = np.bincount(place, right(pairs.difference), len(units))
        sums.append(np.stack([correct, np.bincount(place, minlength=len(units))], axis=1))
    measured = [
        Point(item.prompts, item.pairs, share_interval(table.astype(float), resamples=resamples))
        for (item, _), table in zip(found, sums, strict=True)
    ]
    if len(measured) < 3:
        return Growth(measured, [], "")
    sizes = np.array([point.prompts for point in measured], dtype=float)
    table = np.concatenate(sums, axis=1).astype(float)  # (units, 2 * points)
    each = measured[-1].pairs / measured[-1].prompts
    forecast = []
    for times in AHEAD:
        n = int(sizes[-1] * times)

        def led_on(total: Floats, n: int = n) -> float | None:
            correct, count = total[0::2], total[1::2]
            return extrapolate(sizes, correct / count, n) if (count > 0).all() else None

        forecast.append(Point(n, round(n * each), widened(bootstrap(table, led_on, resamples=resamples))))

    def gain(total: Floats) -> float | None:
        correct, count = total[0::2], total[1::2]
        if not (count > 0).all():
            return None
        now, later = (extrapolate(sizes, correct / count, n) for n in (float(sizes[-1]), float(forecast[0].prompts)))
        return later - now

    found_gain = widened(bootstrap(table, gain, resamples=resamples), -1.0, 1.0)
    return Growth(measured, forecast, _verdict(measured[-1], forecast[0], found_gain))


def extrapolate(sizes: Floats, accuracy: Floats, n: float) -> float:
    """a - b / sqrt(n) by least squares with b not negative, and a at most 1."""
    x = 1 / np.sqrt(sizes)
    b = -float(((x - x.mean()) * (accuracy - accuracy.mean())).sum() / ((x - x.mean()) ** 2).sum())
    b = max(b, 0.0)
    a = float(accuracy.mean() + b * x.mean())
    return min(1.0, a - b / np.sqrt(n))


def _verdict(now: Point, later: Point, gain: Interval) -> str:
    """What twice the labels would bring, as the fitted curve has it."""
    if gain.value is None or gain.low is None or gain.high is None:
        return ""
    more = f"With {later.prompts} labeled prompts instead of {now.prompts}"
    if gain.high < SMALL:
        return f"{more}, accuracy would hardly rise: other labels than these would help more."
    points = f"{100 * gain.value:.0f} points ({100 * gain.low:.0f} to {100 * gain.high:.0f})"
    if gain.low <= 0:
        return f"{more}, accuracy would rise by about {points}: too few prompts to tell."
    return f"{more}, accuracy would rise by about {points}."
