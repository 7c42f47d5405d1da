"""What may be said of an arena, in sentences. Nothing is claimed that chance explains."""

from collections.abc import Sequence

from core.config.judging import bare
from core.preferences import power
from core.preferences.interval import Interval
from core.preferences.judge_agreement import JudgeAgreement
from core.report.arena_judges import Judge
from core.report.arena_material import Material, Voice
from core.report.arena_pairs import Pair, Table

#: A rate at equal lengths that is nearer than this to the one as voted says the same.
NEAR = 0.03


def told(found: Interval) -> str:
    """`64% (57% to 71%)`, or a dash."""
    if found.value is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.value:.0%}"
    return f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"


def points(found: Interval) -> str:
    """`1,120 (1,060 to 1,180)` of Elo's points, or a dash."""
    if found.value is None:
        return "–"
    if found.low is None or found.high is None or found.low == found.high:
        return f"{found.value:,.0f}"
    return f"{found.value:,.0f} ({found.low:,.0f} to {found.high:,.0f})"


def number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def verdict(pair: Pair, names: Sequence[str], votes: int, prompts: int, comparisons: int) -> str:
    """Who wins by all `votes` on so many prompts, or that it cannot be seen."""
    one, two, rate = names[pair.one], names[pair.two], pair.modelled
    if pair.answered and pair.same == pair.answered:
        return f"{one} and {two} gave the same answer to every prompt: there is nothing to vote on."
    if rate.low is None:
        return f"Too few votes tell of {one} and {two}."
    if pair.claimed:
        return f"{one} wins over {two}: {told(rate)}{_alone(pair, len(names))}."
    if power.is_seen(rate):
        return (
            f"{one} may win over {two}: {told(rate)}{_alone(pair, len(names))}. One of {comparisons} comparisons looks "
            "like this by chance too often to say so yet."
        )
    said = power.doubt_of(rate, votes, prompts)
    return f"{one} and {two}: {said[:1].lower()}{said[1:]}"


def _alone(pair: Pair, policies: int) -> str:
    if policies < 3:
        return ""
    if not pair.votes:
        return " by the votes on others, none on these two"
    return f" by all votes, {told(pair.win_rate)} by the {number(pair.votes, 'vote')} on these two alone"


def remarks(pair: Pair, names: Sequence[str]) -> list[str]:
    """What belongs to a pair's rate: equal answers, lengths, both bad."""
    one, two = names[pair.one], names[pair.two]
    found = []
    if 0 < pair.same < pair.answered:
        found.append(
            f"{one} and {two} gave the same answer to {pair.same:,} of {number(pair.answered, 'prompt')}: these count "
            "as ties without a vote."
        )
    if pair.both_bad:
        found.append(f"Of {number(pair.ties, 'tie')} between {one} and {two}, {pair.both_bad:,} had both answers bad.")
    equal, raw = pair.at_equal_lengths.win_rate, pair.win_rate
    if not pair.fits:
        found.append(
            f"The votes on {one} and {two} alone, {told(pair.win_rate)}, do not fit what those on other policies let "
            f"expect, {told(pair.modelled)}: a single order may not hold for these two."
        )
    effect = pair.at_equal_lengths.length_effect
    lost = pair.claimed and not power.is_seen(equal)
    follows = effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high
    if equal.value is not None and (lost or (follows and abs(equal.value - (raw.value or 0.0)) >= NEAR)):
        ending = ", which cannot be told from even" if lost else ""
        found.append(f"By these votes alone, at equal lengths {one} would win {told(equal)} over {two}{ending}.")
    if pair.votes and (doubt := pair.at_equal_lengths.doubt):
        found.append(f"{one} and {two}: {doubt[:1].lower()}{doubt[1:]}")
    return found


def leader(table: Table, pairs: Sequence[Pair]) -> str:
    """Who is first in the table, if that is sure."""
    if len(table.places) < 2 or not table.connected:
        return ""
    first, second, *_ = table.places
    if points(Interval(first.points.value)) == points(Interval(second.points.value)):
        return f"{first.name} and {second.name} are level at the top of the table."
    rivals = [pair for pair in pairs if first.policy in (pair.one, pair.two)]
    sure = [pair for pair in rivals if pair.claimed and pair.one == first.policy]
    if len(sure) == len(rivals):
        return f"{first.name} is the strongest of {len(table.places)} policies."
    open_ = [place.name for place in table.places[1:] if not any(place.policy == pair.two for pair in sure)]
    return f"{first.name} leads, but not surely over {_list(open_)}."


def best_of_n(material: Material, pairs: Sequence[Pair]) -> list[str]:
    """Beside every run and every other tuned policy: is it better than picking the best of n answers of the base?"""
    found = []
    for pair in pairs:
        kinds = [material.policies[place].kind for place in (pair.one, pair.two)]
        if kinds.count("best-of-n") != 1 or "base" in kinds or pair.modelled.low is None:
            continue
        run, best = (pair.one, pair.two) if kinds[1] == "best-of-n" else (pair.two, pair.one)
        rate = pair.modelled if run == pair.one else _turned(pair.modelled)
        run_name, best_name = material.policies[run].name, material.policies[best].name
        if pair.claimed and (rate.value or 0.0) > 0.5:
            found.append(f"{run_name} beats {best_name}: {told(rate)}.")
        elif pair.claimed:
            found.append(f"{run_name} does not beat {best_name}: it loses, winning {told(rate)}.")
        else:
            found.append(f"{run_name} does not beat {best_name}, as far as can be seen: {told(rate)}.")
    return found


def first_shown(found: Interval, who: str) -> str:
    """Whether the place on the screen decides; empty without votes."""
    if found.value is None:
        return ""
    if power.is_seen(found):
        way = "first" if found.value > 0.5 else "second"
        share = found if found.value > 0.5 else _turned(found)
        return f"The place decides: of the votes of {who}, what was shown {way} won {told(share)}, where 50% is fair."
    return f"What was shown first won {told(found)} of the votes of {who}: no sign that the place decides."


def agreement(found: JudgeAgreement | None) -> str:
    """Of people who voted on the same answers."""
    if found is None or not found.votes:
        return "No two people voted on the same answers yet: whether they agree is not known."
    said = f"Two people who voted on the same answers said the same in {told(found.pairwise)}"
    return f"{said} of {found.votes:,} such twos, a tie beside a win as half{_kappa(found)}."


def about(voice: Voice) -> str:
    """Whose votes these are, before anything else is said."""
    if voice.kind == "scripted":
        return "These votes are a script's: they say what a rule prefers, not what people do."
    if voice.kind == "judge":
        return f"These are verdicts of the judge “{bare(voice.name)}”: they say what it prefers, not what people do."
    return ""


def of_judge(judge: Judge, names: Sequence[str]) -> list[str]:
    """What is known of a judge, and what it says once people have corrected it."""
    found = [_agreement(judge)]
    if judge.places is not None:
        found.append(_places(judge))
    elif judge.scores:
        found.append(f"{judge.name} scores each answer by itself: the place cannot decide.")
    else:
        found.append(f"{judge.name} was not asked in both orders: whether it follows the place is not known.")
    found += _length(judge)
    for each in judge.corrected:
        rate = each.found.win_rate
        if rate.value is None or not each.found.weight:
            continue
        found.append(
            f"{judge.name}'s verdicts corrected by people's votes: {names[each.one]} wins {told(rate)} over "
            f"{names[each.two]}; people's votes alone say {told(each.found.people)}, the judge alone "
            f"{told(each.found.judge)}."
        )
    return found


def _agreement(judge: Judge) -> str:
    if judge.agreement is None:
        return f"{judge.name} is not checked against people yet: vote on some of what it judged."
    both = judge.agreement.overall
    said = f"{judge.name} and people say the same in {told(both.pairwise)} of {number(both.votes, 'vote')}"
    return f"{said}, a tie beside a win as half{_kappa(both)}."


def _kappa(found: JudgeAgreement) -> str:
    kappa = found.kappa
    if found.too_few:
        return "; too few for a kappa"
    if kappa.value is None:
        return ""
    if kappa.low is None or kappa.high is None:
        return f"; kappa {kappa.value:.2f}"
    chance = ", which may be chance" if kappa.low <= 0 else ""
    return f"; kappa {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f}){chance}"


def _places(judge: Judge) -> str:
    places = judge.places
    assert places is not None
    if judge.follows_place:
        way = "first" if (places.first.value or 0.0) > 0.5 else "second"
        return (
            f"{judge.name} follows the place: asked in both orders, it kept its verdict on {told(places.consistent)} "
            f"of {number(judge.both_orders, 'pair')}, and where it changed it went mostly to what it read {way}."
        )
    return (
        f"{judge.name}, asked in both orders, kept its verdict on {told(places.consistent)} of "
        f"{number(judge.both_orders, 'pair')}: no sign that it follows the place."
    )


def _length(judge: Judge) -> list[str]:
    own, more = judge.longer_wins, judge.beyond_people
    if own.value is None or own.low is None:
        return []
    said = f"By {judge.name}, an answer that is {judge.scale:,.0f} letters longer wins {told(own)}"
    if more.low is not None and more.high is not None and not more.low <= 0 <= more.high:
        way = "more" if more.low > 0 else "less"
        return [f"{said}, by people {told(judge.people_longer_wins)}: it likes length {way} than people do."]
    return [f"{said}, by people {told(judge.people_longer_wins)}." if judge.checked else f"{said}."]


def _turned(found: Interval) -> Interval:
    """The same of the other policy."""
    value, low, high = (None if end is None else 1 - end for end in (found.value, found.high, found.low))
    return Interval(value, low, high, found.n)


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
