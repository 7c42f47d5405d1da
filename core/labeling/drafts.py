"""What a labeler has begun and not saved: drafts in the project, on disk before anything is shown of them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from core.errors import BadInput
from core.labeling.ordering import Ordering
from core.labeling.pairwise import Answers, Tiers
from core.preferences.judged_groups import OVERALL
from core.records import Verdict
from core.store import Project, drafts, rankings
from core.store.rankings import METHODS, VERDICTS


class ChangedElsewhere(BadInput):
    """What is on the table is another by now: it is shown as it is, and nothing was written over."""


class RankedElsewhere(ChangedElsewhere):
    """What is on the table was begun before the labeler's newest ranking of it was made, in another window or a pack.
    Is anything `begun` still on disk?"""

    def __init__(self, begun: bool) -> None:
        counts = "here it is as it counts now."
        beside = "what you began before is here still, and counts instead once you save it."
        super().__init__(f"You ranked this prompt elsewhere since: {beside if begun else counts}")


class CommentsJoined(ChangedElsewhere):
    """Another window of the labeler's commented, too: both comments are on disk."""

    def __init__(self) -> None:
        super().__init__("You commented on this prompt in another window, too: here are both comments.")


#: Part of a draft: which window wrote it, so that nobody takes another's for one of his own that says the same.
BY = "by"
#: Part of a draft: the labeler's newest ranking of the group when it was begun; earlier versions kept none.
AFTER = "after"
BEGUN_ELSEWHERE = "You went on with this prompt in another window: here it is as you left it there."


@dataclass(frozen=True)
class Begun:
    """An order with what it was begun from: `source` is the ranking that it revises, and `adjudicating` one counts
    instead of everybody else's."""

    ordering: Ordering
    source: int | None = None
    adjudicating: bool = False


class Drafts:
    """The drafts of one labeler, by group; `shown` gives a group's completions in the order in which they are seen.

    They are read where they lie, because other windows of the same labeler write them, too. What this one has read or
    written last is known to it, and no other is ever written over or taken away.
    """

    def __init__(self, project: Project, labeler_id: int, shown: Callable[[int], tuple[int, ...]]) -> None:
        self.project = project
        self.labeler_id = labeler_id
        self._shown = shown
        self._window = uuid.uuid4().hex
        self._known: dict[int, tuple[str | None, ...]] = {}
        self._ranked: dict[int, int] = {}
        """The labeler's newest ranking of a group, as it was when what is there was begun."""

    def get(self, group_id: int) -> Begun | None:
        """What is begun; it is known from now on."""
        text = drafts.stored(self.project, self.labeler_id, group_id)
        self._known[group_id] = (text,)
        self.note_ranked(group_id)
        if text is None:
            return None
        draft = drafts.read(text, group_id)
        if type(after := draft.get(AFTER)) is int:
            self._ranked[group_id] = after
        return _read(draft, self._shown(group_id))

    def note_ranked(self, group_id: int) -> None:
        """The labeler sees what counts of the group by now: whatever is written from now on may go over that."""
        self._ranked[group_id] = rankings.newest_of(self.project, group_id, self.labeler_id)

    def check(self, group_id: int) -> None:
        """Raises `ChangedElsewhere` where another window wrote since, `RankedElsewhere` where it saved."""
        there = drafts.stored(self.project, self.labeler_id, group_id)
        if self.ranked_since(group_id):
            raise RankedElsewhere(begun=there is not None)
        if there not in self._known.get(group_id, (None,)):
            raise ChangedElsewhere(BEGUN_ELSEWHERE)

    def ranked_since(self, group_id: int) -> bool:
        """Did the labeler rank the group since what is there was begun?"""
        known = self._ranked.get(group_id)
        return known is not None and rankings.newest_of(self.project, group_id, self.labeler_id) > known

    def keep(self, group_id: int, begun: Begun | None) -> None:
        """Write the draft of an item; None forgets it. Raises `ChangedElsewhere`."""
        with self.project.write():
            self.check(group_id)
            before = drafts.stored(self.project, self.labeler_id, group_id)
            more = {AFTER: self._ranked.get(group_id), BY: self._window}
            draft = None if begun is None else draft_of(group_id, begun) | more
            after = drafts.keep(self.project, self.labeler_id, group_id, draft)
        self._known[group_id] = (before, after)  # `before` is there again if this was part of a write that fails


def _read(draft: dict[str, Any], shown: tuple[int, ...]) -> Begun:
    """One that is no order at all is asked anew; its comment stays."""
    source, adjudicating = draft.get("source"), draft.get("adjudicates") is True
    try:
        return Begun(ordering_of(draft, shown), source if type(source) is int else None, adjudicating)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        comment = draft.get("comment")
        return Begun(Ordering(shown, comment=comment if isinstance(comment, str) else ""))


def draft_of(group_id: int, begun: Begun) -> dict[str, Any]:
    """What is begun as plain data for the project."""
    ordering = begun.ordering
    return {
        "group": group_id,
        "tiers": [list(tier) for tier in ordering.tiers],
        "flags": list(ordering.flags.items()),
        "verdicts": list(ordering.verdicts.items()),
        "flag": ordering.flag,
        "comment": ordering.comment,
        "method": ordering.method,
        "answers": [list(answer) for answer in ordering.answers],
        "criterion": ordering.criterion,
        "others": _plain(ordering.others),
        "aside": {
            method: [each.tiers, each.answers, each.criterion, _plain(each.others)]
            for method, each in ordering.aside.items()
        },
        "source": begun.source,
        "adjudicates": begun.adjudicating,
    }


def ordering_of(draft: dict[str, Any], shown: tuple[int, ...]) -> Ordering:
    """The stored draft as an ordering, without the completions that are gone since.

    In older drafts the name of the overall order is empty. Raises what the damaged ones are made of.
    """
    flags = {item: _text(flag) for item, flag in draft["flags"]}
    others = _orders(draft.get("others", {}))
    tiers, answers = _tiers(draft["tiers"]), _answers(draft.get("answers", []))
    verdicts = {item: _verdict(verdict) for item, verdict in draft.get("verdicts", [])}
    flag, method = draft["flag"], draft.get("method", "order")
    aside = {each: _aside(shown, each, *found) for each, found in draft.get("aside", {}).items()}
    if not {method, *aside} <= set(METHODS):
        raise ValueError(method)
    return Ordering(
        shown, tiers, flags, None if flag is None else _text(flag), _text(draft["comment"]), method, answers,
        _text(draft.get("criterion") or OVERALL), others, verdicts, aside,
    ).among(shown)  # fmt: skip


def _aside(shown: tuple[int, ...], method: str, tiers: Any, answers: Any, criterion: Any, others: Any) -> Ordering:
    """What was begun in another way to rank."""
    return Ordering(
        shown, _tiers(tiers), method=method, answers=_answers(answers), criterion=_text(criterion),
        others=_orders(others),
    )  # fmt: skip


def _orders(others: dict[str, Any]) -> dict[str, tuple[Tiers, Answers]]:
    return {name or OVERALL: (_tiers(found[0]), _answers(found[1])) for name, found in others.items()}


def _plain(others: dict[str, tuple[Tiers, Answers]]) -> dict[str, Any]:
    return {name: [tiers, answers] for name, (tiers, answers) in others.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _verdict(value: Any) -> Verdict:
    if value not in VERDICTS:
        raise ValueError(value)
    return cast(Verdict, value)


def _tiers(lists: list[list[int]]) -> Tiers:
    """Each completion in one place at most. Raises `ValueError`."""
    tiers = tuple(tuple(found) for found in lists)
    placed = [item for tier in tiers for item in tier]
    if len(set(placed)) < len(placed) or not all(tiers):
        raise ValueError(tiers)
    return tiers


def _answers(lists: list[list[int]]) -> Answers:
    """Which one of two is better. Raises `ValueError`."""
    answers = tuple((one, two, sign) for one, two, sign in lists)
    if not all(one != two and sign in (-1, 0, 1) for one, two, sign in answers):
        raise ValueError(answers)
    return answers
