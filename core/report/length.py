"""What length has to do with a reward model's scores: one verdict, from all held-out pairs.

Longer is longer in characters, as labelers see it and as the page on bias counts; the correlation is with tokens, which
the model reads.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.config.training import TrainRewardJob
from core.preferences.interval import NOTHING, Interval
from core.preferences.statistics import bootstrap, share_interval, sums_by, widened
from core.report import calibration
from core.report.scores import Compared, Floats
from core.store import Project, pairs

#: Trained pairs whose lengths are looked at.
TRAINED = 100_000
#: From so many points on, length is called out, if the interval leaves no doubt that there are any.
BIAS = 0.08
NOT_MEASURED = "There is nothing to measure a bias towards length on: no held-out pair differs in length."


@dataclass(frozen=True)
class Length:
    """`people` and `model`: how often the longer completion of a held-out pair is preferred, `everywhere` how often in
    all pairs of the project. `rule` is what follows from length alone, as the training pairs have it; `baseline` its
    accuracy on the held-out pairs, `gain` what the model's is above that; `correlation` that of reward and tokens
    within prompts (Singhal et al. 2023, arXiv 2310.03716); `per_token` what each token takes off the raw score. The
    verdict `warns` where the errors are `biased` or the gain may be none."""

    people: Interval
    model: Interval
    rule: str
    baseline: Interval
    correlation: float | None
    verdict: str
    biased: bool
    everywhere: float | None = None
    gain: Interval = NOTHING
    per_token: float | None = None
    warns: bool = False


def length(project: Project, job: TrainRewardJob, found: Compared, resamples: int) -> Length:
    rule, sign = _rule(project, job)
    per_token = next((each.per_token for each in job.result.models), None)
    correlation = _correlation(found)
    part = found.only(found.longer != 0)
    if not len(part):
        return Length(NOTHING, NOTHING, rule, NOTHING, correlation, NOT_MEASURED, False, per_token=per_token)
    people_longer = (part.longer > 0).astype(float)
    model_longer = calibration.right(part.difference * np.sign(part.longer))
    people, model = (share_of_pairs(part, values, resamples) for values in (people_longer, model_longer))
    excess = _by_prompt(
        _excess, part, model_longer, people_longer, calibration.right(part.difference), resamples=resamples
    )
    by_rule, by_model = calibration.right(sign * found.longer.astype(float)), calibration.right(found.difference)
    gain = _by_prompt(_gain, found, by_model, by_rule, resamples=resamples)
    counted = pairs.longer_chosen(project)
    everywhere = counted.longer / counted.pairs if counted.pairs else None
    biased = _sure(excess) and abs(_number(excess)) >= BIAS
    said = f"The model prefers the longer one in {_number(model):.0%} of the held-out pairs, the labelers in "
    said += f"{_number(people):.0%} of them" + ("" if everywhere is None else f" and in {everywhere:.0%} of all pairs")
    doubts = [_bias_said(model, excess)] if biased else []
    if not (_sure(gain) and _number(gain) > 0):
        doubts.append(_gain_said(rule, gain, float(by_rule.mean()), float(by_model.mean())))
    verdict = " ".join([f"{said}.", *doubts]) if doubts else f"{said}: no sign that its errors have to do with length."
    baseline = share_of_pairs(found, by_rule, resamples)
    return Length(
        people, model, rule, baseline, correlation, verdict, biased, everywhere, gain, per_token, bool(doubts)
    )


def _bias_said(model: Interval, excess: Interval) -> str:
    which = "longer" if _number(excess) > 0 else "shorter"
    return (
        f"With errors that are blind to length it would be {_number(model) - _number(excess):.0%}: its errors favour "
        f"{which} completions. Watch the length when a policy is tuned, or train with length correction."
    )


def _gain_said(rule: str, gain: Interval, baseline: float, accuracy: float) -> str:
    known = f"{baseline:.0%} of the pairs right, the model {accuracy:.0%}"
    if _number(gain) <= 0:
        return f"Taking always {rule} would do as well ({known}): the model may have learnt length alone."
    return f"The model is not clearly better than taking always {rule} ({known})."


def _by_prompt(
    statistic: Callable[[Floats], float | None], found: Compared, *columns: Floats, resamples: int
) -> Interval:
    """Of the sums of the columns and of the pairs, with an interval over prompts; between -1 and 1."""
    sums = sums_by(found.prompt_ids, *columns, np.ones(len(found)))
    return widened(bootstrap(sums, statistic, resamples=resamples), -1.0, 1.0)


def share_of_pairs(found: Compared, values: Floats, resamples: int) -> Interval:
    """The share of pairs, with an interval over prompts: that of a few prompts which all agree is not sure."""
    if not len(found):
        return NOTHING
    return share_interval(sums_by(found.prompt_ids, values, np.ones(len(found))), resamples=resamples)


def _rule(project: Project, job: TrainRewardJob) -> tuple[str, float]:
    """What the training pairs have more often, and the sign of the difference in length that it goes by."""
    known = pairs.lengths_trained(project, job.id, TRAINED)
    longer = sum(pair.chosen > pair.rejected for pair in known)
    shorter = sum(pair.chosen < pair.rejected for pair in known)
    return ("the longer one", 1.0) if longer >= shorter else ("the shorter one", -1.0)


def _number(found: Interval) -> float:
    return 0.0 if found.value is None else found.value


def _sure(found: Interval) -> bool:
    """Is it on one side of 0 for sure?"""
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)


def _excess(sums: Floats) -> float | None:
    """How much more often the model prefers the longer one than a model of its accuracy whose errors have nothing to do
    with length: with accuracy a and people's share p that is a p + (1 - a)(1 - p)."""
    model, people, accuracy = sums[:3] / sums[3]
    return float(model - (accuracy * people + (1 - accuracy) * (1 - people)))


def _gain(sums: Floats) -> float | None:
    """How much larger the first share is than the second."""
    return float((sums[0] - sums[1]) / sums[2])


def _correlation(found: Compared) -> float | None:
    """Pearson's r of reward and tokens, both less their means over the prompt's completions."""
    reward: dict[tuple[int, int], tuple[float, float]] = {}
    for prompt, a, b, ra, rb, ta, tb in zip(
        found.prompt_ids, found.chosen_ids, found.rejected_ids, found.chosen, found.rejected, found.chosen_tokens,
        found.rejected_tokens, strict=True,
    ):  # fmt: skip
        reward[int(prompt), int(a)], reward[int(prompt), int(b)] = (float(ra), float(ta)), (float(rb), float(tb))
    if len(reward) < 3:
        return None
    _, unit = np.unique([key[0] for key in reward], return_inverse=True)
    values = np.array(list(reward.values()))
    means = np.stack([np.bincount(unit, values[:, k]) / np.bincount(unit) for k in (0, 1)], axis=1)
    centred = values - means[unit]
    norm = np.sqrt((centred**2).sum(0)).prod()
    return float((centred[:, 0] * centred[:, 1]).sum() / norm) if norm else None
