"""`arena vote --whole` in the terminal: all answers to a prompt, ordered by their letters."""

import click

from core.arena.asking import Table
from core.arena.whole import Outdated, WholeVoting
from core.cli.output import quoted, say
from core.errors import BadInput
from core.labeling.ordering import letter
from core.labeling.written import example, parse_letters
from core.store import Changes, vote_remarks

ASK = "An order of all (such as {0}), x for all bad, s for later, u to undo, q to leave"


def walk_whole(session: WholeVoting) -> int:
    """Ask until nothing is left or the voter leaves; returns how many orders were given. Aborts at the input's end."""
    count, last = 0, None
    while session.question is not None:
        if session.question != last:
            _show_table(session)
        last = session.question
        typed = str(click.prompt(ASK.format(example(len(last.shown))), err=True)).strip().lower()
        try:
            if typed == "q":
                break
            if typed == "u":
                say(taken_back(session.undo()), err=True)
                count, last = max(count - 1, 0), None
            elif typed == "s":
                if not session.put_off():
                    say("There is nothing else to ask now.", err=True)
            elif typed == "x":
                session.all_bad(comments=_comments(session, last))
                count += 1
            else:
                session.vote(parse_letters(typed, session.question.shown), comments=_comments(session, last))
                count += 1
            vote_remarks.forget_voted(session.project, session.labeler.id)
        except Outdated as error:
            say(str(error), err=True)
            session.refresh()
        except BadInput as error:
            say(str(error), err=True)
    return count


def _comments(session: WholeVoting, table: Table) -> dict[frozenset[int], str]:
    """What the voter remarked on two of the answers."""
    found = {pair: vote_remarks.on(session.project, pair, session.labeler.id) for pair in table.pairs}
    return {pair: text for pair, text in found.items() if text}


def taken_back(changes: Changes) -> str:
    """What an undo took."""
    taken = len(changes.ids)
    return f"The last order is taken back ({taken} votes)." if taken > 1 else "The last vote is taken back."


def _show_table(session: WholeVoting) -> None:
    assert session.prompt is not None and session.question is not None
    for remark in _comments(session, session.question).values():
        say(f"\nWith this order goes what you said of two of them:\n{quoted(remark)}", err=True)
    say(f"\n{quoted(session.prompt.text)}\n", err=True)
    for index, found in enumerate(session.answers):
        say(quoted(found.text, f"  {letter(index).lower()}  ") + "\n", err=True)
