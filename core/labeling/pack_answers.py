"""Answers that a pack's labeler wrote join the groups of the project; in the pack they have numbers of its own."""

from core.conversation import same_words
from core.records import Labeler
from core.store import Project, completions
from core.store.packed_rankings import GroupText

#: How many answers a labeler may write to one prompt, and how long each may be, in characters.
MOST, LONGEST = 50, 200_000


def is_same(ours: GroupText, theirs: GroupText, labeler: str) -> bool:
    """Is it the same group, whatever the labeler wrote there, and people wrote here since?"""
    own = {number for number, name in theirs.by_hand.items() if name == labeler}
    common = {number: text for number, text in theirs.completions.items() if number not in own}
    since = ours.completions.keys() - common.keys()
    return (
        same_words(ours.prompt, theirs.prompt)  # a text may have become turns since
        and common.items() <= ours.completions.items()
        and since <= ours.by_hand.keys()
        and len(own) <= MOST
        and all(_is_answer(theirs.completions[number], theirs) for number in own)
    )


def _is_answer(text: str, group: GroupText) -> bool:
    """Could somebody have written it to this group?"""
    return bool(text.strip()) and len(text) <= LONGEST and list(group.completions.values()).count(text) == 1


def numbers(project: Project, group_id: int, theirs: GroupText, labeler: Labeler) -> dict[int, int]:
    """The number here of each completion of the pack's group; what its labeler wrote is added where it is not there."""
    there = completions.texts(project, completions.ids(project, group_id))
    ours = {text: number for number, text in there.items()}
    found = {}
    for number, text in theirs.completions.items():
        if theirs.by_hand.get(number) != labeler.name:
            found[number] = number
        elif text in ours:
            found[number] = ours[text]
        else:
            found[number] = completions.write(project, group_id, labeler.id, text).ids[0]
    return found
