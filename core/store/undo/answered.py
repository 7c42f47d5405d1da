"""What prompts say that were answered: completions and rankings are of those words, so that nothing taken back or done
again may put others in their place, nor bring answers back to a prompt that says something else by now. By hand,
`prompts.edit` refuses the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.conversation import same_words
from core.store import Project, cells
from core.store.undo.steps import Reworded

#: They last no longer than the transaction in which they are made, and keep what a prompt said first.
WATCH = (
    "create temp table reworded (id integer primary key, text text, messages text)",
    "create temp trigger watch_words after update of text, messages on main.prompts"
    " when old.text is not new.text or old.messages is not new.messages"
    " begin insert or ignore into reworded values (old.id, old.text, old.messages); end",
    "create temp table unanswered (id integer primary key, text text, messages text)",
    "create temp trigger watch_answers after delete on main.completion_groups begin"
    " insert or ignore into unanswered select id, text, messages from main.prompts where id = old.prompt_id; end",
)
END = (
    "drop trigger temp.watch_words", "drop trigger temp.watch_answers", "drop table temp.reworded",
    "drop table temp.unanswered",
)  # fmt: skip
ANSWERED = """
    select id, text, messages from main.prompts where id = ?
    and exists (select 1 from main.completion_groups where prompt_id = prompts.id)
"""
#: The words of prompts, by their numbers.
Words = Mapping[int, str]


@contextmanager
def keeping_words(project: Project, answered: Words) -> Iterator[dict[int, str]]:
    """Within a transaction; `answered` is what prompts said whose answers come back in it. What is given is filled, at
    the end, with what those say whose answers went. Raises `Reworded` where a prompt would be left with answers to
    other words."""
    for statement in WATCH:
        project.database.execute(statement)
    gone: dict[int, str] = {}
    yield gone
    gone |= _words(project, "select * from temp.unanswered")
    said = {**_words(project, "select * from temp.reworded"), **answered}
    for statement in END:
        project.database.execute(statement)
    for number, words in said.items():
        for now in _words(project, ANSWERED, number).values():
            if not same_words(words, now):
                raise Reworded(f"completions answer something else than prompt {number}")


def _words(project: Project, sql: str, *values: int) -> dict[int, str]:
    rows = project.database.rows(sql, *values)
    return {row["id"]: cells.conversation(row["text"], row["messages"], row["id"]).text for row in rows}
