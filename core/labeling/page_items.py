"""What a page to rank in holds, as plain data: the labeler's queue with its texts as they may be shown, and by which
ids, digests and uids the answers are known again."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from core.conversation import words
from core.preferences.judged_groups import OVERALL
from core.records import LONGEST_ANSWER, MOST_ANSWERS, MOST_COMPLETIONS, Completion, Labeler, Prompt
from core.store import Project, assignments, completions, guidelines, packed_rankings, rankings
from core.store.assignments import Queue
from core.store.packed_rankings import PackedRanking
from core.texts import Limits, one_line, shown, whole
from core.turns import said, speaker

VERSION = 1
#: The project's setting: ask for an order by each criterion, too.
BY_CRITERIA = "rank_by_criteria"
#: Flags in the menu, and criteria to order by.
MOST_NAMES = 40
#: Ways to rank that a page has: all at once by hand, and by questions of two. It can be changed in the page.
METHODS = ("order", "pairwise")
#: How much of one text is shown: a browser lays out more of it than the window.
TEXT = Limits(100_000, 5_000, named=20_000)
WAY = "The rest is in the project that this page was made of."


def digest(prompt: str, texts: Mapping[int, str]) -> str:
    """By this a prompt and the completions that were ranked are known again; a text that became turns since is the same
    prompt."""
    found = [words(prompt), sorted((number, whole(text)) for number, text in texts.items())]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:32]


def same(prompt: str, texts: Mapping[int, str], by_hand: Collection[int]) -> str:
    """By what a group is told from another one that has its number in a copy of the project: its prompt and what models
    answered, since people go on writing."""
    return digest(prompt, {number: text for number, text in texts.items() if number not in by_hand})[:12]


def held(project: Project, labeler: Labeler, queue: Queue, method: str = "order") -> dict[str, Any]:
    """Everything that the page of this labeler holds, as JSON has it."""
    version = guidelines.version(project, guidelines.current_id(project))
    named = guidelines.criteria(version)
    by_criteria = len(named) > 1 and project.setting(BY_CRITERIA, False) is True
    mine = packed_rankings.listed(project, labeler.name)
    uids = {each.id: each.uid for each in mine}
    repeats = _repeats(project, labeler, queue, mine)
    known = defaultdict[int, list[str]](list)
    for each in mine:
        if each.repeat_of is None:
            known[each.group_id].append(each.uid)
    groups = dict.fromkeys([*queue.waiting, *(each["group"] for each in repeats["first"])])
    return {
        "version": VERSION,
        "project": project.setting("uid"),
        "name": one_line(project.name, 120),
        "labeler": labeler.name,
        "who": one_line(labeler.name, 60),
        "guidelines": guidelines.digest(version),
        "flags": _names(guidelines.flags(version)),
        "criteria": _names(named) if by_criteria else [],
        "overall": OVERALL,
        "method": method if method in METHODS else METHODS[0],
        "limits": {"letters": LONGEST_ANSWER, "answers": MOST_ANSWERS, "completions": MOST_COMPLETIONS},
        "repeat": repeats,
        "queue": [{"group": group, "repeat_of": uids.get(queue.repeats.get(group, 0))} for group in queue.waiting],
        "items": {str(group): _item(project, labeler, group, known[group]) for group in groups},
    }


def _repeats(project: Project, labeler: Labeler, queue: Queue, mine: Sequence[PackedRanking]) -> dict[str, Any]:
    """How often an earlier ranking comes again, how many of them there are, and the first that none was asked for: the
    page goes on as `assignments.mix_in_repeat` does."""
    every = max(0, int(project.setting(assignments.REPEAT_EVERY, 0)))
    counting = {each.group_id: each for each in mine if each.could_count}
    made = sorted((each for each in counting.values() if each.flag is None), key=lambda each: each.id)
    asked = assignments.asked_again(project, labeler.id)
    most = len(queue.waiting) // every + 1 if every else 0
    left = [(place, each) for place, each in enumerate(made) if each.id not in asked][:most]
    first = [{"place": place, "group": each.group_id, "uid": each.uid} for place, each in left]
    return {"every": every, "after": assignments.REPEAT_AFTER, "made": len(made), "first": first}


def _names(found: Mapping[str, str]) -> list[dict[str, str]]:
    """Names as they are stored and as they are shown, with what they mean."""
    return [
        {"name": name, "title": one_line(name, 60), "meaning": one_line(meaning, 300)}
        for name, meaning in islice(found.items(), MOST_NAMES)
    ]


def _item(project: Project, labeler: Labeler, group_id: int, known: list[str]) -> dict[str, Any]:
    """One prompt with its completions, in the orders in which the labeler sees them the first time and again; `known`
    are the labeler's rankings of it so far. By a card's `mine` an answer that the labeler wrote in an earlier page is
    known again; `whole` is what a better one is made of, where not all of it is shown as it is."""
    group = completions.group(project, group_id)
    texts = {each.id: each.text for each in group.completions}
    by_hand = completions.written_by_hand(project, group_id)

    def order(again: bool) -> list[int]:
        return rankings.shown_order(group_id, labeler.id, list(texts), again=again, by_hand=by_hand)

    def card(completion: Completion) -> dict[str, str]:
        found, written = {"text": _text(completion.text), "foot": _foot(completion)}, whole(completion.text)
        if by_hand.get(completion.id) == labeler.id:
            found["mine"] = written
        elif written != found["text"]:
            found["whole"] = written if len(written) <= LONGEST_ANSWER else ""
        return found

    return {
        "digest": digest(group.prompt.text, texts),
        "same": same(group.prompt.text, texts, by_hand),
        "turns": _turns(group.prompt),
        "cards": {str(each.id): card(each) for each in group.completions},
        "shown": order(again=False),
        "again": order(again=True),
        "known": known,
        "decides": rankings.adjudicated_by(project, group_id, labeler.id),
    }  # fmt: skip


def _turns(prompt: Prompt) -> list[dict[str, str]]:
    """What is asked, turn by turn; one without a speaker is all of it."""
    talk = prompt.conversation
    if talk.is_plain:
        return [{"role": "user", "speaker": "", "text": _text(talk.text)}]
    return [{"role": turn.role, "speaker": speaker(turn), "text": _text(said(turn))} for turn in talk.messages]


def _text(text: str) -> str:
    return shown(text, WAY, TEXT)


def _foot(completion: Completion) -> str:
    """What is no secret while it is ranked."""
    parts = ["" if completion.ended else "Cut off at the length limit", completion.by_hand]
    return "  ·  ".join(filter(None, parts))
