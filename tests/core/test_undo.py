"""Undo brings back every table as it was, by the same statements whoever wrote them."""

import pytest

from core import gold
from core.errors import BadInput
from core.events import NewCompletion
from core.records import Prompt
from core.store import completions, guidelines, open_project, prompts, rankings
from core.store.undo import TABLES, History


def contents(project):
    return {table: sorted(map(str, project.rows(f"select * from {table}"))) for table in TABLES}


def test_each_step_is_taken_back_and_done_again(filled):
    history = History(filled)
    states, labels = [contents(filled)], []

    def do(changes):
        history.mark(changes)
        states.append(contents(filled))
        labels.append(changes.label)

    person = rankings.labeler(filled, "somebody")
    do(prompts.add(filled, [Prompt(0, 'it\'s "new"\n; drop table prompts')]))
    do(prompts.edit(filled, 1, split="heldout", tags=("a", "b")))
    do(guidelines.save(filled, criteria="Be brief.", ties="", flags="", examples=""))
    for group in completions.group_ids(filled)[:2]:
        ranks = {completion: place for place, completion in enumerate(completions.ids(filled, group), 1)}
        do(rankings.rank(filled, group, person.id, ranks, comment="ünï"))
    do(rankings.retract(filled, 1))
    do(prompts.delete(filled, [3, 4]))  # with their completions
    assert len(contents(filled)["completions"]) < len(states[0]["completions"])
    for before, label in zip(reversed(states[:-1]), reversed(labels), strict=True):
        assert history.undo().label == f"Undo: {label}"
        assert contents(filled) == before
    for after in states[1:]:
        history.redo()
        assert contents(filled) == after
    with pytest.raises(BadInput, match="nothing to redo"):
        history.redo()


def test_a_new_change_forgets_what_was_undone(filled):
    history = History(filled)
    history.mark(prompts.edit(filled, 1, tags=("x",)))
    history.undo()
    history.mark(prompts.edit(filled, 1, tags=("y",)))
    with pytest.raises(BadInput):
        history.redo()


def test_what_others_built_on_is_refused_and_nothing_changes(filled):
    history = History(filled)
    history.mark(prompts.add(filled, [Prompt(0, "to be ranked")]))
    other = open_project(filled.folder)
    newest = prompts.listed(other)[-1].id
    completions.add_group(other, newest, tuple(NewCompletion(text, 1, True, 0) for text in "ab"))
    ids = completions.ids(other, max(completions.group_ids(other)))
    rankings.rank(
        other, max(completions.group_ids(other)), rankings.labeler(other, "x").id, dict(zip(ids, (1, 2), strict=True))
    )
    other.close()
    before = contents(filled)
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert contents(filled) == before, "the ranking of the new prompt is still there"
    history.mark(prompts.delete(filled, [2]))
    other = open_project(filled.folder)
    prompts.add(other, [Prompt(0, "question 2?")])
    other.close()
    before = contents(filled)
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert contents(filled) == before


def test_what_a_script_ranks_elsewhere_is_not_in_this_history(filled):
    history = History(filled)
    other = open_project(filled.folder)
    gold.rank_all(other, "length")
    other.close()
    with pytest.raises(BadInput, match="nothing to undo"):
        history.undo()
