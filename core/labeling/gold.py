"""Gold rewards: programs that stand in for people in demos and experiments. No torch.

A gold reward is a function of (prompt, completion) to a number. A labeler that follows one is `scripted`
and is shown as such wherever its rankings appear.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from core.errors import BadInput
from core.labeling import patterns
from core.records import Labeler, NewRanking
from core.store import Changes, Project, completions, labelers, rankings
from core.trust import code

#: Letters that `sentiment` reads: VADER was made for sentences, and takes four times as long for twice as many words.
READ = 10_000
#: Of what a function may give: in float32 the sum of many squares of it is still a number.
LARGEST = 1e15
#: How the names of simulated labelers begin, and letters of a pattern that is suggested.
SIMULATED, SUGGESTED = "simulated: ", 200

Gold = Callable[[str, str], float]

HELP = (
    "`sentiment` (VADER, Hutto and Gilbert 2014; of the first 10,000 letters), "
    "`warmth` (sentiment and speaking to the reader), "
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


def length(prompt: str, completion: str) -> float:
    """Words in the completion."""
    return float(len(completion.split()))


NAMED: dict[str, Gold] = {"sentiment": sentiment, "warmth": warmth, "length": length}


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
    function = code.load(project, text)

    def own(prompt: str, completion: str) -> float:
        try:
            value = float(function(prompt, completion))
        except (Exception, SystemExit) as error:
            raise BadInput(f"{text} failed on a completion ({type(error).__name__}: {error}): mend it.") from error
        if not abs(value) <= LARGEST:
            raise BadInput(
                f"{text} gave {value:g} for a completion, with which nothing can be ranked or learnt: let it give a "
                f"number from {-LARGEST:g} to {LARGEST:g}, such as 0, for completions like {completion[:40]!r}."
            )
        return value

    return own


def scripted_labeler(project: Project, gold: str) -> Labeler:
    """The labeler that ranks by the gold reward `gold`; marked as scripted for good."""
    find(project, gold)
    return labelers.named(project, f"scripted: {gold}", kind="scripted", detail=gold)


def rank_all(project: Project, gold: str) -> Changes:
    """Rank every group that can be ranked and that the scripted labeler has not ranked yet; equal gold rewards are
    ties."""
    labeler = scripted_labeler(project, gold)
    reward = find(project, gold)
    ids: list[int] = []
    with project.write():
        for group_id in completions.group_ids(project, unranked_by=labeler.id):
            group = completions.group(project, group_id)
            scores = {item.id: reward(group.prompt.text, item.text) for item in group.completions}
            order = sorted(set(scores.values()), reverse=True)
            ranks: dict[int, int | None] = {item: order.index(score) + 1 for item, score in scores.items()}
            ids += rankings.add(project, NewRanking(group_id, labeler.id, ranks)).ids
    return project.changed("Rank by script", "rankings", ids=tuple(ids))
