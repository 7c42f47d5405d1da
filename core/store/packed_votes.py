"""Votes of an arena as they travel between projects: known by their uid, with the words that they are on."""

from dataclasses import dataclass

from core.store import Project

ALL = """
    select v.id, v.uid, v.first_id, v.second_id, v.guidelines_id, v.won, v.both_bad, v.ballot, v.comment, v.seconds,
        v.retracted_at, v.created_at, l.name as labeler, a.text as first, b.text as second, p.text as prompt
    from arena_votes v join labelers l on l.id = v.labeler_id join arena_answers a on a.id = v.first_id
    join arena_answers b on b.id = v.second_id join arena_prompts p on p.id = a.arena_prompt_id
    where l.name = ? order by v.id limit ?
"""
#: A pair of answers of two policies to one prompt, and their words.
PAIR = """
    select p.text as prompt, a.text as first, b.text as second from arena_answers a
    join arena_answers b on b.arena_prompt_id = a.arena_prompt_id and b.policy_id != a.policy_id
    join arena_prompts p on p.id = a.arena_prompt_id where a.id = ? and b.id = ?
"""
KNOWN = """
    select v.uid, v.id, l.name as labeler, v.first_id, v.second_id, v.created_at, v.retracted_at from arena_votes v
    join labelers l on l.id = v.labeler_id
"""
STANDS = """
    select comment from arena_votes where labeler_id = :labeler and retracted_at is null
    and (first_id, second_id) in (values (:first, :second), (:second, :first))
"""


@dataclass(frozen=True)
class Pair:
    """The words of two answers to a prompt."""

    prompt: str
    first: str
    second: str


@dataclass(frozen=True)
class PackedVote(Pair):
    """A row of `arena_votes` with the words that it is on, and its labeler's name."""

    id: int
    uid: str
    first_id: int
    second_id: int
    guidelines_id: int
    won: float
    both_bad: int
    ballot: str
    comment: str
    seconds: float | None
    retracted_at: str | None
    created_at: str
    labeler: str

    @property
    def pair(self) -> Pair:
        return Pair(self.prompt, self.first, self.second)


@dataclass(frozen=True)
class KnownVote:
    """A vote that is here already."""

    id: int
    labeler: str
    first_id: int
    second_id: int
    created_at: str
    retracted_at: str | None


def listed(packed: Project, labeler: str, most: int) -> list[PackedVote]:
    """The votes of a pack's labeler, at most so many, oldest first."""
    return packed.database.records(PackedVote, ALL, labeler, most)


def known(project: Project) -> dict[str, KnownVote]:
    """Every vote by its uid."""
    return {row.pop("uid"): KnownVote(**row) for row in project.database.rows(KNOWN)}


def pair(project: Project, first_id: int, second_id: int) -> Pair | None:
    """None for answers that are not there, or not of two policies to one prompt."""
    return next(iter(project.database.records(Pair, PAIR, first_id, second_id)), None)


def stands(project: Project, labeler_id: int, first_id: int, second_id: int) -> bool:
    """Does a vote of the labeler's on these two count here?"""
    return comment_of(project, labeler_id, first_id, second_id) is not None


def comment_of(project: Project, labeler_id: int, first_id: int, second_id: int) -> str | None:
    """What the labeler's vote on these two says that counts here; None where none does."""
    found = project.database.value(STANDS, labeler=labeler_id, first=first_id, second=second_id)
    return None if found is None else str(found)
