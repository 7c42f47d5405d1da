"""Rankings as they travel between projects: whole, known by their uid, and never written over."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from core.errors import BadInput
from core.store import Project, drafts, labelers
from core.store.typed import WHOLE, keys_under
from core.texts import one_line

#: The setting of a labeling pack that says whose it is.
PACK = "pack"
#: The setting of a pack that tells it from others of the same labeler, with the rankings that were taken back in it
#: when it was handed out, and every time that it was packed to be sent back.
HANDED_OUT = "handed_out"
#: Times that a pack is sent back, as far as it says them: more than anybody does. Letters of the id of each.
MOST_PACKINGS, LENGTH = 1_000, 32
#: The setting of a project that says which rankings were taken back in it because they were in a pack.
TAKEN_BACK = "taken_back_in_packs"
#: The setting of a project with the packings of packs that it has seen.
SEEN = "merged_packings"
#: The setting of a project made of a pack that says what came along of what was begun in earlier ones.
BEGUN_IN = "begun_in_packs"
#: Names that are told, and letters of each.
NAMES, LETTERS = 5, 60


class Item(NamedTuple):
    """Where a ranking puts a completion; `position` is where it was shown."""

    completion_id: int
    rank: int | None
    flag: str | None
    position: int | None
    verdict: str | None = None


class CriterionRank(NamedTuple):
    criterion: str
    completion_id: int
    rank: int | None


@dataclass(frozen=True)
class PackedRanking:
    """A row of `rankings` with all that hangs on it, and who its labeler is."""

    id: int
    group_id: int
    labeler_id: int
    guidelines_id: int
    flag: str | None
    comment: str
    seconds: float | None
    retracted_at: str | None
    created_at: str
    uid: str
    method: str
    repeat_of: int | None
    adjudicates: int
    strength: float | None
    origin: str
    name: str
    kind: str
    detail: str
    items: tuple[Item, ...] = ()
    criteria: tuple[CriterionRank, ...] = ()

    def of_completions(self, numbers: Mapping[int, int]) -> "PackedRanking":
        """The same with other numbers of its completions."""
        items = tuple(item._replace(completion_id=numbers[item.completion_id]) for item in self.items)
        criteria = tuple(rank._replace(completion_id=numbers[rank.completion_id]) for rank in self.criteria)
        return replace(self, items=items, criteria=criteria)

    @property
    def could_count(self) -> bool:
        return not self.retracted_at and not self.repeat_of


STAY = """
    select distinct l.name from labelers l where l.name != ? and (
        exists (select 1 from rankings r where r.labeler_id = l.id and r.id not in (select ranking_id from calibration))
        or exists (select 1 from drafts where labeler_id = l.id)
        or exists (select 1 from settings where key glob 'draft/answer/' || l.id || '/*')
    ) order by l.id
"""
ALL = """
    select r.id, r.group_id, r.labeler_id, r.guidelines_id, r.flag, r.comment, r.seconds, r.retracted_at, r.created_at,
        r.uid, r.method, r.repeat_of, r.adjudicates, r.strength, r.origin, l.name, l.kind, l.detail
    from rankings r join labelers l on l.id = r.labeler_id
    where l.name = ? order by r.id
"""
ADD = """
    insert into rankings (group_id, labeler_id, guidelines_id, flag, comment, seconds, retracted_at, created_at, uid,
        method, repeat_of, adjudicates, strength, origin)
    values (:group_id, :labeler_id, :guidelines_id, :flag, :comment, :seconds, :retracted_at, :created_at, :uid,
        :method, :repeat_of, :adjudicates, :strength, :origin)
"""
ITEMS = "select ranking_id, completion_id, rank, flag, position, verdict from ranking_items"
ADD_ITEM = """
    insert into ranking_items (ranking_id, completion_id, rank, flag, position, verdict) values (?, ?, ?, ?, ?, ?)
"""
CRITERIA = "select ranking_id, criterion, completion_id, rank from criterion_ranks"
ADD_CRITERION = "insert into criterion_ranks (ranking_id, criterion, completion_id, rank) values (?, ?, ?, ?)"


def labeler_here(project: Project, name: str = "") -> str:
    """Under which name somebody ranks: in a labeling pack that of whom it is for, elsewhere the given one, if any.

    Raises `BadInput` for another name in a pack: what is ranked under that would not be sent back.
    """
    whose = project.setting(PACK)
    if not isinstance(whose, str) or not whose.strip():
        return name
    if name.strip() not in ("", whose.strip()):
        raise BadInput(
            f"This is the labeling pack of “{one_line(whose, LETTERS)}”, and only what is ranked under that name is "
            "sent back. Whoever else is to rank needs a pack of their own."
        )
    return whose


def not_sent_back(project: Project, labeler: str) -> str:
    """What is not merged of a labeling pack from which that of `labeler` is sent back: what they began and did not
    save, and what anybody else did. Empty for nothing."""
    if project.setting(PACK) is None:
        return ""
    said = []
    person = labelers.find(project, labeler)
    begun = [who for who in drafts.begun_by(project).values() if person is not None and person.id in who]
    if begun:
        prompts = "1 prompt" if len(begun) == 1 else f"{len(begun):,} prompts"
        said.append(
            f"What is begun for {prompts} and not saved is not merged, but for comments: save it here, then write the "
            "pack once more."
        )
    if person is not None and keys_under(project, f"{WHOLE}{person.id}/"):
        said.append(
            "An order of all answers that is begun on Vote stays in this project's folder: finish it, then write the "
            "pack once more."
        )
    if names := project.database.column(STAY, labeler):
        said.append(
            f"What was ranked or begun here as {_several(names)} is not in it and stays in this project's folder: "
            "the command `pack` with that name as --labeler sends it to a project with such a labeler."
        )
    return " ".join(said)


def _several(names: Sequence[str]) -> str:
    shown = [f"“{one_line(name, LETTERS)}”" for name in names[:NAMES]]
    more = [f"{len(names) - NAMES:,} more"] if len(names) > NAMES else []
    return ", ".join(shown + more)


def listed(packed: Project, labeler: str) -> list[PackedRanking]:
    """The rankings of a pack's labeler, oldest first. The author's keys of the calibration set came along to be
    compared with; they are not the labeler's work."""
    items: dict[int, list[Item]] = defaultdict(list)
    for number, *item in packed.database.execute(ITEMS):
        items[number].append(Item(*item))
    criteria: dict[int, list[CriterionRank]] = defaultdict(list)
    for number, *rank in packed.database.execute(CRITERIA):
        criteria[number].append(CriterionRank(*rank))
    return [
        replace(each, items=tuple(items[each.id]), criteria=tuple(criteria[each.id]))
        for each in packed.database.records(PackedRanking, ALL, labeler)
    ]


def add(project: Project, ranking: PackedRanking) -> int:
    """Store a ranking with all that it says; returns its id here. Its group, completions, labeler, guidelines and the
    ranking that it repeats must be those of `project` by now."""
    with project.write() as database:
        new = database.insert(ADD, vars(ranking))
        database.many(ADD_ITEM, [(new, *item) for item in ranking.items])
        database.many(ADD_CRITERION, [(new, *rank) for rank in ranking.criteria])
    return new


class Known(NamedTuple):
    """A ranking that is here already, and what it is of."""

    id: int
    group_id: int
    labeler_id: int
    origin: str
    retracted_at: str | None


def known(project: Project) -> dict[str, Known]:
    """Every ranking by its uid."""
    found = project.database.execute("select uid, id, group_id, labeler_id, origin, retracted_at from rankings")
    return {uid: Known(*row) for uid, *row in found}


class HandedOut(NamedTuple):
    """Which pack it is, and the uids of rankings and votes that were taken back in it from the start. Packs of older
    versions have no `id`. `packings` are the ids of each time that its work was packed, this one last: a file without
    that of another one knows nothing of what was done in it before that."""

    id: str
    taken_back: frozenset[str]
    packings: tuple[str, ...] = ()


def handed_out(packed: Project) -> HandedOut:
    found = packed.setting(HANDED_OUT, {})
    uids, packings = _texts(found.get("taken_back")), _texts(found.get("packings"))
    packings = [each for each in packings[-MOST_PACKINGS:] if len(each) == LENGTH]
    return HandedOut(str(found.get("id", "")), frozenset(uids), tuple(packings))


def _texts(found: object) -> list[str]:
    return list(map(str, found)) if isinstance(found, list) else []


def note_packing(packed: Project) -> None:
    """The work of a pack is about to be packed once more."""
    found, before = packed.setting(HANDED_OUT, {}), handed_out(packed)
    if before.id:
        packed.set_setting(HANDED_OUT, found | {"packings": [*before.packings, uuid.uuid4().hex]})


def seen_packings(project: Project) -> set[str]:
    return set(_texts(project.setting(SEEN)))


def note_seen(project: Project, packings: Iterable[str]) -> None:
    known = seen_packings(project)
    if not known.issuperset(packings):
        project.set_setting(SEEN, sorted(known.union(packings)))


def taken_back(project: Project) -> dict[str, list[str]]:
    """The rankings that were taken back because they were in a pack, by uid: in which pack, when, and in which packing
    of it; earlier versions kept no packing."""
    found: dict[str, list[str]] = project.setting(TAKEN_BACK, {})
    return found


def note_taken_back(project: Project, noted: dict[str, list[str]]) -> None:
    project.set_setting(TAKEN_BACK, noted)


def begun_in(packed: Project) -> dict[str, set[str]]:
    """What begun work came along from earlier packs, or had no place: by the id of the pack, digests of what it was."""
    found = packed.setting(BEGUN_IN, {})
    return {str(pack): set(map(str, each)) for pack, each in found.items() if isinstance(each, list)}


def note_begun_in(project: Project, noted: dict[str, set[str]]) -> None:
    project.set_setting(BEGUN_IN, {pack: sorted(each) for pack, each in noted.items()})


def set_retracted(project: Project, ranking_id: int, at: str | None) -> None:
    """Take a ranking back as of that time; None lets it stand again."""
    with project.write() as database:
        database.execute("update rankings set retracted_at = ? where id = ?", (at, ranking_id))
        project.count_edit("rankings")


class Standing(NamedTuple):
    id: int
    uid: str


def standing(project: Project, group_id: int, labeler_id: int) -> Standing | None:
    """The labeler's ranking of the group that counts."""
    sql = "select id, uid from current_rankings where group_id = ? and labeler_id = ?"
    return next(iter(project.database.records(Standing, sql, group_id, labeler_id)), None)


class GroupText(NamedTuple):
    """A prompt and its completions by id: what a ranking was made of. Those that people wrote stand once more under
    `by_hand`, with the name of who did, and under `mended` where they were made of another."""

    prompt: str
    completions: dict[int, str]
    by_hand: dict[int, str]
    mended: dict[int, int]


def group_text(project: Project, group_id: int) -> GroupText | None:
    """None if there is no such group."""
    rows = project.database.execute(
        "select p.text, c.id, c.text, l.name, iif(json_valid(c.sampling), json_extract(c.sampling, '$.mended'), null)"
        " from completion_groups g join prompts p on p.id = g.prompt_id"
        " join completions c on c.group_id = g.id left join labelers l on l.id = c.written_by where g.id = ?"
        " order by c.id",
        (group_id,),
    ).fetchall()
    if not rows:
        return None
    texts, names = {row[1]: row[2] for row in rows}, {row[1]: row[3] for row in rows if row[3] is not None}
    return GroupText(rows[0][0], texts, names, {row[1]: row[4] for row in rows if isinstance(row[4], int)})


def answered(packed: Project, labeler: str) -> list[int]:
    """The groups in which the pack's labeler wrote answers."""
    sql = (
        "select distinct c.group_id from completions c join labelers l on l.id = c.written_by where l.name = ?"
        " order by c.group_id"
    )
    return packed.database.column(sql, labeler)
