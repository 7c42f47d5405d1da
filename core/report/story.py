"""An experiment in plain words, for somebody who was not there: one paragraph, four numbers, and what to beware of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.preferences.interval import Interval
from core.report import export
from core.report.experiment import Data, Experiment
from core.report.outcomes import Change, Measured, Outcome

NO_PROMPTS = "There are no prompts yet."
NO_RANKINGS = "Nothing is ranked yet."
NO_GUIDELINES = "No guidelines are written yet."
NO_REWARD = "No reward model is trained yet."
NO_RUNS = "No policy is tuned yet."
NO_ANSWERS = (
    "No answers before and after are measured yet: tune with held-out prompts to evaluate, or compare the policy with "
    "the reference."
)
NO_VOTES = "Nobody voted in the arena yet."
NO_AGREEMENT = "No prompt is ranked by two labelers yet, so nobody can say whether they agree."


@dataclass(frozen=True)
class Tile:
    """A large number, what it counts, and what to hold it against."""

    value: str
    what: str
    beside: str = ""


def lead(found: Experiment) -> str:
    """What was done and what came of it."""
    return " ".join(sentence for sentence in (_ranked(found.data), _learnt(found), _tuned(found)) if sentence)


def tiles(found: Experiment) -> list[Tile]:
    return [_pairs(found.data), _accuracy(found), *_gains(found.leading)]


def cautions(found: Experiment) -> list[str]:
    """What a reader must not overlook."""
    return [text for text in _cautions(found) if text]


def day(stored: str) -> str:
    """`26 November 2026` on this machine's clock, from UTC in ISO 8601; what is no time is given as it is."""
    try:
        at = datetime.fromisoformat(stored).astimezone()
    except (ValueError, OverflowError):
        return stored
    return f"{at.day} {at:%B} {at.year}"


def number(count: int, noun: str) -> str:
    """`1 pair`, `1,056 pairs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def labelers(data: Data) -> str:
    """`2 people and one simulated labeler`."""
    kinds: list[str] = [who.kind for who, _ in data.labelers]
    said = []
    for kind, one, many in (
        ("person", "one person", "people"), ("scripted", "one simulated labeler", "simulated labelers"),
        ("judge", "one judge", "judges"),
    ):  # fmt: skip
        if count := kinds.count(kind):
            said.append(one if count == 1 else f"{count:,} {many}")
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))


def sure(change: Interval) -> bool:
    """Does the interval leave no doubt that there is a difference?"""
    return change.low is not None and change.high is not None and (change.low > 0 or change.high < 0)


def headline(measured: Measured | None) -> tuple[str, Change] | None:
    """The reward by which a run is told: the one that it learnt from, else the gold reward."""
    if measured is None:
        return None
    if measured.reward is not None:
        return "reward", measured.reward
    return ("gold reward", measured.gold) if measured.gold is not None else None


def _ranked(data: Data) -> str:
    if not data.prompts:
        return NO_PROMPTS
    if not data.counts.rankings:
        return f"{NO_RANKINGS} Prompts so far: {data.prompts:,}."
    who = labelers(data)
    return (
        f"{who[:1].upper()}{who[1:]} ranked the answers to {number(data.counts.ranked_prompts, 'prompt')} from best to "
        f"worst, which gave {number(data.counts.pairs, 'pair')} of a better and a worse one."
    )


def _learnt(found: Experiment) -> str:
    report = found.report
    if report is None:
        return NO_REWARD if found.data.counts.rankings else ""
    if report.accuracy.value is None:
        return f"A reward model learnt to score answers from {_these(found)}; no held-out prompt is ranked to test it."
    return (
        f"A reward model learnt from {_these(found)} to score answers; on prompts that it had not seen it put "
        f"{report.accuracy.value:.0%} of the pairs in the labelers' order, where chance would be 50%."
    )


def _these(found: Experiment) -> str:
    """`these pairs`, or how many of them the model learnt from; pairs may have come or gone since."""
    learnt = next(
        (each.pairs for each in found.reward_models if found.report and each.job_id == found.report.job_id), None
    )
    if learnt is None or learnt == found.data.counts.pairs:
        return "these pairs"
    return f"{learnt:,} of these pairs" if learnt < found.data.counts.pairs else number(learnt, "pair")


def _tuned(found: Experiment) -> str:
    run = found.leading
    if run is None:
        return NO_RUNS if found.report else ""
    start = f"{found.model} was then tuned with {run.algorithm}"
    best = run.best_known
    known = headline(best)
    if best is None or known is None or known[1].gain.value is None:
        return f"{start}; what that brought on held-out prompts is not measured."
    what, change = known
    gain = float(change.gain.value or 0.0)
    if not sure(change.gain):
        return f"{start}: on {number(best.prompts, 'held-out prompt')} no gain in {what} can be told from chance."
    way = "higher" if gain > 0 else "lower"
    return (
        f"{start}: on {number(best.prompts, 'prompt')} that it was not tuned on, its answers got a {what} that was "
        f"{abs(gain):.2f} {way} than before."
    )


def _pairs(data: Data) -> Tile:
    if not data.counts.rankings:
        return Tile("0", "ranked prompts", f"of {data.prompts:,}")
    return Tile(
        f"{data.counts.pairs:,}",
        f"preference pairs from {number(data.counts.ranked_prompts, 'ranked prompt')}",
        f"by {labelers(data)}",
    )


def _accuracy(found: Experiment) -> Tile:
    if found.report is None:
        return Tile("–", "of unseen pairs ordered rightly", "no reward model yet")
    value = found.report.accuracy
    return Tile(
        "–" if value.value is None else f"{value.value:.0%}",
        "of unseen pairs in the labelers' order",
        f"{between(value, '{:.0%}')}chance is 50%",
    )


def _gains(run: Outcome | None) -> Iterator[Tile]:
    best = run.best_known if run else None
    known = headline(best)
    if best is None or known is None:
        yield Tile("–", "gain on held-out prompts", "not measured yet" if run else "no policy tuned yet")
    else:
        what, change = known
        yield Tile(
            export.interval(Interval(change.gain.value), "{:+.2f}"),
            f"{what} on held-out prompts",
            f"{between(change.gain, '{:+.2f}')}from {change.before.value:.2f} to {change.after.value:.2f}",
        )
    if best is None:
        return
    if best.wins.value is not None:
        share = f"{best.wins.value:.0%}"
        yield Tile(share, "of tuned answers score above the original's", f"{between(best.wins, '{:.0%}')}even is 50%")
    elif best.kl.value is not None:
        yield Tile(f"{best.kl.value:.1f}", "nats from the original model (KL)", "0 is the same")


def between(found: Interval, form: str) -> str:
    """`62% to 71%; ` or nothing."""
    return "" if found.low is None or found.high is None else f"{form.format(found.low)} to {form.format(found.high)}; "


def _cautions(found: Experiment) -> Iterator[str]:
    counts = found.data.counts
    if counts.scripted and counts.scripted == counts.rankings:
        yield "No person ranked anything here: every ranking is a simulated labeler's, which follows a rule."
    elif counts.scripted:
        yield f"{counts.scripted:,} of {counts.rankings:,} rankings are a simulated labeler's."
    if counts.rankings and not found.agreed.overall.groups:
        yield NO_AGREEMENT
    if found.report is not None:
        yield from export.warnings(found.report)
    run = found.leading
    if run is None:
        return
    if best := run.best_known:
        gains = [float(each.gain.value or 0.0) for each in (best.reward, best.gold) if each is not None]
        if len(gains) == 2 and gains[0] > 0 > gains[1]:
            yield "The reward rose while the gold reward fell: the policy has found what the reward model overrates."
    yield from run.remarks
