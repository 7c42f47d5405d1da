"""The command `rank`: a labeler's session in the terminal, the same one that the window's Rank tab shows."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from core.cli.output import folder_argument, harmless, json_option, opened, quoted, say, show
from core.cli.trust import asking
from core.errors import BadInput
from core.labeling import gold
from core.labeling.calibration import verdict
from core.labeling.ordering import Ordering
from core.labeling.session import LabelingSession
from core.labeling.written import parse_order, write_order
from core.preferences import agreement
from core.preferences.agreement import Calibration
from core.preferences.judged_groups import OVERALL
from core.records import Verdict
from core.runs import wishes
from core.store import Project, completions, groups, guidelines, labelers, packed_rankings
from core.trust import gate

#: Differences from the author of the calibration set that are told.
DIFFERENCES = 8
#: Saves what is begun where that is no order.
DONE = "d"


@click.command()
@folder_argument
@click.option("--labeler", default="", help="Your name. Without one: who a labeling pack is for, else “me”.")
@click.option("--scripted", metavar="GOLD", help=f"Let a script rank everything by a gold reward: {gold.HELP}.")
@click.option("--group", "group_id", type=int, help="Rank this group of completions instead of the next one.")
@click.option("--order", help='An order such as "2>1=3>4": numbers as shown, > is better, = is a tie.')
@click.option("--flag", help="Flag the prompt instead of ordering its completions.")
@click.option("--good", type=int, multiple=True, help="Say that the completion shown with this number is good.")
@click.option("--bad", type=int, multiple=True, help="Say that it is bad; both may be given several times.")
@json_option
def rank(
    folder: Path, labeler: str, scripted: str | None, group_id: int | None, order: str | None, flag: str | None,
    good: tuple[int, ...], bad: tuple[int, ...], as_json: bool,
) -> None:  # fmt: skip
    """Rank completions: one after the other in the terminal, a single one, or all of them by a script."""
    with opened(folder) as project:
        if scripted:
            asking(lambda: gate.choose(project, wishes.of_gold(scripted)))
            unscored = gold.Unscored()
            done, left_out = gold.rank_all(project, scripted, unscored), groups.too_large(project)
            said = [f"Ranked {len(done.ids)} prompts by the script {scripted!r}."]
            text = " ".join([*said, *filter(None, [unscored.sentence, groups.too_large_sentence(left_out)])])
            counts = {"ranked": len(done.ids), "left_out": len(left_out), "unscored": unscored.groups}
            show({**counts, "labeler": f"scripted: {scripted}"}, as_json, text)
            return
        name = packed_rankings.labeler_here(project, labeler) or "me"
        session = LabelingSession(project, labelers.named(project, name))
        if order or flag or good or bad:
            values = _rank_one(session, group_id, order, flag, {"good": good, "bad": bad})
            show(values, as_json, f"Ranked group {values['group']}.")
            return
        waiting = session.waiting
        if lacks := groups.too_large_sentence(groups.too_large(project)):
            say(lacks, err=True)
        ranked = _walk(session)
        show({"ranked": ranked}, as_json, f"Ranked {ranked} of {max(waiting, ranked)} waiting.")


def _rank_one(
    session: LabelingSession, group_id: int | None, order: str | None, flag: str | None,
    verdicts: Mapping[Verdict, Sequence[int]],
) -> dict[str, int]:  # fmt: skip
    if group_id is None:
        session.open_next()
    else:
        session.editor.take_up(group_id)
    if session.group is None:
        raise BadInput("Everything is ranked: generate more completions, or name a --group.")
    group = session.group.id
    if not order and not flag:
        session.editor.take_up(group)
    given = _given(session, order, flag)
    if both := set(verdicts["good"]) & set(verdicts["bad"]):
        raise BadInput(f"Answer {min(both)} cannot be good and bad: name it once.")
    for said, numbers in verdicts.items():
        for number in numbers:
            given = given.with_verdict(_numbered(session, number), said)
    session.editor.stand_by()
    return {"ranking": _save(session, given, timed=False), "group": group}


def _walk(session: LabelingSession) -> int:
    """Show one group after the other, until all are ranked or put off; returns how many were ranked. Aborts at the end
    of the input."""
    ranked, put_off, last = 0, set[int](), None
    session.open_next()
    while (group := session.group) is not None and group.id not in put_off:
        if group is not last:
            _show_item(session)
        last = group
        try:
            answer = _ask(session)
            if answer.startswith("w "):
                session.editor.write(answer[2:])
                last = None
            elif mended := re.fullmatch(r"m (\d{1,9}) (.+)", answer, re.DOTALL):
                session.editor.write(mended[2], _numbered(session, int(mended[1])))
                last = None
            elif judged := re.fullmatch(r"([gb]) (\d{1,9})", answer):
                _judge(session, "good" if judged[1] == "g" else "bad", int(judged[2]))
            elif answer == "s":
                put_off.add(group.id)
                session.skip()
            elif answer == "u":
                changes = session.undo()
                say(f"{changes.label}.", err=True)
                ranked -= "rankings" in changes.tables
                put_off.discard(session.group.id if session.group is not None else 0)
            else:
                _save(session, _answered(session, answer))
                ranked += 1
        except BadInput as error:
            say(str(error), err=True)
    return max(ranked, 0)


def _show_item(session: LabelingSession) -> None:
    assert session.group is not None
    found = {item.id: item for item in session.group.completions}
    say(f"\n{quoted(session.group.prompt.text)}\n", err=True)
    for number, item in enumerate(session.ordering.shown, start=1):
        hand = f" ({found[item].by_hand.lower()})" if found[item].by_hand else ""
        said = f" ({session.ordering.verdicts[item]})" if item in session.ordering.verdicts else ""
        say(quoted(found[item].text, f"  {number}{hand}{said}  "), err=True)


def _judge(session: LabelingSession, said: Verdict, number: int) -> None:
    """A verdict by itself on the completion of that number; the same one again takes it back."""
    item = _numbered(session, number)
    session.editor.change(session.ordering.judge(item, said))
    say(f"{number} is {session.ordering.verdicts.get(item, 'neither good nor bad')}.", err=True)


def _numbered(session: LabelingSession, number: int) -> int:
    """The completion that is shown with this number."""
    shown = session.ordering.shown
    if not 1 <= number <= len(shown):
        raise BadInput(f"There is no answer {number}: name one from 1 to {len(shown)}.")
    return shown[number - 1]


def _ask(session: LabelingSession) -> str:
    """What the labeler types; what was begun, here or in the window, is offered."""
    flags = ", ".join(guidelines.flags(guidelines.current(session.project)))
    begun = write_order(_overall(session)) or DONE if session.saveable else ""
    text = (
        f"Order (2>1=3), s to skip, u to undo, g 2 or b 2 for a good or bad answer, f NAME to flag ({flags}), w TEXT or"
        " m 2 TEXT to write or mend an answer"
    )
    return str(click.prompt(harmless(text), default=begun or None, err=True)).strip()


def _answered(session: LabelingSession, answer: str) -> Ordering:
    if answer.startswith("f "):
        return _given(session, None, answer[1:].strip())
    if session.saveable and answer in (write_order(_overall(session)), DONE):
        return session.ordering  # with its comment and flags
    return _given(session, answer, None)


def _overall(session: LabelingSession) -> Ordering:
    """What is on the table as the order as a whole, whichever criterion was ordered last in the window."""
    return session.ordering.switch(OVERALL)


def _given(session: LabelingSession, order: str | None, flag: str | None) -> Ordering:
    """An order as it was typed, a flag, or both; what was begun keeps its criteria, comment and flags of cards, and the
    order where neither was typed."""
    begun = _overall(session)
    if not order and not flag:
        return begun
    known = guidelines.flags(guidelines.current(session.project))
    if flag and known and flag not in known:
        raise BadInput(f"The guidelines define no flag {flag!r}: choose one of {', '.join(known)}.")
    ranks = parse_order(order, begun.shown) if order else dict.fromkeys(begun.shown)
    return begun.with_ranks(ranks).with_flag(flag or None)


def _save(session: LabelingSession, ordering: Ordering, *, timed: bool = True) -> int:
    """Store the ranking and go on; after the calibration set, tell how it went. Returns the ranking's id."""
    ends_calibration = session.ends_calibration
    session.editor.change(ordering)
    ranking = session.save(timed=timed).ids[0]
    if ends_calibration:
        found = agreement.against_calibration(session.project, session.labeler.id)
        if found.ranked:
            _tell(session.project, found)
    return ranking


def _tell(project: Project, found: Calibration) -> None:
    say(f"\nThe calibration set is done. {verdict(found).text}", err=True)
    for difference in found.differences[:DIFFERENCES]:
        texts = {item.id: item.text for item in completions.group(project, difference.group_id).completions}
        say(f"\n{quoted(difference.prompt)}\n\n  author  you", err=True)
        for item in sorted(difference.key, key=lambda item: difference.key[item] or len(texts) + 1):
            author, mine = (ranks.get(item) or "–" for ranks in (difference.key, difference.theirs))
            say(quoted(texts.get(item, ""), f"  {author!s:>6}  {mine!s:>3}  "), err=True)


COMMANDS = (rank,)
