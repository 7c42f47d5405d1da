"""What a labeling pack brings back from the arena in it: votes, and which were taken back."""

import math
from collections.abc import Callable, Collection

from core.labeling import pack_check
from core.labeling.pack_report import Merged, short
from core.records import Labeler
from core.store import Project, arena_votes, packed_rankings, packed_votes
from core.store.arena_votes import NewVote
from core.store.packed_votes import KnownVote, PackedVote

#: Votes of one pack, and refusals that are told one by one.
MOST, TOLD = 100_000, 5
ELSEWHERE = "{} voted on the same answers here"
#: What a person can give the answer that was shown first.
OUTCOMES = (0.0, 0.5, 1.0)


def merge(
    project: Project, packed: Project, person: Labeler, origin: str, version: Callable[[int], int]
) -> Merged:  # fmt: skip
    """Take over the votes of `person`'s pack that are on answers of here, each known by its uid; where the person voted
    here on the same two, that vote stays. `version` gives the number here of the pack's guidelines. What nobody could
    have made is named and left out."""
    report, refused = Merged(), list[str]()
    before = packed_rankings.handed_out(packed).taken_back
    found, known = packed_votes.listed(packed, person.name, MOST + 1), packed_votes.known(project)
    if len(found) > MOST:
        return Merged(refused=["The votes in the arena are left out: nobody votes so often."])
    for vote in found:
        here = known.get(vote.uid)
        if reason := _fault(project, person, vote, here):
            refused.append(f"A vote on “{short(vote.prompt)}” is left out: {reason}.")
        elif here is not None:
            if _is_newer(vote, here, before) and vote.retracted_at:
                arena_votes.retract(project, [here.id], _done(vote)[0])
                report.retracted += 1
            elif _is_newer(vote, here, before):
                arena_votes.give_again(project, [here.id], vote.created_at)
                report.votes += 1
        else:  # one that was taken back there must not come in later, from an older copy of the pack
            added = _add(project, person, vote, origin, version)
            report.votes += 0 if vote.retracted_at else added
    more = [f"{len(refused) - TOLD:,} more votes are left out."] if len(refused) > TOLD else []
    return report + Merged(refused=refused[:TOLD] + more)


def holds_new(project: Project, packed: Project, labeler: str) -> bool:
    """Did the pack's labeler vote in it, or take a vote back, without that it is known here?"""
    known, before = packed_votes.known(project), packed_rankings.handed_out(packed).taken_back
    return any(
        not vote.retracted_at if (here := known.get(vote.uid)) is None else _is_newer(vote, here, before)
        for vote in packed_votes.listed(packed, labeler, MOST)
    )


def _is_newer(vote: PackedVote, here: KnownVote, before: Collection[str]) -> bool:
    """Was it given again or taken back in the pack after what was last done with it here? An older copy of the pack
    says nothing new, nor does what was taken back `before` the pack was made."""
    if bool(vote.retracted_at) == bool(here.retracted_at) or (vote.retracted_at and vote.uid in before):
        return False
    return _done(vote) > _done(here)


def _done(vote: PackedVote | KnownVote) -> tuple[str, bool]:
    """When it was given or taken back last; to take it back comes after to give it."""
    return max(vote.created_at, vote.retracted_at or ""), bool(vote.retracted_at)


def _add(
    project: Project, person: Labeler, vote: PackedVote, origin: str, version: Callable[[int], int]
) -> int:  # fmt: skip
    new = NewVote(
        vote.first_id, vote.second_id, person.id, version(vote.guidelines_id), vote.won, bool(vote.both_bad),
        vote.ballot, vote.comment, vote.seconds, vote.uid, origin, vote.retracted_at, vote.created_at,
    )  # fmt: skip
    return len(arena_votes.cast(project, [new])[0])


def _fault(project: Project, person: Labeler, vote: PackedVote, here: KnownVote | None) -> str:
    """What is wrong with a vote, as the end of a sentence; empty if nothing is."""
    if not _made(vote):
        return "its record is damaged"
    if here is not None:
        same = (here.labeler, here.first_id, here.second_id) == (person.name, vote.first_id, vote.second_id)
        if not same:
            return "it goes by the number of another vote"
        rival = _is_newer(vote, here, ()) and not vote.retracted_at
        stands = rival and packed_votes.stands(project, person.id, vote.first_id, vote.second_id)
        return ELSEWHERE.format(person.name) if stands else ""
    if packed_votes.pair(project, vote.first_id, vote.second_id) != vote.pair:
        return "its answers are not here, or say other words here"
    if not vote.retracted_at and packed_votes.stands(project, person.id, vote.first_id, vote.second_id):
        return ELSEWHERE.format(person.name)
    return ""


def _made(vote: PackedVote) -> bool:
    """Do its uid, outcome, times and duration look as ours do?"""
    return (
        pack_check.UID.fullmatch(vote.uid) is not None
        and vote.won in OUTCOMES
        and (not vote.both_bad or vote.won == 0.5)
        and (vote.ballot == "" or pack_check.UID.fullmatch(vote.ballot) is not None)
        and len(vote.comment) <= pack_check.MOST_COMMENT
        and (vote.seconds is None or (math.isfinite(vote.seconds) and 0 <= vote.seconds <= pack_check.LONGEST))
        and pack_check.is_time(vote.created_at)
        and (vote.retracted_at is None or pack_check.is_time(vote.retracted_at))
    )
