"""Plain words about a run's curves: what looks wrong, its likely cause, and what to do. No torch.

`series` is as `core.jobs.queue.metrics` gives it: for each metric its (step, value) pairs, oldest first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.config.metrics import MOST_MISMATCH
from core.config.training import ALGORITHMS, TrainPolicyConfig

Points = list[tuple[int, float]]
Series = Mapping[str, Points]

#: Steps whose mean counts as what a curve is now, and as what it was at first.
NOW, FIRST = 5, 3
#: Fewest steps before anything is said: the first ones are noise.
FEWEST = 8
#: A reward, beta log pi/ref, at which the sigmoid of KTO's loss is less than half as steep as at 0.
FAR_BELOW = -2.0
#: Share of completions that end below which hardly any does, and by how much it rises where ending is learnt.
FEW_END, MORE_END = 0.2, 0.2


@dataclass(frozen=True)
class Advice:
    """`metric` names the chart that it belongs to."""

    metric: str
    text: str


def advice(series: Series, config: TrainPolicyConfig) -> list[Advice]:
    """Everything that there is to say about a run; `config` is what it was told."""
    return [
        Advice(metric, text)
        for metric, rule in RULES
        if len(series.get(metric, ())) >= FEWEST and (text := rule(series, config))
    ]


def now(points: Points) -> float:
    return mean(points[-NOW:])


def first(points: Points) -> float:
    return mean(points[:FIRST])


def mean(points: Points) -> float:
    return sum(value for _, value in points) / len(points)


def smoothed(points: Points) -> Points:
    """Each step's mean with the ones before it, `NOW` together."""
    values = [value for _, value in points]
    windows = (values[max(0, end - NOW) : end] for end in range(1, len(values) + 1))
    return [(step, sum(window) / len(window)) for (step, _), window in zip(points, windows, strict=True)]


def gold_peak(series: Series) -> int | None:
    """The step at which the smoothed gold reward was highest, once it has clearly come down from there; else None.

    Past it the policy gains score and loses what the score stands for (Gao et al. 2022, arXiv 2210.10760).
    """
    points = series.get("objective/gold", [])
    if len(points) < FEWEST:
        return None
    means = smoothed(points)[NOW - 1 :]
    step, highest = max(means, key=lambda point: point[1])
    rest = [value for at, value in points if at > step - NOW]
    centre = sum(rest) / len(rest)
    noise = (sum((value - centre) ** 2 for value in rest) / len(rest) / NOW) ** 0.5
    return step if means[-1][1] < highest - 1.5 * noise and step < means[-1][0] - 2 else None


def _over_optimised(series: Series, config: TrainPolicyConfig) -> str:
    step = gold_peak(series)
    if step is None:
        return ""
    scores = smoothed(_before_the_penalty(series, config))
    if scores[-1][1] <= dict(scores).get(step, scores[0][1]):
        return ""
    return (
        f"The reward still rises, but the gold reward falls since step {step}: the policy has found what the reward "
        "model overrates. Stop here or raise the KL coefficient; the checkpoint nearest to that step is the better one."
    )


def _before_the_penalty(series: Series, config: TrainPolicyConfig) -> Points:
    """The mean scores, of which a part only rises because more completions end, without that part."""
    penalty = config.missing_end_penalty if config.missing_end == "subtract" else 0.0
    ended = dict(series.get("completions/eos_rate", ()))
    return [(step, value + penalty * (1 - ended.get(step, 1.0))) for step, value in series["objective/scores"]]


def _negative_kl(series: Series, config: TrainPolicyConfig) -> str:
    value = now(series["objective/kl"])
    if value > -0.5:
        return ""
    return (
        f"KL is negative ({value:.1f}). Likely cause: completions are not drawn from the distribution that is scored, "
        "as when top-k sampling is on; or there are few completions in a step."
    )


def _mismatch(series: Series, config: TrainPolicyConfig) -> str:
    value = now(series["sampling/sampling_logp_difference/mean"])
    return mismatched(value) if value > MOST_MISMATCH else ""


def mismatched(value: float) -> str:
    """What to do where sampler and trainer are so many nats a token apart."""
    return (
        f"What drew the completions and what learns from them differ by {value:.2f} nats a token: the policy learns "
        "from tokens that it would not have drawn so. Compute in float32, or start with PLUMBLINE_FAST=0 to see "
        "whether a speed-up is to blame."
    )


def _kl_over_target(series: Series, config: TrainPolicyConfig) -> str:
    value, target = now(series["objective/kl"]), config.kl_target
    if not target or value < 2 * target:
        return ""
    return (
        f"KL is {value:.1f} nats, more than twice its target of {target:g}: the coefficient does not follow fast "
        "enough. Raise it by hand, or lower the learning rate."
    )


def _entropy(series: Series, config: TrainPolicyConfig) -> str:
    points = series["objective/entropy"]
    if first(points) <= 0 or now(points) > 0.4 * first(points):
        return ""
    return (
        f"Entropy has fallen to {now(points) / first(points):.0%} of what it was: the policy says the same again and "
        "again. Raise the KL coefficient or lower the learning rate, and read the samples."
    )


def _length(series: Series, config: TrainPolicyConfig) -> str:
    points = series["completions/mean_length"]
    if now(points) > 1.5 * first(points):
        return (
            f"Completions have grown from {first(points):.0f} to {now(points):.0f} tokens. Likely cause: the reward "
            "likes length; look at the reward model's report, or add a rule such as -0.01*length."
        )
    ended = series.get("completions/eos_rate", [])
    learns_to_end = bool(ended) and now(ended) > first(ended) + MORE_END  # which makes them shorter, as it should
    if now(points) < (0.25 if learns_to_end else 0.5) * first(points):
        penalty = ", or the missing-end penalty is high" if config.minds_the_end else ""
        return (
            f"Completions have shrunk from {first(points):.0f} to {now(points):.0f} tokens. Likely cause: each token "
            f"pays for KL, so short ones are cheaper, or the reward likes them short{penalty}."
        )
    return ""


def _ends(series: Series, config: TrainPolicyConfig) -> str:
    points = series["completions/eos_rate"]
    penalty = config.missing_end in ("subtract", "replace") and config.missing_end_penalty > 0
    what = "raise the missing-end penalty" if penalty else "set a missing-end penalty"
    if first(points) >= FEW_END and now(points) <= 0.5 * first(points):
        return (
            f"Fewer completions end by themselves ({first(points):.0%} at first, {now(points):.0%} now): they are cut "
            f"off at the length limit. Begin a new run and {what}."
        )
    if config.minds_the_end and len(points) >= 3 * NOW and now(points) < FEW_END:
        return (
            f"Hardly any completion ends by itself ({now(points):.0%}): they are cut off at {config.max_new_tokens} "
            f"tokens. Begin a new run and raise the length limit, or {what}."
        )
    return ""


def _spread(series: Series, config: TrainPolicyConfig) -> str:
    if now(series["objective/score_std"]) > 0.02:
        return ""
    return "All completions of a step have nearly the same reward: there is nothing left to learn from."


def _clipped(series: Series, config: TrainPolicyConfig) -> str:
    value = now(series["policy/clipfrac_avg"])
    return (
        f"{value:.0%} of the tokens are clipped: the policy moves too far on one batch. Lower the learning rate or "
        "take fewer epochs."
        if value > 0.3
        else ""
    )


def _explained(series: Series, config: TrainPolicyConfig) -> str:
    if len(series["val/explained_variance"]) < 3 * NOW or now(series["val/explained_variance"]) > -0.1:
        return ""
    without = ", ".join(each.title for each in ALGORITHMS.values() if not each.config.CRITIC and not each.offline)
    return (
        "The value function predicts the returns worse than their mean would: advantages are noisier than they need "
        f"be. Change its learning rate or the value model, or use an algorithm without a critic ({without})."
    )


def _flat_groups(series: Series, config: TrainPolicyConfig) -> str:
    value = now(series["frac_reward_zero_std"])
    return (
        f"{value:.0%} of the prompts give completions of equal reward, which teach nothing: raise the completions of a "
        "prompt or the temperature."
        if value > 0.5
        else ""
    )


def _refused(series: Series, config: TrainPolicyConfig) -> str:
    moved = any(value for _, value in series["policy/step_size"][-NOW:])
    if moved or not any(value for _, value in series.get("grad_norm", [(0, 1.0)])[-NOW:]):
        return ""
    return "No step was accepted lately: the trust region is too small for the noise. Raise trust_kl or the batch size."


def _pushed_down(series: Series, config: TrainPolicyConfig) -> str:
    """KTO's loss is flat far below its reference point, on both sides, and what is there stays (see its equation 7)."""
    value, point = now(series["rewards/chosen"]), series.get("kl", ())
    if not point or now(point) > 0 or value > FAR_BELOW:
        return ""
    return (
        f"The reward of good answers has fallen to {value:.1f} while the reference point is 0: they have become as "
        "unlikely as the bad ones, and little gradient is left to bring them back. Lower the learning rate and begin a "
        "new run."
    )


Rule = Callable[[Series, TrainPolicyConfig], str]
RULES: tuple[tuple[str, Rule], ...] = (
    ("objective/scores", _over_optimised),
    ("objective/kl", _negative_kl),
    ("objective/kl", _kl_over_target),
    ("sampling/sampling_logp_difference/mean", _mismatch),
    ("objective/entropy", _entropy),
    ("completions/mean_length", _length),
    ("completions/eos_rate", _ends),
    ("objective/score_std", _spread),
    ("policy/clipfrac_avg", _clipped),
    ("val/explained_variance", _explained),
    ("frac_reward_zero_std", _flat_groups),
    ("policy/step_size", _refused),
    ("rewards/chosen", _pushed_down),
)
