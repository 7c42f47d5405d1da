"""Answers that somebody wrote in a page: each has a negative number there, and joins its group by its text."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.labeling.page_items import same
from core.store import Project, completions, packed_rankings
from core.store.packed_rankings import GroupText

#: The number of no completion: for an answer of a page that is not in its file.
NONE = 0


@dataclass(frozen=True)
class OwnAnswer:
    """`of` is the completion that was mended; it may be one's own. By `same` its group is known (`page_items.same`)."""

    number: int
    group: int
    text: str
    of: int | None
    same: str | None


class OwnAnswers:
    """The answers that the labeler called `name` wrote in a page, and the groups as they are with them. What was taken
    back here stays so, unless it is among those that are `ranked`; the `foreign` groups are others by now, and none
    joins them."""

    def __init__(self, project: Project, name: str, answers: Sequence[OwnAnswer], ranked: Collection[int]) -> None:
        self.project, self.name = project, name
        self.by_group = defaultdict[int, list[OwnAnswer]](list)
        self.foreign = dict[int, GroupText]()
        here = {group: packed_rankings.group_text(project, group) for group in {each.group for each in answers}}
        names = {group: same(ours.prompt, ours.completions, ours.by_hand) for group, ours in here.items() if ours}
        for each in answers:
            if each.same is not None and (ours := here[each.group]) and each.same != names[each.group]:
                self.foreign[each.group] = ours
            elif each.number in ranked or not completions.was_taken_back(project, each.group, each.text):
                self.by_group[each.group].append(each)
        self._numbers = dict[int, int]()
        self._texts = {group: self._with_own(group) for group in self.by_group}

    def text_of(self, group: int) -> GroupText | None:
        """The group with the answers of the page; None if there is no such group."""
        return self._texts[group] if group in self._texts else packed_rankings.group_text(self.project, group)

    def number(self, number: int) -> int:
        """The number in `text_of` of a completion of the page."""
        return number if number >= 0 else self._numbers.get(number, NONE)

    def _with_own(self, group: int) -> GroupText | None:
        ours = packed_rankings.group_text(self.project, group)
        if ours is None:
            return None
        numbers = {text: number for number, text in ours.completions.items()}
        new, mended = dict[int, str](), dict[int, int]()
        for number, each in enumerate(self.by_group[group], max(numbers.values()) + 1):
            found = self._numbers[each.number] = numbers.setdefault(each.text, number)
            if found == number:
                new[number] = each.text
                if each.of is not None:
                    mended[number] = self.number(each.of)
        by_hand = dict.fromkeys(new, self.name)
        return GroupText(ours.prompt, ours.completions | new, ours.by_hand | by_hand, ours.mended | mended)
