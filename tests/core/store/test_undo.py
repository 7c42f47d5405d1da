"""Undo brings back every table as it was, by the same statements whoever wrote them."""

import pytest

from core.config.jobs import JOBS, GenerateConfig
from core.config.scoring import ScoreConfig
from core.errors import BadInput, KnownError
from core.events import NewCompletion
from core.jobs.follow import Follower
from core.labeling import gold
from core.records import NewRanking, Prompt
from core.store import assignments, completions, drafts, guidelines, labelers, open_project, prompts, rankings
from core.store.undo import History
from tests.jobs import add_job, set_job


def contents(project):
    """All that the project holds, but the counters of edits."""
    tables = [
        row["name"]
        for row in project.database.rows(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        )
    ]
    where = {"settings": "where key not like 'edits/%'"}
    return {
        table: sorted(map(str, project.database.rows(f"select * from {table} {where.get(table, '')}")))
        for table in tables
    }


def test_each_step_is_taken_back_and_done_again(filled):
    person = labelers.named(filled, "somebody")
    history = History(filled)
    states, labels = [contents(filled)], []

    def do(changes):
        history.mark(changes)
        states.append(contents(filled))
        labels.append(changes.label)

    do(prompts.add(filled, [Prompt(0, 'it\'s "new"\n; drop table prompts')]))
    do(prompts.edit(filled, 1, split="heldout", tags=("a", "b")))
    do(guidelines.save(filled, criteria="Be brief.", ties="", flags="", examples=""))
    for group in completions.group_ids(filled)[:2]:
        ranks = {completion: place for place, completion in enumerate(completions.ids(filled, group), 1)}
        do(rankings.add(filled, NewRanking(group, person.id, ranks, comment="ünï")))
    do(rankings.retract(filled, 1))
    do(prompts.delete(filled, [3, 4]))  # with their completions
    assert len(contents(filled)["completions"]) < len(states[0]["completions"])
    for before, label in zip(reversed(states[:-1]), reversed(labels), strict=True):
        assert history.undo().label == f"Undone: {label}"
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
    completions.add_group(other, prompts.listed(other)[-1].id, tuple(NewCompletion(text, 1, True, 0) for text in "ab"))
    group = max(completions.group_ids(other))
    order = dict(zip(completions.ids(other, group), (1, 2), strict=True))
    rankings.add(other, NewRanking(group, labelers.named(other, "x").id, order))
    before = contents(filled)
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert contents(filled) == before, "the ranking of the new prompt is still there"
    history.mark(prompts.delete(filled, [2]))
    prompts.add(other, [Prompt(0, "question 2?")])
    before = contents(filled)
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert contents(filled) == before
    other.close()


@pytest.mark.parametrize("kind", ["train-reward", "train-policy", "compare"])
def test_what_is_held_out_stays_once_a_run_follows_it(filled, kind):
    for prompt in prompts.listed(filled, split="heldout"):
        prompts.edit(filled, prompt.id, split="train")
    history = History(filled)
    history.mark(prompts.split_heldout(filled, 0.5))
    job = add_job(filled, JOBS[kind].config())
    add_job(filled, GenerateConfig(), status="done", attempt=1)
    assert history.undo().label == "Undone: Hold out prompts", "nothing has looked at the split yet"
    history.redo()
    history.mark(prompts.edit(filled, 1, tags=("since",)))
    set_job(filled, job.id, status="done", attempt=1)
    history.undo()
    assert prompts.get(filled, 1).tags == ("test",), "what has nothing to do with the split is taken back as ever"
    with pytest.raises(BadInput, match="“Hold out prompts” cannot be taken back any more, because other work builds"):
        history.undo()
    assert prompts.count(filled, "heldout") == 3
    history.mark(prompts.split_heldout(filled, 0.0))
    history.undo()
    assert prompts.count(filled, "heldout") == 3, "a later choice is taken back: no run has followed that one"


def test_what_another_window_wrote_into_the_same_row_stays(filled):
    history = History(filled)
    history.mark(prompts.edit(filled, 1, split="heldout"))
    other = open_project(filled.folder)
    prompts.edit(other, 1, tags=("theirs",))
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert prompts.get(filled, 1).tags == ("theirs",)
    history.mark(prompts.add(filled, [Prompt(0, "mine")]))
    newest = prompts.listed(filled)[-1].id
    prompts.delete(other, [newest])
    (theirs,) = prompts.add(other, [Prompt(0, "theirs")]).ids
    assert theirs != newest
    with pytest.raises(BadInput, match="cannot be taken back"):
        history.undo()
    assert prompts.get(filled, theirs).text == "theirs"
    other.close()


def test_a_step_is_one_operation_and_not_what_was_written_beside_it(filled):
    history = History(filled)
    person = labelers.named(filled, "who opened the Rank tab")
    drafts.keep(filled, person.id, 1, {"tiers": []})
    history.mark(prompts.edit(filled, 1, tags=("a",)))
    history.undo()
    assert [found.name for found in labelers.listed(filled)] == [person.name]
    assert drafts.listed(filled, person.id)


def test_a_step_is_found_by_its_operation_whatever_was_written_since(filled):
    history, before = History(filled), contents(filled)
    first = prompts.edit(filled, 1, tags=("a",))
    second = prompts.delete(filled, [3, 4])
    filled.set_setting("draft/new-prompts", {"text": "what is being typed"})
    history.mark(first)
    history.mark(second)
    assert history.undo().label == "Undone: Delete prompts"
    assert history.undo().label == "Undone: Edit prompt"
    typed = filled.setting("draft/new-prompts")
    filled.database.execute("delete from settings where key = 'draft/new-prompts'")
    assert contents(filled) == before and typed == {"text": "what is being typed"}


def test_a_deletion_comes_back_with_all_that_went_along(filled):
    person = labelers.named(filled, "somebody")
    drafts.keep(filled, person.id, 3, {"tiers": []})
    add_job(filled, ScoreConfig())
    filled.database.execute(
        "insert into samples (job_id, step, prompt_id, prompt, policy, completion) values (1, 1, 3, 'p', 'x', 'c')"
    )
    filled.database.execute("insert into scores values (1, 'heldout', 'm', '', 9, 0.25, 3)")
    filled.database.execute("insert into priorities values (3, 1, 0.5)")
    history, before = History(filled), contents(filled)
    history.mark(prompts.delete(filled, [3]))
    assert filled.database.value("select prompt_id from samples") is None and not drafts.listed(filled, person.id)
    history.undo()
    assert contents(filled) == before


def test_an_assignment_goes_back_with_its_plan(filled):
    people = [labelers.named(filled, name).id for name in "ab"]
    history, before = History(filled), contents(filled)
    history.mark(assignments.assign(filled, people, 1))
    assert assignments.assigned(filled)
    history.undo()
    assert not assignments.assigned(filled)
    assert contents(filled) == before
    history.redo()
    assert assignments.assigned(filled)


def test_others_see_what_was_undone(filled):
    history = History(filled)
    history.mark(prompts.edit(filled, 1, tags=("a",)))
    other = open_project(filled.folder)
    follower = Follower(other)
    follower.poll()
    history.undo()
    assert "prompts" in follower.poll().tables
    other.close()


def test_a_locked_file_keeps_the_step(filled):
    history = History(filled)
    history.mark(prompts.edit(filled, 1, tags=("a",)))
    filled.database.execute("pragma busy_timeout = 50")
    other = open_project(filled.folder)
    with other.write(), pytest.raises(KnownError):
        history.undo()
    history.undo()
    assert prompts.get(filled, 1).tags == ("test",)
    other.close()


def test_a_text_with_a_zero_byte_comes_back_whole(filled):
    history = History(filled)
    filled.database.execute("update prompts set source = ? where id = 1", ("nul\0tail",))
    history.mark(prompts.delete(filled, [1]))
    history.undo()
    assert filled.database.execute("select source from prompts where id = 1").fetchone()[0] == "nul\0tail"


def test_what_a_script_ranks_elsewhere_is_not_in_this_history(filled):
    history = History(filled)
    other = open_project(filled.folder)
    gold.rank_all(other, "length")
    other.close()
    with pytest.raises(BadInput, match="nothing to undo"):
        history.undo()
