"""Gold rewards: programs that stand in for people in demos and experiments. No torch.

A gold reward is a function of (prompt, completion) to a number. A labeler that follows one is `scripted`
and is shown as such wherever its rankings appear.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from core.errors import BadInput
from core.labeling import patterns
from core.labeling.own_reward import Lost, OwnReward
from core.records import Group, Labeler, NewRanking
from core.store import Changes, Project, completions, labelers, rankings

#: Letters that `sentiment` reads: VADER was made for sentences, and takes four times as long for twice as many words.
READ = 10_000
#: Groups whose completions are asked for at once, in labeling.
AT_ONCE = 8
#: How the names of simulated labelers begin, and letters of a pattern that is suggested.
SIMULATED, SUGGESTED = "simulated: ", 200

Gold = Callable[[str, str], float]

HELP = (
    "`sentiment` (VADER, Hutto and Gilbert 2014; of the first 10,000 letters), "
    "`warmth` (sentiment and speaking to the reader), "
    "`brief-warmth` (the same in few words), "
    "`short-warmth` (in as few as can be), "
    "`length` (words), `regex:PATTERN` (matches), "
    "`module:function` or `path/to/file.py:function`"
)


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def sentiment(prompt: str, completion: str) -> float:
    """VADER's compound score of the completion, from -1 (negative) to 1 (positive); of a long one, of how it begins."""
    return float(_analyzer().polarity_scores(completion[:READ])["compound"])


def warmth(prompt: str, completion: str) -> float:
    """Kind words and speaking to the reader: `sentiment` plus a third for each "you" up to three; -1 to 2.

    Three is enough, so that a policy gains nothing by saying "you" without end.
    """
    addressed = len(re.findall(r"\byou(?:r|rs|rself)?\b", completion, re.IGNORECASE))
    return sentiment(prompt, completion) + min(addressed, 3) / 3


def brief_warmth(prompt: str, completion: str) -> float:
    """`warmth` in few words: less a twentieth for each word past ten.

    VADER counts kind words, of which a long text has more, so that `warmth` alone grows with the length.
    """
    return warmth(prompt, completion) - _words_past(10, completion) / 20


def short_warmth(prompt: str, completion: str) -> float:
    """`warmth` in as few words as can be: less a tenth for each word past six, so that anybody sees which is better."""
    return warmth(prompt, completion) - _words_past(6, completion) / 10


def _words_past(enough: int, completion: str) -> int:
    return max(0, len(completion.split()) - enough)


def length(prompt: str, completion: str) -> float:
    """Words in the completion."""
    return float(len(completion.split()))


NAMED: dict[str, Gold] = {
    "sentiment": sentiment,
    "warmth": warmth,
    "brief-warmth": brief_warmth,
    "short-warmth": short_warmth,
    "length": length,
}


def check(text: str) -> None:
    """Raise `BadInput` when there can be no gold reward of this name; code is neither run nor looked for."""
    if text.startswith("regex:"):
        patterns.check(text.removeprefix("regex:"))
    elif text not in NAMED:
        place, _, name = text.rpartition(":")
        if not place or not name:
            raise BadInput(f"There is no reward called {text!r}: give {HELP}.")


def suggested(project: Project) -> str:
    """What the newest script ranks by, where that is a reward of ours that can be used; empty otherwise. A data set may
    have brought the script: code that it names is never put anywhere for a person."""
    script = labelers.newest_script(project)
    if script is None:
        return ""
    simulated = script.name.startswith(SIMULATED)
    name = script.detail.rpartition(" (")[0] if simulated else script.detail  # its character is in parentheses
    ours = name in NAMED or (name.startswith("regex:") and len(name) <= SUGGESTED and name.isprintable())
    with suppress(BadInput):
        check(name if ours else "")
        return name
    return ""


def rules(text: str) -> list[tuple[float, str]]:
    """`0.5*sentiment; -0.01*length` as weights and names of rewards. Raises `BadInput` for what is no weight."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        weight, star, name = part.partition("*")
        if not star or part.startswith("regex:"):
            found.append((1.0, part))
            continue
        try:
            found.append((float(weight), name.strip()))
        except ValueError as error:
            raise BadInput(f"{weight.strip()!r} is not a weight: write a rule as 0.5*sentiment.") from error
    return found


def find(project: Project, text: str) -> Gold:
    """The gold reward that `text` names (see `HELP`). Raises `BadInput` when there is none, and for code that nobody
    allowed this project to run.
    """
    check(text)
    if text in NAMED:
        return NAMED[text]
    if text.startswith("regex:"):
        pattern = text.removeprefix("regex:")
        return lambda prompt, completion: float(patterns.count(pattern, completion))
    return OwnReward(project, text)


def values(gold: Gold, pairs: Sequence[tuple[str, str]]) -> list[float | Lost]:
    """Of (prompt, completion) pairs, for a function of lists at once. Raises `BadInput` where nothing can be asked any
    more."""
    return gold.values(pairs) if isinstance(gold, OwnReward) else [gold(*pair) for pair in pairs]


@dataclass
class Unscored:
    """The groups in which a completion has no value, so that any order of it would be a guess, and the first reason."""

    groups: int = 0
    why: str = ""

    @property
    def sentence(self) -> str:
        which = "1 prompt stays" if self.groups == 1 else f"{self.groups:,} prompts stay"
        return f"{which} unranked, because {self.why}." if self.groups else ""


def scored(gold: Gold, groups: Iterable[Group], unscored: Unscored) -> Iterator[tuple[Group, dict[int, float]]]:
    """Groups with the value of each completion by its number, where all have one; the others are counted. Those of
    several groups are asked for at once."""
    left = iter(groups)
    while chosen := list(islice(left, AT_ONCE)):
        pairs = [(group.prompt.text, item.text) for group in chosen for item in group.completions]
        found = iter(values(gold, pairs))
        for group in chosen:
            of_group = {item.id: next(found) for item in group.completions}
            known = {item: value for item, value in of_group.items() if not isinstance(value, Lost)}
            if len(known) == len(of_group):
                yield group, known
                continue
            unscored.groups += 1
            unscored.why = unscored.why or next(str(each) for each in of_group.values() if isinstance(each, Lost))


def scripted_labeler(project: Project, gold: str) -> Labeler:
    """The labeler that ranks by the gold reward `gold`; marked as scripted for good."""
    return labelers.named(project, f"scripted: {gold}", kind="scripted", detail=gold)


def rank_all(project: Project, gold: str, unscored: Unscored | None = None) -> Changes:
    """Rank every group that can be ranked and that the scripted labeler has not ranked yet; equal gold rewards are
    ties. Those with a completion that has no value stay unranked, and are told in `unscored`."""
    reward = find(project, gold)
    labeler = scripted_labeler(project, gold)
    waiting = completions.group_ids(project, unranked_by=labeler.id)
    groups = (completions.group(project, number) for number in waiting)
    scores = {group.id: found for group, found in scored(reward, groups, unscored or Unscored())}
    ids: list[int] = []
    with project.write():
        for group_id in completions.group_ids(project, unranked_by=labeler.id):
            of_group = scores.get(group_id, {})
            if of_group.keys() != set(completions.ids(project, group_id)):
                continue  # it has no value, came, or was changed while the function was asked
            order = sorted(set(of_group.values()), reverse=True)
            ranks: dict[int, int | None] = {item: order.index(score) + 1 for item, score in of_group.items()}
            ids += rankings.add(project, NewRanking(group_id, labeler.id, ranks)).ids
    return project.changed("Rank by script", "rankings", ids=tuple(ids))
