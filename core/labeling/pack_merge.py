"""What a labeling pack brings back joins its project: rankings, answers, what was taken back and what stands again."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from core.errors import BadInput
from core.humanize import readable
from core.labeling import pack_answers, pack_brought, pack_check, pack_reading, pack_votes
from core.labeling.pack_brought import Brought
from core.labeling.pack_report import Merged, short
from core.records import Labeler
from core.store import Project, conflicts, guidelines, labelers, now, packed_rankings, rankings
from core.store.conflicts import Sides
from core.store.packed_rankings import GroupText, PackedRanking, Standing


def merge(project: Project, packed: Project, path: Path) -> Merged:
    """Take over the rankings of a pack that was read from `path`, and the answers that were written in it, in one
    transaction. Raises `BadInput` for a pack of another project, of nobody who ranks here, or that is damaged."""
    name = pack_reading.labeler(packed, path)
    person = labeler_here(project, packed.setting("uid"), name, path)
    try:
        brought = pack_brought.of_project(packed, name, unpacked=path.is_dir())
    except (sqlite3.Error, UnicodeError) as error:
        pack_reading.raise_if_of_the_machine(error)
        raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error
    with project.write():
        merging = Merge(project, brought, person, readable(path.name))
        report = merging.run()
        try:
            return report + pack_votes.merge(project, packed, person, merging.origin, merging.version)
        except (sqlite3.Error, UnicodeError) as error:
            pack_reading.raise_if_of_the_machine(error)
            raise BadInput(f"{path} is no labeling pack, or it is damaged: ask for it again.") from error


def labeler_here(project: Project, uid: object, name: str, path: Path) -> Labeler:
    """Who ranked in a pack for `name` of the project `uid`. Raises `BadInput` where that is not this project, or nobody
    here."""
    if uid != project.setting("uid"):
        raise BadInput(f"{path.name} was made from another project: open that one to merge it.")
    person = labelers.find(project, name)
    if person is None or person.kind != "person":  # nobody packs for a script or a judge, which rank by themselves
        raise BadInput(f"{path.name} is for “{name}”, for whom no pack was made here: merge it where it was made.")
    return person


def take(project: Project, brought: Brought, person: Labeler, path: Path) -> Merged:
    """Take over what was read from `path`, in one transaction."""
    with project.write():
        return Merge(project, brought, person, readable(path.name)).run()


def holds_news(project: Project, packed: Project, name: str) -> bool:
    """Did the pack's labeler `name` rank, take back or write anything in it that is not known here?"""
    person = labelers.find(project, name)
    if person is None:
        known = packed_rankings.listed(packed, name) or packed_rankings.answered(packed, name)
        return bool(known or pack_votes.holds_new(project, packed, name))
    brought = pack_brought.of_project(packed, name)
    news = map(Merge(project, brought, person, "").is_news, brought.rankings)
    return any(news) or pack_votes.holds_new(project, packed, name) or pack_answers.holds_new(project, packed, name)


def holds_more(project: Project, packed: Project, name: str) -> bool:
    """Did the pack's labeler `name` rank or write anything in it that was never in `project`, another copy of it?"""
    here = packed_rankings.known(project)
    more = any(each.uid not in here for each in packed_rankings.listed(packed, name))
    more = more or pack_votes.holds_new(project, packed, name)
    return more or pack_answers.holds_new(project, packed, name)


class Merge:
    """Of what `person` did in a pack, whose file is called `origin`."""

    def __init__(self, project: Project, brought: Brought, person: Labeler, origin: str) -> None:
        self.project, self.brought, self.person, self.origin = project, brought, person, origin
        self.report = Merged(refused=list(brought.refused))
        self.there = packed_rankings.known(project)
        self.handed_out = brought.handed_out
        seen = packed_rankings.seen_packings(project)
        self.is_older = not brought.unpacked and not seen.isdisjoint(self.handed_out.packings[-1:])
        """Was it merged before, or packed before another one that was? It says nothing new of what is known then."""
        self.taken_back = packed_rankings.taken_back(project)
        self.conflicts = conflicts.by_theirs(project)
        self.undecided = brought.undecided
        self.ours: dict[int, int] = {}
        """The ids here of rankings of the pack."""
        self.versions: dict[int, tuple[int, bool]] = {}
        """The ids here of versions of the guidelines in the pack; is each the same?"""

    def run(self) -> Merged:
        by_group: dict[int, list[PackedRanking]] = defaultdict(list)
        for ranking in self.brought.rankings:
            by_group[ranking.group_id].append(ranking)
        for group_id in dict.fromkeys([*by_group, *self.brought.answered]):
            if len(by_group[group_id]) > pack_check.MOST_OF_ONE:
                self.report.refused.append(f"Group {group_id} is left out: nobody ranks a prompt so often.")
            elif text := self._same_group(group_id):
                self._take(group_id, text, by_group[group_id])
        if self.taken_back != packed_rankings.taken_back(self.project):
            packed_rankings.note_taken_back(self.project, self.taken_back)
        if not self.report.refused:
            packed_rankings.note_seen(self.project, self.handed_out.packings)
        return self.report

    def is_news(self, ranking: PackedRanking) -> bool:
        return ranking.uid not in self.there or self._takes_back(ranking) or self._was_restored_there(ranking)

    def _same_group(self, group_id: int) -> GroupText | None:
        """The group here that the pack has, too, with the same completions."""
        ours, theirs, fault = packed_rankings.group_text(self.project, group_id), None, pack_answers.CHANGED
        try:
            theirs = self.brought.text_of(group_id)
        except pack_reading.SPOILT as error:
            pack_reading.raise_if_of_the_machine(error)
            fault = "is damaged in the pack"
        if ours is not None and theirs is not None:
            fault = pack_answers.fault(ours, theirs, self.person.name)
        if not fault:
            return theirs
        prompt = f"“{short(theirs.prompt)}”" if theirs else f"Group {group_id}"
        self.report.refused.append(f"{prompt} {fault}.")
        return None

    def _take(self, group_id: int, text: GroupText, found: list[PackedRanking]) -> None:
        here, answers = pack_answers.numbers(self.project, group_id, text, self.person)
        self.report.answers += answers
        good = self._possible(found, text, here)
        rival = self._rival(group_id, good)
        current = next((each for each in reversed(good) if each.could_count), None)
        for each in good:
            if each.uid in self.there:
                if each is current and not self.is_older:
                    self._conflict_of_known(each, rival, good)
                self._known(each, rival)
                continue
            new = self._add(each, here, now() if rival and not each.repeat_of else None)
            if rival and each is current:
                self._conflict(rival.id, new, good)
            elif not each.retracted_at:
                self.report.added += 1
        for each in good:
            if each.id in self.undecided and each.retracted_at and not (each.repeat_of or each.uid in self.there):
                self._undecided(self.ours[each.id], group_id)

    def _rival(self, group_id: int, good: list[PackedRanking]) -> Standing | None:
        """What counts here and does not stand in the pack, as far as that is no news of it."""
        ours = packed_rankings.standing(self.project, group_id, self.person.id)
        if ours is None:
            return None
        seen = {each.uid for each in good if not each.retracted_at or self._takes_back(each)}
        return None if ours.uid in seen else ours

    def _undecided(self, new: int, group_id: int) -> None:
        """What waits in the pack beside another one waits here, too, unless nothing counts here."""
        rival = packed_rankings.standing(self.project, group_id, self.person.id)
        if rival is not None:
            conflicts.add(self.project, rival.id, new)
            self.report.conflicts += 1
        else:
            packed_rankings.set_retracted(self.project, new, None)
            self.report.added += 1

    def _possible(self, found: list[PackedRanking], text: GroupText, here: dict[int, int]) -> list[PackedRanking]:
        """Those that the labeler could have made of this group, oldest first; answers that they name are `here` again.
        What was taken back, and whatever repeats it, comes with the answers that the others brought."""
        late: set[int] = set()
        for each in found:
            if (self._taken_back_there(each) and _missing(each, here)) or each.repeat_of in late:
                late.add(each.id)
        good: dict[int, PackedRanking] = {}
        for each in sorted(found, key=lambda each: each.id in late):
            if not self._refused(each, text, good.keys(), here):
                good[each.id] = each
        return [good[each.id] for each in found if each.id in good]

    def _refused(self, ranking: PackedRanking, text: GroupText, earlier: Collection[int], here: dict[int, int]) -> bool:
        """Is it nothing that the labeler could have made of this group? One that is here already says nothing new."""
        mine = self.there.get(ranking.uid)
        if mine is not None:
            same = (mine.group_id, mine.labeler_id) == (ranking.group_id, self.person.id)
            reason = "" if same else "it goes by the number of another ranking"
            if ranking.retracted_at and not pack_check.is_time(ranking.retracted_at):
                reason = "its record is damaged"
        else:
            decides = rankings.adjudicated_by(self.project, ranking.group_id, self.person.id)
            reason = pack_check.fault(ranking, text.completions, text.by_hand, decides=decides, criteria=self._criteria)
        if ranking.repeat_of is not None and ranking.repeat_of not in earlier:
            reason = reason or "it repeats a ranking that is left out, or not in the pack"
        if mine is None and not reason:
            reason = self._brings_again(ranking, text, here)
        if reason:
            self.report.refused.append(f"A ranking of “{short(text.prompt)}” is left out: {reason}.")
        return bool(reason)

    def _criteria(self) -> set[str]:
        """All that a version of the guidelines here names."""
        return {name for each in guidelines.versions(self.project) for name in guidelines.criteria(each)}

    def _brings_again(self, ranking: PackedRanking, text: GroupText, here: dict[int, int]) -> str:
        """Answers that it names and that were taken back here are answers again, all or none; or why they cannot be. A
        ranking that was taken back itself brings none."""
        missing = _missing(ranking, here)
        if missing and self._taken_back_there(ranking):
            return "it was taken back in the pack, and it names an answer that is not here any more"
        try:
            with self.project.write():
                again = {each: pack_answers.again(self.project, ranking.group_id, each, text) for each in missing}
        except BadInput as error:
            return f"{str(error)[0].lower()}{str(error)[1:]}".removesuffix(".")
        here.update(again)
        self.report.answers += len(again)
        return ""

    def _known(self, ranking: PackedRanking, rival: Standing | None) -> None:
        """Only what the pack's labeler did since it was handed out, or merged last, is news: what was taken back here
        stays so."""
        here = self.there[ranking.uid]
        self.ours[ranking.id] = here.id
        self.report.known += 1
        if self._takes_back(ranking):
            packed_rankings.set_retracted(self.project, here.id, ranking.retracted_at)
            self._note(ranking)
            self.report.retracted += 1
        elif self._was_restored_there(ranking) and (ranking.repeat_of or not rival):
            del self.taken_back[ranking.uid]
            packed_rankings.set_retracted(self.project, here.id, None)
            self.report.restored += 1

    def _was_restored_there(self, ranking: PackedRanking) -> bool:
        """Was it taken back here only because it was in this pack, where it stands by now? A file that was packed
        before, or in another copy of the pack, does not say so."""
        pack, at, packing = [*self.taken_back.get(ranking.uid, ()), "", "", ""][:3]
        if self.is_older or ranking.retracted_at or (packing and packing not in self.handed_out.packings):
            return False
        return bool(at) and (pack, at) == (self.handed_out.id, self.there[ranking.uid].retracted_at)

    def _conflict_of_known(self, ranking: PackedRanking, rival: Standing | None, good: list[PackedRanking]) -> None:
        """The ranking that counts in the pack may have no effect here: it came back beside one from home, or it is an
        earlier version, and the one that was in conflict was taken back. Then it is looked at."""
        here = self.there[ranking.uid]
        if not here.retracted_at:
            return
        if self._was_restored_there(ranking):
            if rival:
                del self.taken_back[ranking.uid]
                self._conflict(rival.id, here.id, good)
        elif here.id not in self.conflicts and (ours := self._home_side(ranking, good)):
            self._conflict(rival.id if rival else ours, here.id, good)

    def _home_side(self, ranking: PackedRanking, good: list[PackedRanking]) -> int | None:
        """The ranking from home that another version is or was in conflict with, in whose place this one stands."""
        for each in reversed(good):
            found = None if self._kept_back(each) else self._earlier_conflict(each)
            if found and (not found.taken or (each.retracted_at and each.id > ranking.id)):
                if found.ours != self.there[ranking.uid].id:
                    return found.ours
                if self._takes_back(each):
                    return self.there[each.uid].id
        return None

    def _earlier_conflict(self, ranking: PackedRanking) -> Sides | None:
        """The conflict of an earlier merge that it is in."""
        known = self.there.get(ranking.uid)
        return self.conflicts.get(known.id) if known else None

    def _conflict(self, ours: int, theirs: int, good: list[PackedRanking]) -> None:
        """One for the group: what still waits of another version is about this one from now on."""
        for earlier in (self._earlier_conflict(each) for each in good if not self._kept_back(each)):
            if earlier and not earlier.taken:
                conflicts.set_sides(self.project, earlier.id, ours, theirs)
                break
        else:
            conflicts.add(self.project, ours, theirs)
        self.report.conflicts += 1

    def _taken_back_there(self, ranking: PackedRanking) -> bool:
        """Did somebody take it back in the pack, and not only a merge?"""
        return bool(ranking.retracted_at) and ranking.id not in self.undecided

    def _kept_back(self, ranking: PackedRanking) -> bool:
        """Does it not stand in the pack, without that its labeler did that in it?"""
        return bool(ranking.retracted_at) and (
            ranking.id in self.undecided or ranking.uid in self.handed_out.taken_back
        )

    def _takes_back(self, ranking: PackedRanking) -> bool:
        """Did its labeler take it back in the pack while it stands here, after the pack was handed out? Those of older
        versions do not say when that was."""
        here = self.there.get(ranking.uid)
        if here is None or here.retracted_at or not ranking.retracted_at or self._kept_back(ranking):
            return False
        return not self.is_older and bool(self.handed_out.id or here.origin)

    def _note(self, ranking: PackedRanking) -> None:
        self.taken_back[ranking.uid] = [
            self.handed_out.id, ranking.retracted_at or "", *self.handed_out.packings[-1:],
        ]  # fmt: skip

    def _add(self, ranking: PackedRanking, here: dict[int, int], retracted: str | None) -> int:
        version, same = self._version(ranking.guidelines_id)
        self.report.reworded += not same
        new = replace(
            ranking.of_completions(here), labeler_id=self.person.id, guidelines_id=version,
            retracted_at=ranking.retracted_at or retracted,
            repeat_of=self.ours.get(ranking.repeat_of) if ranking.repeat_of else None, origin=self.origin,
        )  # fmt: skip
        if self._taken_back_there(ranking):
            self._note(ranking)
        self.ours[ranking.id] = packed_rankings.add(self.project, new)
        return self.ours[ranking.id]

    def version(self, guidelines_id: int) -> int:
        """The number here of a version of the guidelines in the pack, or of the newest that both have."""
        return self._version(guidelines_id)[0]

    def _version(self, guidelines_id: int) -> tuple[int, bool]:
        if guidelines_id not in self.versions:
            self.versions[guidelines_id] = self._matching(guidelines_id)
        return self.versions[guidelines_id]

    def _matching(self, guidelines_id: int) -> tuple[int, bool]:
        """The same version of the guidelines here; for one that only the pack has, the newest that both have."""
        ours = {guidelines.digest(each): each.id for each in reversed(guidelines.versions(self.project))}
        for theirs, digest in self.brought.versions:
            if theirs <= guidelines_id and (found := ours.get(digest)):
                return found, theirs == guidelines_id
        raise BadInput("The pack was made under guidelines that this project never had: merge it where it was made.")


def _missing(ranking: PackedRanking, here: Collection[int]) -> list[int]:
    """The completions that it names, by their numbers in the pack, and that are not here."""
    return [item.completion_id for item in ranking.items if item.completion_id not in here]
