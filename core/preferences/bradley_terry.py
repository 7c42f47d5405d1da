"""A table of policies from votes on pairs of them (Bradley and Terry 1952, Biometrika 39).

P(i wins over j) = sigmoid(theta_i - theta_j), as Chatbot Arena fits it (Chiang et al. 2024, arXiv 2403.04132), and a
tie is half a win. Davidson (1970, JASA 65) models ties with a parameter of their own; its strengths then say how often
a policy wins where there is no tie. Half a win was chosen because the difference of two policies then reads as the win
rate that is told everywhere else, and is just that where there are only two of them.

Each policy ties once with a virtual opponent of average strength (see `logistic`), so that a policy that won all its
votes has a finite place. The price: with few votes all policies stand a little closer together than the votes say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

from core.preferences import logistic
from core.preferences.interval import NOTHING, Interval, Z
from core.preferences.statistics import bundle_of, draws, expanded_tails
from core.preferences.votes import Floats, Votes

Bools = NDArray[np.bool_]
#: Elo's scale, as Chatbot Arena shows it: a policy that is 400 points ahead wins 10 times for each time it loses.
POINTS_PER_LOG_ODDS = 400 / log(10)
#: What a table's reference has.
REFERENCE_POINTS = 1000.0
#: Two policies that fewer than this share of the resamples connect hang together by one or two prompts.
THIN = 0.95


@dataclass(frozen=True)
class BradleyTerry:
    """`strengths` is (K,), in natural logarithms of odds; `low` and `high` are (K, K), the ends of the intervals of the
    differences of the row's policy to the column's, nan where votes do not connect the two. `information` is Fisher's,
    (K, K). `components` are the policies that votes connect, those with the most votes first; `prompts` is how many
    there are votes on."""

    strengths: Floats
    low: Floats
    high: Floats
    information: Floats
    components: tuple[tuple[int, ...], ...]
    prompts: int

    def difference(self, one: int, two: int) -> Interval:
        """How much stronger `one` is, in natural logarithms of odds; no value where votes do not connect the two."""
        if not any(one in found and two in found for found in self.components):
            return NOTHING
        ends = [float(end[one, two]) for end in (self.low, self.high)]
        low, high = (None if np.isnan(end) else end for end in ends)
        return Interval(float(self.strengths[one] - self.strengths[two]), low, high, self.prompts)

    def win_probability(self, one: int, two: int) -> Interval:
        """Of `one` over `two`, a tie as half."""
        return _each(self.difference(one, two), lambda x: float(logistic.sigmoid(np.array(x))))

    def points(self, policy: int, reference: int) -> Interval:
        """Elo's points, of which `reference` has `REFERENCE_POINTS`; the interval is that of the difference."""
        return _each(self.difference(policy, reference), lambda x: REFERENCE_POINTS + POINTS_PER_LOG_ODDS * x)

    def lacks(self, names: Sequence[str]) -> list[str]:
        """Sentences about the policies that have no place beside the others, (K,) names."""
        if len(self.components) < 2:
            return []
        first, *rest = ([names[policy] for policy in members] for members in self.components)
        if len(first) == 1:
            return ["No two policies were compared yet: vote on answers of two of them."]
        alone = [name for members in rest if len(members) == 1 for name in members]
        found = [
            f"{listed(members)} were compared with each other only: a vote on one of them and one of {listed(first)} "
            "would give them a place beside these."
            for members in rest
            if len(members) > 1
        ]
        if alone:
            found.append(
                f"{listed(alone)} {'was' if len(alone) == 1 else 'were'} never compared with another policy: a vote on "
                f"{'its' if len(alone) == 1 else 'their'} answers would give {'it' if len(alone) == 1 else 'them'} a "
                "place."
            )
        return found


@dataclass(frozen=True)
class _Tally:
    """Votes by unit of the bootstrap and by pair that was voted on: `count`, `won` and `squared` are (units, pairs),
    `prompts` how many each pair was voted on with, (pairs,), and `design` is (pairs, K)."""

    design: Floats
    ends: tuple[NDArray[np.int64], NDArray[np.int64]]
    count: Floats
    won: Floats
    squared: Floats
    prompts: Floats


def _tally(votes: Votes, policies: int) -> _Tally:
    ahead = votes.first < votes.second
    number = np.minimum(votes.first, votes.second) * policies + np.maximum(votes.first, votes.second)
    numbers, pair = np.unique(number, return_inverse=True)
    pairs, pair = len(numbers), pair.reshape(-1)
    ones, twos = np.divmod(numbers, policies)
    design = np.zeros((pairs, policies))
    design[np.arange(pairs), ones], design[np.arange(pairs), twos] = 1.0, -1.0
    unit = bundle_of(votes.prompts)
    units = int(unit.max(initial=-1)) + 1

    def sums(column: Floats) -> Floats:
        return np.bincount(unit * pairs + pair, column, units * pairs).reshape(units, pairs).astype(float)

    won = np.where(ahead, votes.won, 1 - votes.won)
    places = np.unique(np.stack([pair, votes.prompts]), axis=1)[0]
    return _Tally(
        design, (ones, twos), sums(np.ones(len(votes))), sums(won), sums(won**2),
        np.bincount(places, minlength=pairs).astype(float),
    )  # fmt: skip


def bradley_terry(votes: Votes, policies: int, *, resamples: int = 1000, seed: int = 0) -> BradleyTerry:
    """The table of so many policies, with bootstraps over prompts.

    An interval is never narrower than Wald's of independent votes: a few votes drawn again show too little spread, and
    those that all say the same show none. Where a difference rests on the virtual ties (no vote between the two, direct
    or through others, ever went the other way) or on one or two prompts, each prompt counts once in Wald's. Resamples
    that do not connect two policies say nothing of them. Of votes on a single prompt, or with less than two resamples,
    there are no intervals. Raises `ValueError` for a vote on a policy beyond their number.
    """
    if max(votes.first.max(initial=0), votes.second.max(initial=0)) >= policies:
        raise ValueError("A vote is on a policy beyond their number.")
    tally = _tally(votes, policies)
    count, won, squared = (sums.sum(axis=0) for sums in (tally.count, tally.won, tally.squared))
    theta = logistic.fit(tally.design, count[None], won[None])[0]
    connected = reach(_graph(tally, count, policies))
    low = high = np.full((policies, policies), np.nan)
    if len(tally.count) > 1 and resamples > 1:
        drawn = draws(len(tally.count), resamples=resamples, seed=seed)
        again = logistic.fit(tally.design, drawn @ tally.count, drawn @ tally.won, theta)
        linked = reach(_graph(tally, drawn @ tally.count, policies))
        low, high, share = _percentiles(again, linked, expanded_tails(len(tally.count)))
        beaten = reach(_graph(tally, won, policies, count - won))
        sure = beaten & beaten.T & (share >= THIN)
        once = tally.prompts / count
        wide = np.where(
            sure,
            _half_widths(tally.design, count, won, squared, theta),
            _half_widths(tally.design, tally.prompts, won * once, squared * once, theta),
        )
        value = theta[:, None] - theta
        low, high = np.fmin(low, value - wide), np.fmax(high, value + wide)
        low[~connected] = high[~connected] = np.nan
    info = logistic.information(tally.design, count[None], theta[None])[0]
    prompts = len(np.unique(votes.prompts))
    return BradleyTerry(theta, low, high, info, _components(connected, np.abs(tally.design).T @ count), prompts)


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _half_widths(design: Floats, votes: Floats, won: Floats, squared: Floats, theta: Floats) -> Floats:
    """Of Wald's intervals of all differences, (K, K)."""
    found = logistic.covariance(design, votes, won, squared, theta)
    variance = np.diag(found)
    return Z * np.sqrt(np.maximum(variance[:, None] + variance - 2 * found, 0))


def _percentiles(again: Floats, linked: Bools, tails: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """The ends of the bootstrap's intervals of all differences and the share of resamples that connect each two,
    (K, K), from the strengths in each, (R, K)."""
    one, two = np.triu_indices(again.shape[1], k=1)
    low, high = np.zeros((2, again.shape[1], again.shape[1]))
    counts = linked[:, one, two]
    counts |= ~counts.any(axis=0)  # what no resample connects, nobody asks for
    differences = np.where(counts, again[:, one] - again[:, two], np.nan)
    low[one, two], high[one, two] = np.nanpercentile(differences, tails, axis=0)
    low[two, one], high[two, one] = -high[one, two], -low[one, two]
    return low, high, linked.mean(axis=0)


def _graph(tally: _Tally, forth: Floats, policies: int, back: Floats | None = None) -> Bools:
    """Which policies have an edge, (..., K, K), from what each pair has in either direction, (..., pairs)."""
    one, two = tally.ends
    found = np.zeros((*forth.shape[:-1], policies, policies), dtype=bool)
    found[..., one, two], found[..., two, one] = forth > 0, (forth if back is None else back) > 0
    return found


def reach(edges: Bools) -> Bools:
    """From which node a way leads to which, (..., K, K); from each to itself."""
    nodes = edges.shape[-1]
    found = edges | np.eye(nodes, dtype=bool)
    for _ in range(ceil(log2(max(nodes, 2)))):
        found = (found.astype(np.float32) @ found.astype(np.float32)) > 0
    return found


def _components(connected: Bools, votes: Floats) -> tuple[tuple[int, ...], ...]:
    found = {tuple(np.flatnonzero(row).tolist()) for row in connected}
    return tuple(sorted(found, key=lambda members: (-votes[list(members)].sum(), members)))


def _each(found: Interval, scale: Callable[[float], float]) -> Interval:
    """The interval on another scale, which grows with the first."""
    value, low, high = (None if end is None else scale(end) for end in (found.value, found.low, found.high))
    return Interval(value, low, high, found.n)
