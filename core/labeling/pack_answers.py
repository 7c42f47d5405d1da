"""Answers that a pack's labeler wrote join the groups of the project; in the pack they have numbers of its own."""

from core.conversation import same_words
from core.errors import BadInput
from core.records import LONGEST_ANSWER, MOST_ANSWERS, MOST_COMPLETIONS, Labeler
from core.store import Project, completions, labelers, packed_rankings
from core.store.packed_rankings import GroupText

CHANGED = "is not in this project any more, or has other completions now"


def holds_new(project: Project, packed: Project, labeler: str) -> bool:
    """Did the labeler write answers in the pack that are not here, nor were taken back here?"""
    for group_id in packed_rankings.answered(packed, labeler):
        theirs, ours = (packed_rankings.group_text(each, group_id) for each in (packed, project))
        if theirs is not None:
            wrote = {theirs.completions[number] for number, name in theirs.by_hand.items() if name == labeler}
            new = wrote.difference(ours.completions.values() if ours else ())
            if not all(completions.was_taken_back(project, group_id, text) for text in new):
                return True
    return False


def fault(ours: GroupText, theirs: GroupText, labeler: str) -> str:
    """Why it is not the same group, whatever the labeler wrote there, and people wrote or took back here since; or why
    what the labeler wrote cannot join it. The end of a sentence, empty if nothing is wrong."""
    own = {number for number, name in theirs.by_hand.items() if name == labeler}
    left = own | gone(ours, theirs)
    common = {number: text for number, text in theirs.completions.items() if number not in left}
    since = ours.completions.keys() - common.keys()
    written = [theirs.completions[number] for number in own]
    new = set(written) - set(ours.completions.values())
    if not (
        same_words(ours.prompt, theirs.prompt)  # a text may have become turns since
        and common.items() <= ours.completions.items()
        and since <= ours.by_hand.keys()
        and all(_is_answer(text, theirs) for text in written)
    ):
        return CHANGED
    if any(len(text) > LONGEST_ANSWER for text in written):
        return f"has an answer in the pack of more than {LONGEST_ANSWER:,} letters: shorten it there"
    if len(own) > MOST_ANSWERS:
        return f"has {len(own):,} answers by {labeler} in the pack, and nobody may write more than {MOST_ANSWERS}"
    before = list(ours.by_hand.values()).count(labeler)
    if new and before + len(new) > MOST_ANSWERS:
        return (
            f"would have {before + len(new)} answers by {labeler} with those of the pack, and nobody may write more "
            f"than {MOST_ANSWERS}"
        )
    if new and len(ours.completions) + len(new) > MOST_COMPLETIONS:
        return (
            f"would have {len(ours.completions) + len(new):,} answers with those of the pack, and at most "
            f"{MOST_COMPLETIONS} can be ranked"
        )
    return ""


def gone(ours: GroupText, theirs: GroupText) -> set[int]:
    """The answers by hand in the pack whose numbers nothing has here: they were taken back since."""
    return theirs.by_hand.keys() - ours.completions.keys()


def _is_answer(text: str, group: GroupText) -> bool:
    """Could somebody have written it to this group?"""
    return bool(text.strip()) and list(group.completions.values()).count(text) == 1


def numbers(project: Project, group_id: int, theirs: GroupText, labeler: Labeler) -> tuple[dict[int, int], int]:
    """The number here of each completion of the pack's group that is there; what its labeler wrote is added where it is
    not. With how many were added."""
    there = completions.texts(project, completions.ids(project, group_id))
    ours = {text: number for number, text in there.items()}
    found, added = dict[int, int](), 0
    for number, text in theirs.completions.items():
        mine = theirs.by_hand.get(number) == labeler.name
        if number in there and not mine:
            found[number] = number
        elif text in ours and _is_answer(text, theirs):
            found[number] = ours[text]
        elif mine:
            of = found.get(theirs.mended.get(number, 0))
            found[number] = completions.write(project, group_id, labeler.id, text, of).ids[0]
            added += 1
    return found, added


def again(project: Project, group_id: int, number: int, theirs: GroupText) -> int:
    """The number here of an answer that was taken back since the pack was handed out, and that is ranked in it: it is
    written again, as whose it was. Raises `BadInput` for one that nobody took back here, or that has no room."""
    text = theirs.completions[number]
    found = completions.taken_back(project, number, text) if _is_answer(text, theirs) else None
    names = {each.id: each.name for each in labelers.listed(project)}
    if found is None or found.group_id != group_id or names.get(found.labeler_id) != theirs.by_hand[number]:
        raise BadInput("It names an answer that is not here any more.")
    if list(completions.written_by_hand(project, group_id).values()).count(found.labeler_id) >= MOST_ANSWERS:
        writer = names[found.labeler_id]
        raise BadInput(f"It names an answer by {writer} that was taken back, and {writer} wrote {MOST_ANSWERS} others.")
    of = found.mended if found.mended in completions.ids(project, group_id) else None
    return completions.write(project, group_id, found.labeler_id, text, of).ids[0]
