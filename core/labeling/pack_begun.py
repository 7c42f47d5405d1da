"""What a labeler began in an earlier pack and did not save comes along to a newer one: orders and answers."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from core.labeling import pack_answers, pack_reading
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.drafts import Begun, Drafts
from core.labeling.ordering import Ordering
from core.labeling.pack_report import Merged, not_saved, short
from core.labeling.pairwise import Answers, Tiers
from core.records import Labeler
from core.store import Project, assignments, completions, drafts, labelers, packed_rankings, rankings
from core.store.packed_rankings import GroupText
from core.texts import whole

ANOTHER = "another order of it is begun here"
RANKED = "it is ranked here"
DECIDES = "it decides between labelers, which is done in the project itself"
UNREADABLE = "it cannot be read"


class BegunWork:
    """Of an `earlier` pack in the folder `name`, for the labeler who is `there` in it and `here` in `project`. Its
    rankings and the answers that were added in it came along before.

    What a newer pack took from it is `done`, as long as it is what it was then: it went on there. `looked_at` is that,
    and what is taken now."""

    def __init__(
        self, project: Project, here: Labeler, earlier: Project, there: Labeler, name: str, done: Iterable[str] = ()
    ) -> None:
        self.project, self.here, self.earlier, self.there, self.name = project, here, earlier, there, name
        self.report = Merged()
        self.done, self.looked_at = frozenset(done), set(done)
        queue, before = assignments.queue(project, here.id), assignments.queue(earlier, there.id)
        self.orders = Drafts(project, here.id, partial(seen, project, here.id, queue.repeats))
        self.earlier_orders = Drafts(earlier, there.id, partial(seen, earlier, there.id, before.repeats))
        self.answers, self.earlier_answers = AnswerDrafts(project, here.id), AnswerDrafts(earlier, there.id)
        self.waiting = frozenset(queue.waiting)
        self.known = packed_rankings.known(project)
        self.uids = {
            each.id: uid for uid, each in packed_rankings.known(earlier).items() if each.labeler_id == there.id
        }

    def bring(self) -> Merged:
        """Bring along what belongs to a prompt that is in both, in one transaction; the rest is named."""
        total = Merged()
        with self.project.write():
            orders = set(drafts.groups(self.earlier, self.there.id))
            for group_id in sorted(orders | self.earlier_answers.groups()):
                total += self._brought(group_id, group_id in orders)
        return total

    def _brought(self, group_id: int, ordered: bool) -> Merged:
        """What comes along for one prompt; where that cannot be read, nothing of it does."""
        self.report, before = Merged(), set(self.looked_at)
        try:
            with self.project.write():
                self._take(group_id)
        except pack_reading.SPOILT as error:
            pack_reading.raise_if_of_the_machine(error)
            self.report, self.looked_at = Merged(), before
            self._leave(None, UNREADABLE, times=len(self.earlier_answers.keys(group_id)) + ordered)
        return self.report

    def _take(self, group_id: int) -> None:
        ours, theirs = (packed_rankings.group_text(each, group_id) for each in (self.project, self.earlier))
        fault = "is not in this pack"
        if ours is not None and theirs is not None:
            fault = pack_answers.fault(ours, theirs, self.there.name)
        order, texts = self._new_order(group_id, theirs), self._new_answers(group_id, theirs)
        if theirs is None or fault:
            self._leave(theirs, f"it {fault}", times=len(texts) + (order is not None))
            return
        numbers, added = pack_answers.numbers(self.project, group_id, theirs, self.here)
        self.report.answers += added
        for of, text in texts:
            self._answer(group_id, numbers.get(of, NEW), text)
            self.looked_at.add(_digest(group_id, of, text))
        if order is not None:
            self._order(group_id, theirs, numbers, order)
            self.looked_at.add(_digest(group_id, drafts.stored(self.earlier, self.there.id, group_id)))

    def _new_order(self, group_id: int, theirs: GroupText | None) -> Begun | None:
        """The order that is begun there, if it says something, can be read and is not `done`."""
        try:
            order, stored = self.earlier_orders.get(group_id), drafts.stored(self.earlier, self.there.id, group_id)
        except pack_reading.SPOILT as error:
            pack_reading.raise_if_of_the_machine(error)
            self._leave(theirs, UNREADABLE)
            return None
        new = _says_something(order) and _digest(group_id, stored) not in self.done
        return order if new else None

    def _new_answers(self, group_id: int, theirs: GroupText | None) -> list[tuple[int, str]]:
        """The answers that are begun there and not `done`, with what each mends; those that cannot be read are named,
        each by itself."""
        found = []
        for of, key in self.earlier_answers.keys(group_id):
            try:
                text = self.earlier_answers.read(key)
            except pack_reading.SPOILT as error:
                pack_reading.raise_if_of_the_machine(error)
                self._leave(theirs, UNREADABLE)
                continue
            if text is not None and _digest(group_id, of, text) not in self.done:
                found.append((of, text))
        return found

    def _answer(self, group_id: int, of: int, text: str) -> None:
        """Beside whatever is being typed there, unless it is there, or an answer by now."""
        said = completions.texts(self.project, completions.ids(self.project, group_id)).values()
        if whole(text) not in said and text not in (kept for _, kept in self.answers.texts(group_id)):
            self.answers.taken_back(group_id, of, text)
            self.report.begun += 1

    def _order(self, group_id: int, theirs: GroupText, numbers: Mapping[int, int], order: Begun) -> None:
        left = order.ordering.among(tuple(item for item in order.ordering.shown if item in numbers))
        found = replace(order, ordering=renumbered(left, numbers), source=self._source(order))
        there = self.orders.get(group_id)
        if there is not None and there.ordering == found.ordering.among(there.ordering.shown):
            return
        if order.adjudicating and not rankings.adjudicated_by(self.project, group_id, self.here.id):
            self._leave(theirs, DECIDES)
        elif there is not None:
            self._leave(theirs, ANOTHER)
        elif not self._open(group_id, found.source):
            self._leave(theirs, RANKED)
        else:
            self.orders.keep(group_id, found)
            self.report.begun += 1

    def _source(self, order: Begun) -> int | None:
        """The number here of the ranking that it revises."""
        known = self.known.get(self.uids.get(order.source or 0, ""))
        return None if known is None else known.id

    def _open(self, group_id: int, source: int | None) -> bool:
        """Has it still to be ranked here, or does the ranking that is revised still stand?"""
        standing = packed_rankings.standing(self.project, group_id, self.here.id)
        return standing is None or group_id in self.waiting or standing.id == source

    def _leave(self, theirs: GroupText | None, why: str, times: int = 1) -> None:
        prompt = f"“{short(theirs.prompt)}”" if theirs else "a prompt"
        said = f"What was begun for {prompt} stays in the earlier project “{self.name}”: {why}."
        self.report.begun_left += [said] * times


def not_merged(project: Project, packed: Project, labeler: str) -> list[str]:
    """A sentence about the orders that a pack's labeler began in it and did not save; none about what is here, too, nor
    about comments, which come home (`pack_remarks`)."""
    here, there = labelers.find(project, labeler), labelers.find(packed, labeler)
    if here is None or there is None:
        return []
    try:
        orders = Drafts(packed, there.id, lambda group_id: tuple(completions.ids(packed, group_id)))
        begun = [
            group_id
            for group_id in drafts.groups(packed, there.id)
            if drafts.stored(packed, there.id, group_id) != drafts.stored(project, here.id, group_id)
            and _is_begun(orders.get(group_id))
        ]
    except pack_reading.SPOILT as error:
        pack_reading.raise_if_of_the_machine(error)
        return [f"What is begun in the pack and not saved stays there: {UNREADABLE}."]
    if not begun:
        return []
    known = packed_rankings.group_text(project, begun[0])
    return [not_saved(len(begun), f", for “{short(known.prompt)}”" if known is not None else "")]


def seen(project: Project, labeler_id: int, repeats: Collection[int], group_id: int) -> tuple[int, ...]:
    """The completions as the labeler sees them: answers about two of them are an order only in this one."""
    ids, by_hand = completions.ids(project, group_id), completions.written_by_hand(project, group_id)
    return tuple(rankings.shown_order(group_id, labeler_id, ids, again=group_id in repeats, by_hand=by_hand))


def _digest(*parts: object) -> str:
    """By which one thing begun is known again."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _says_something(order: Begun | None) -> bool:
    return order is not None and (_is_begun(order) or bool(order.ordering.comment.strip()))


def _is_begun(order: Begun | None) -> bool:
    return order is not None and order.ordering.has_work


def renumbered(ordering: Ordering, numbers: Mapping[int, int]) -> Ordering:
    """The same with other numbers of its completions."""

    def placed(tiers: Tiers) -> Tiers:
        return tuple(tuple(numbers[item] for item in tier) for tier in tiers)

    def compared(answers: Answers) -> Answers:
        return tuple((numbers[one], numbers[two], sign) for one, two, sign in answers)

    return replace(
        ordering,
        shown=tuple(numbers[item] for item in ordering.shown),
        tiers=placed(ordering.tiers),
        answers=compared(ordering.answers),
        flags={numbers[item]: flag for item, flag in ordering.flags.items()},
        verdicts={numbers[item]: verdict for item, verdict in ordering.verdicts.items()},
        others={name: (placed(tiers), compared(answers)) for name, (tiers, answers) in ordering.others.items()},
        aside={method: renumbered(each, numbers) for method, each in ordering.aside.items()},
    )
