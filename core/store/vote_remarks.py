"""Comments on pairs of answers of an arena that are not voted on yet, in one setting of the project: each belongs to
whoever typed it, and several windows write them."""

import re
from collections.abc import Iterable, Mapping

from core.store import Project, arena_votes, packed_votes
from core.store.typed import both, forget, free_place, kept_at

KEY = "draft/arena"
#: `labeler:first/second`, each a number of the project; of earlier versions, the pair alone.
NAME = re.compile(r"(?:([0-9]{1,18}):)?([0-9]{1,18})/([0-9]{1,18})", re.ASCII)


def name_of(pair: Iterable[int], labeler_id: int | None = None) -> str:
    """By which a comment on this pair is kept."""
    of = "" if labeler_id is None else f"{labeler_id}:"
    return of + "/".join(map(str, sorted(pair)))


def of(remarks: Mapping[str, str], labeler_id: int) -> dict[frozenset[int], str]:
    """What the labeler typed, by pair; what is emptied by now is left out."""
    found = {}
    for name, text in remarks.items():
        if (parts := NAME.fullmatch(name)) and parts[1] == str(labeler_id) and text.strip():
            found[frozenset((int(parts[2]), int(parts[3])))] = text.strip()
    return found


def read(project: Project) -> dict[str, str]:
    """All of them; what earlier versions kept beside them for another window joins them."""
    found: dict[str, str] = {}
    for _, kept in kept_at(project, KEY):
        if _are_remarks(kept):
            found |= {name: both(found.get(name, ""), text) for name, text in kept.items()}
    return found


def on(project: Project, pair: Iterable[int], labeler_id: int) -> str:
    """What goes along with a vote of the labeler's on a pair: what is typed on it, or else was remarked with a vote on
    it that was taken back."""
    first, second = pair
    typed = read(project).get(name_of((first, second), labeler_id))
    return arena_votes.comment_taken_back(project, labeler_id, first, second) if typed is None else typed.strip()


def write(project: Project, typed: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """Store what was `typed` since it was `seen`, and return all that is there then. What another window wrote
    meanwhile stays, and what both typed on one pair is joined."""
    with project.write():
        there = read(project)
        found = dict(there)
        for name in typed.keys() | seen.keys():
            now, was, own = there.get(name), seen.get(name), typed.get(name)
            if own == was:
                continue
            if own is not None:
                found[name] = own if now is None or now == was else both(now, own)
            elif now == was:
                found.pop(name, None)
        if found != there:
            _store(project, found)
    return found


def forget_voted(project: Project, labeler_id: int) -> None:
    """What a vote of the labeler's that counts says is not typed any more."""
    there = read(project)
    done = {}
    for pair, text in of(there, labeler_id).items():
        said = packed_votes.comment_of(project, labeler_id, *pair)
        if said is not None and text in said:
            done[name_of(pair, labeler_id)] = there[name_of(pair, labeler_id)]
    write(project, {}, done)


def _store(project: Project, found: dict[str, str]) -> None:
    places = [key for key, kept in kept_at(project, KEY) if _are_remarks(kept)]
    if found:
        project.set_setting(places[0] if places else free_place(project, KEY), found)
    for key in places[1 if found else 0 :]:
        forget(project, key)


def _are_remarks(kept: object) -> bool:
    """A project may come from elsewhere."""
    return isinstance(kept, dict) and all(isinstance(text, str) and NAME.fullmatch(name) for name, text in kept.items())
