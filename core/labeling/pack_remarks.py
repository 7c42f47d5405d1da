"""Comments that a labeler typed in a pack on what they did not rank or vote on there: they come home as begun."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from core.labeling import pack_answers, pack_reading
from core.labeling.drafts import Begun, Drafts, RankedElsewhere
from core.labeling.ordering import Ordering
from core.labeling.pack_begun import seen
from core.labeling.pack_check import MOST_COMMENT
from core.labeling.pack_report import Merged, remark_left
from core.labeling.page_items import same
from core.records import Labeler
from core.store import Project, assignments, drafts, labelers, packed_rankings, packed_votes, rankings, vote_remarks
from core.store.begun import digest
from core.store.typed import both
from core.texts import whole

#: The project's setting: digests of the comments that went out with packs.
HANDED_OUT = "comments_in_packs"
TOO_LONG = f"takes no comment of more than {MOST_COMMENT:,} letters"


class Remark(NamedTuple):
    """What was said of a group; `fault` says why it cannot be said here, as the end of a sentence."""

    group: int
    text: str
    fault: str = ""


def of_page(project: Project, person: Labeler, found: Iterable[tuple[int, str, str]]) -> Merged:
    """Take over those of a page: the group of each, its text, and by what its group is known (`page_items.same`)."""
    return _take(project, person, (Remark(group, text, _other(project, group, name)) for group, text, name in found))


def of_pack(project: Project, packed: Project, path: Path) -> Merged:
    """Take over those of the labeler of a pack that is a project and was read from `path`, on prompts and on pairs of
    an arena. What cannot be read is left in it, and said."""
    name = pack_reading.labeler(packed, path)
    here, there = labelers.find(project, name), labelers.find(packed, name)
    if here is None or there is None:
        return Merged()
    report = Merged()
    for take in (_on_prompts, _on_pairs):
        try:
            report += take(project, packed, here, there)
        except pack_reading.SPOILT as error:
            pack_reading.raise_if_of_the_machine(error)
            report.begun_left.append(remark_left("", "cannot be read"))
    return report


def note_handed_out(project: Project, person: Labeler) -> None:
    """A pack takes along what `person` typed so far: as long as that stays so in it, it is no news of it."""
    begun, said = _drafts(project, person), list[str]()
    for group in drafts.groups(project, person.id):
        with _leaving_what_is_damaged():
            if (found := begun.get(group)) is not None:
                said.append(_digest(person, group, found.ordering.comment))
    with _leaving_what_is_damaged():
        pairs = vote_remarks.of(vote_remarks.read(project), person.id)
        said += [_digest(person, sorted(pair), text) for pair, text in pairs.items()]
    before = _handed_out(project)
    if not before.issuperset(said):
        project.set_setting(HANDED_OUT, sorted(before.union(said)))


def _handed_out(project: Project) -> set[str]:
    kept = project.setting(HANDED_OUT)
    return {each for each in kept if isinstance(each, str)} if isinstance(kept, list) else set()


def _digest(person: Labeler, on: object, text: str) -> str:
    return digest(repr((person.name, on, text.strip())))[:32]


def _on_prompts(project: Project, packed: Project, here: Labeler, there: Labeler) -> Merged:
    known = _handed_out(project)
    found = _begun_in(project, packed, there)
    return _take(project, here, (each for each in found if _digest(here, each.group, each.text) not in known))


def _begun_in(project: Project, packed: Project, there: Labeler) -> Iterator[Remark]:
    begun = _drafts(packed, there)
    for group in drafts.groups(packed, there.id):
        with _leaving_what_is_damaged():
            found, theirs = begun.get(group), packed_rankings.group_text(packed, group)
            if found is not None and found.ordering.comment.strip():
                ours = packed_rankings.group_text(project, group)
                fault = pack_answers.CHANGED
                if ours is not None and theirs is not None:
                    fault = pack_answers.fault(ours, theirs, there.name)
                yield Remark(group, found.ordering.comment, fault)


def _on_pairs(project: Project, packed: Project, here: Labeler, there: Labeler) -> Merged:
    """Those on pairs of an arena that are not voted on, each beside what is typed on the pair here."""
    report, typed, handed_out = Merged(), dict[str, str](), _handed_out(project)
    with project.write():
        known = vote_remarks.of(vote_remarks.read(project), here.id)
        for pair, text in vote_remarks.of(vote_remarks.read(packed), there.id).items():
            if _digest(here, sorted(pair), text) in handed_out:
                continue
            words = packed_votes.pair(project, *pair) if len(pair) == 2 else None
            said = packed_votes.comment_of(project, here.id, *pair) if words else None
            before = known.get(pair, "")
            if words is None or words != packed_votes.pair(packed, *pair):
                report.begun_left.append(remark_left(text, "is not in this project any more, or says other words now"))
            elif len(text) > MOST_COMMENT:
                report.begun_left.append(remark_left(text, TOO_LONG))
            elif text not in (said or "") and both(before, text) != before:
                typed[vote_remarks.name_of(pair, here.id)] = text
                report.remarks += 1
        vote_remarks.write(project, typed, {})
        vote_remarks.forget_voted(project, here.id)
    return report


def _other(project: Project, group: int, name: str) -> str:
    ours = packed_rankings.group_text(project, group)
    there = ours is not None and same(ours.prompt, ours.completions, ours.by_hand) == name
    return "" if there else pack_answers.CHANGED


def _take(project: Project, person: Labeler, found: Iterable[Remark]) -> Merged:
    """In one transaction, each beside what `person` has begun here. What the ranking that counts says is not begun any
    more; what belongs to nothing of here is named."""
    report, begun = Merged(), _drafts(project, person)
    with project.write():
        for group, said, fault in found:
            text = whole(said).strip()
            if not fault and len(text) > MOST_COMMENT:
                fault = TOO_LONG
            if not fault and text in _ranked_with(project, person, group):
                continue
            try:
                report.remarks += not fault and _say(begun, group, text)
            except RankedElsewhere:
                fault = (
                    "has an older order begun here than its ranking: save that or take it back, and merge this again"
                )
            except pack_reading.SPOILT as error:
                pack_reading.raise_if_of_the_machine(error)
                fault = "has something begun here that cannot be read"
            if fault:
                report.begun_left.append(remark_left(text, fault))
        for group in drafts.groups(project, person.id):
            with _leaving_what_is_damaged():
                _forget_said(begun, group, _ranked_with(project, person, group))
    return report


@contextmanager
def _leaving_what_is_damaged() -> Iterator[None]:
    try:
        yield
    except pack_reading.SPOILT as error:
        pack_reading.raise_if_of_the_machine(error)


def _say(begun: Drafts, group: int, text: str) -> bool:
    """Is it news?"""
    there = begun.get(group)
    kept = there or Begun(Ordering(seen(begun.project, begun.labeler_id, (), group)))
    comment = both(kept.ordering.comment, text)
    if comment == kept.ordering.comment:
        return False
    if not kept.ordering.has_work:  # a comment alone goes over no ranking
        begun.note_ranked(group)
    begun.keep(group, replace(kept, ordering=kept.ordering.with_comment(comment)))
    return True


def _forget_said(begun: Drafts, group: int, ranked_with: str) -> None:
    """A comment without an order is done with once a ranking says it."""
    there = begun.get(group)
    if there is None or there.ordering.has_work or there.source is not None or there.adjudicating:
        return
    if there.ordering.comment.strip() and there.ordering.comment.strip() in ranked_with:
        begun.note_ranked(group)
        begun.keep(group, None)


def _ranked_with(project: Project, person: Labeler, group: int) -> str:
    """The comment of the person's ranking of a group that counts; empty for none."""
    standing = packed_rankings.standing(project, group, person.id)
    return rankings.get(project, standing.id).comment if standing is not None else ""


def _drafts(project: Project, labeler: Labeler) -> Drafts:
    repeats = assignments.queue(project, labeler.id).repeats
    return Drafts(project, labeler.id, partial(seen, project, labeler.id, repeats))
