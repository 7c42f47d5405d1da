"""What was ranked in a page comes back as one file of JSON, and joins the project as any pack's rankings do.

Whoever sends it may have written anything into it: what is not of its form is refused whole, and of a ranking that
could not have been made `pack_check` says so. The page takes rankings back and never has one stand again, so that an
older file that comes late undoes nothing.
"""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.labeling import pack_answers, pack_merge, pack_reading, pack_remarks
from core.labeling.pack_brought import Brought
from core.labeling.pack_check import MOST_COMMENT
from core.labeling.pack_report import Merged, not_saved, short
from core.labeling.page_items import digest
from core.labeling.page_own import NONE, OwnAnswer, OwnAnswers
from core.records import MOST_COMPLETIONS
from core.store import Project, packed_rankings
from core.store.files import plain
from core.store.packed_rankings import CriterionRank, GroupText, HandedOut, Item, PackedRanking
from core.texts import whole

SUFFIX = ".json"
VERSION = 1
#: Bytes of such a file, and rankings in it: more than anybody makes.
MOST_BYTES, MOST_RANKINGS = 64 << 20, 200_000
#: What JSON and SQLite both hold exactly.
LARGEST = 2**53
LONGEST_NAME = 1_000


def is_page_or_answers(path: Path) -> bool:
    """Is it text, such as a page or its answers, and no database? Raises `BadInput` for the page itself, which holds no
    answers."""
    if not path.is_file():
        return False
    head = pack_reading.head(path)
    if head.startswith(b"<"):
        raise BadInput(f"{path.name} is a page to rank in: merge the file that it gives back ({SUFFIX}).")
    return head.startswith(b"{")


def merge(project: Project, path: Path) -> Merged:
    """Take over what was ranked and said in a page, in one transaction. Raises `BadInput` for the answers of another
    project, of nobody who ranks here, and for what is no such file."""
    found = plain.parsed(path, MOST_BYTES)
    try:
        if _version(found) != VERSION:  # whose form is not known
            raise BadInput(f"{path.name} was made by a newer Plumbline: bring this one up to date to merge it.")
        name, uid, begun = _head(found)
        rankings = [_ranking(each) for each in found["rankings"]]
        answers = [_answer(each) for each in _list(found.get("answers", []), MOST_RANKINGS)]
        remarks = [_remark(each) for each in _list(found.get("remarks", []), MOST_RANKINGS)]
        known = {_text(uid, LONGEST_NAME) for uid in found["known"]}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{path.name} holds no answers of a page, or is damaged: ask for it again.") from error
    if len({each["uid"] for each in rankings}) < len(rankings):
        raise BadInput(f"{path.name} holds a ranking twice: ask for it again.")
    person = pack_merge.labeler_here(project, uid, name, path)
    with project.write():
        report = pack_merge.take(project, _brought(project, name, rankings, known, answers), person, path)
        report += pack_remarks.of_page(project, person, remarks)
    return report + Merged(begun_left=[not_saved(begun)] if begun else [])


def _brought(
    project: Project, name: str, rankings: list[dict[str, Any]], known: set[str], answers: list[OwnAnswer]
) -> Brought:
    """The rankings of the file after those from here that the page knew of, and the answers that were written in it.
    What was ranked when its prompt or its completions were others than now is named and left out."""
    ours = [each for each in packed_rankings.listed(project, name) if each.repeat_of is None]
    before = [each for each in ours if each.uid in known]
    standing = [each for each in rankings if each["retracted_at"] is None]
    own = OwnAnswers(project, name, answers, {item.completion_id for each in standing for item in each["items"]})
    here = packed_rankings.known(project)
    texts = {group: packed_rankings.group_text(project, group) for group in {each["group"] for each in rankings}}
    good, refused = list[dict[str, Any]](), dict[str, None]()
    for each in rankings:
        text = texts[each["group"]]
        lost = any(own.number(item.completion_id) == NONE for item in each["items"])
        if lost and each["retracted_at"] and each["uid"] not in here:
            continue  # it was taken back, and the answer that it named after it
        if text is None or _is_of(each, text):
            good.append(each)
        else:
            refused[_changed(text)] = None
    refused |= dict.fromkeys(map(_changed, own.foreign.values()))
    versions = dict[str, int]()
    ids = {each.uid: each.id for each in before}
    first, made = max(ids.values(), default=0) + 1, list[PackedRanking]()
    for number, each in enumerate(good, first):
        version = versions.setdefault(each["guidelines"], len(versions) + 1)
        made.append(_packed(each, number, version, ids, name, own))
        ids[each["uid"]] = number
    taken_back = frozenset(each.uid for each in before if each.retracted_at)
    return Brought(
        [*before, *made],
        HandedOut(uuid.uuid4().hex, taken_back),
        own.text_of,
        [(number, digest) for digest, number in reversed(versions.items())],
        answered=tuple(own.by_group),
        refused=tuple(refused),
    )


def _changed(text: GroupText) -> str:
    return f"“{short(text.prompt)}” {pack_answers.CHANGED}."


def _is_of(ranking: Mapping[str, Any], text: GroupText) -> bool:
    """Has the prompt the words, and each completion that is ranked the text, that the page showed?"""
    named = {item.completion_id for item in ranking["items"]}
    shown = {number: text.completions[number] for number in named if number in text.completions}
    return ranking["digest"] == digest(text.prompt, shown)


def _packed(
    ranking: dict[str, Any], number: int, version: int, ids: Mapping[str, int], name: str, own: OwnAnswers
) -> PackedRanking:
    """As a row; one that repeats what is not known points to no ranking that there is."""
    repeats = ranking["repeat_of"]
    return PackedRanking(
        id=number, group_id=ranking["group"], labeler_id=0, guidelines_id=version, flag=ranking["flag"],
        comment=ranking["comment"], seconds=ranking["seconds"], retracted_at=ranking["retracted_at"],
        created_at=ranking["created_at"], uid=ranking["uid"], method=ranking["method"],
        repeat_of=None if repeats is None else ids.get(repeats, -1), adjudicates=int(ranking["adjudicates"]),
        strength=None, origin="", name=name, kind="person", detail="",
        items=tuple(each._replace(completion_id=own.number(each.completion_id)) for each in ranking["items"]),
        criteria=tuple(each._replace(completion_id=own.number(each.completion_id)) for each in ranking["criteria"]),
    )  # fmt: skip


def _version(found: Any) -> int:
    if found["plumbline"] != "answers":
        raise ValueError("no answers")
    return _number(found["version"])


def _head(found: Any) -> tuple[str, str, int]:
    """Whose answers they are, of which project, and how many orders are begun."""
    if type(found["rankings"]) is not list:
        raise TypeError("rankings")
    if len(found["rankings"]) > MOST_RANKINGS or type(found["known"]) is not list:
        raise ValueError("too many")
    name = _text(found["labeler"], LONGEST_NAME)
    if name != whole(name) or not name.strip():
        raise ValueError("no name")
    return name, _text(found["project"], LONGEST_NAME), _number(found["begun"])


def _ranking(found: Any) -> dict[str, Any]:
    """A ranking with each field of its kind. What its numbers and names may be is for `pack_check` to say."""
    items = tuple(map(_item, _list(found["items"], MOST_COMPLETIONS)))
    criteria = tuple(
        CriterionRank(_text(name, LONGEST_NAME), _completion(number), _number_or_none(rank))
        for name, number, rank in _list(found["criteria"], 1_000 * MOST_COMPLETIONS)
    )
    seconds = found["seconds"]
    if seconds is not None and (type(seconds) not in (int, float) or not -LARGEST <= seconds <= LARGEST):
        raise ValueError(seconds)
    if type(found["adjudicates"]) is not bool:
        raise TypeError("adjudicates")
    return {
        "uid": _text(found["uid"]), "group": _number(found["group"]), "digest": _text(found["digest"]),
        "guidelines": _text(found["guidelines"]), "repeat_of": _text_or_none(found["repeat_of"]),
        "adjudicates": found["adjudicates"], "method": _text(found["method"]),
        "created_at": _text(found["created_at"]), "retracted_at": _text_or_none(found["retracted_at"]),
        "seconds": None if seconds is None else float(seconds), "flag": _text_or_none(found["flag"], LONGEST_NAME),
        "comment": whole(_text(found["comment"], 10 * MOST_COMMENT)), "items": items, "criteria": criteria,
    }  # fmt: skip


def _item(found: Any) -> Item:
    verdict = _text_or_none(found["verdict"])
    if verdict not in (None, "good", "bad"):
        raise ValueError(verdict)
    return Item(
        _completion(found["id"]), _number_or_none(found["rank"]), _text_or_none(found["flag"], LONGEST_NAME),
        _number_or_none(found["position"]), verdict,
    )  # fmt: skip


def _answer(found: Any) -> OwnAnswer:
    text, number = whole(_text(found["text"], 1_000_000)), _completion(found["id"])
    if number >= 0 or not text.strip():
        raise ValueError("answer")
    of = None if found["of"] is None else _completion(found["of"])
    return OwnAnswer(number, _number(found["group"]), text, of, _text_or_none(found.get("same"), LONGEST_NAME))


def _remark(found: Any) -> tuple[int, str, str]:
    """The group that it is on, what it says, and by what the group is known (`page_items.same`)."""
    return _number(found["group"]), _text(found["comment"], 10 * MOST_COMMENT), _text(found["same"], LONGEST_NAME)


def _completion(found: Any) -> int:
    """The number of a completion; those that were written in a page have negative ones."""
    if type(found) is not int or not -LARGEST < found < LARGEST:
        raise ValueError("completion")
    return found


def _list(found: Any, most: int) -> list[Any]:
    if type(found) is not list or len(found) > most:
        raise TypeError("list")
    return found


def _number(found: Any) -> int:
    if type(found) is not int or not 0 <= found < LARGEST:
        raise ValueError("number")
    return found


def _number_or_none(found: Any) -> int | None:
    return None if found is None else _number(found)


def _text(found: Any, longest: int = 100) -> str:
    if type(found) is not str or len(found) > longest:
        raise ValueError("text")
    return found


def _text_or_none(found: Any, longest: int = 100) -> str | None:
    return None if found is None else _text(found, longest)
