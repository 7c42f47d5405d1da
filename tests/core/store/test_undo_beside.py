"""What another connection wrote for the window comes and goes as a whole: imports, merged packs, simulated labelers."""

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from core import data
from core.errors import BadInput
from core.labeling import pack, simulate
from core.labeling.answer_drafts import AnswerDrafts
from core.store import assignments, completions, labelers, open_project, prompts, rankings
from core.store.undo import History, bulk, waiting_rows
from tests.core.labeling.test_labelers import person, rank
from tests.core.store.test_undo import contents
from tests.ranked import counting_rankings


@pytest.fixture
def beside(filled, tmp_path):
    """Work that is done with a connection of its own, by name, on a project with a ranking by Bo."""
    rank(filled, 1, person(filled, "Bo"), 0, 1, 2, 3)
    rows = [{"prompt": f"question {n}?", "chosen": f"yes {n}", "rejected": "no"} for n in range(5, 9)]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    asked = tmp_path / "prompts.txt"
    asked.write_text("question 6?\nwhat now?\nand then?", encoding="utf-8")
    packed = tmp_path / "bo.plumbpack"
    pack.pack(filled, packed, "Bo")
    with closing(open_project(pack.unpack(packed, tmp_path / "there"))) as there:
        bo = person(there, "Bo")
        first = rank(there, 2, bo, 0, 1, 2, 3)
        pack.pack(there, packed, "Bo")
        pack.merge(filled, packed)
        rankings.retract(there, first)
        rank(there, 1, bo, 3, 2, 1, 0, comment="anew")
        rank(there, 3, bo, 0, 1, 2, 3, criteria={"kind": dict.fromkeys(completions.ids(there, 3), 1)})
        pack.pack(there, packed, "Bo")
    works = {
        "import": lambda project: data.import_preferences(project, file, "imported"),
        "prompts": lambda project: data.import_prompts(project, asked),
        "merge": lambda project: pack.merge(project, packed),
        "simulate": lambda project: simulate.simulate(project, "length", "careful"),
    }

    def do(name):
        with closing(open_project(filled.folder)) as other:
            return bulk.record(other, name, ("prompts", "rankings"), lambda: works[name](other))[1]

    return do


@pytest.mark.parametrize("name", ["import", "prompts", "merge", "simulate"])
def test_all_that_it_wrote_goes_and_comes_back(filled, beside, name):
    history, before = History(filled), contents(filled)
    history.mark(beside(name))
    after = contents(filled)
    assert after != before and history.is_long("undo")
    for _ in range(2):
        assert history.undo().label == f"Undone: {name}"
        assert contents(filled) == before
        history.redo()
        assert contents(filled) == after
    assert filled.database.value("pragma foreign_key_check") is None


def test_a_merge_gives_back_what_it_retracted(filled, beside):
    history = History(filled)
    history.mark(beside("merge"))
    assert [found.group_id for found in counting_rankings(filled)] == [1, 3]
    history.undo()
    assert [found.group_id for found in counting_rankings(filled)] == [1, 2]


def test_it_is_refused_once_somebody_built_on_it(filled, beside):
    history = History(filled)
    history.mark(beside("import"))
    rank(filled, max(completions.group_ids(filled)), person(filled, "Ana"), 1, 0)
    before = contents(filled)
    with pytest.raises(BadInput, match="other work builds on it"):
        history.undo()
    assert contents(filled) == before


def test_it_is_refused_once_somebody_changed_it(filled, beside):
    history = History(filled)
    history.mark(beside("prompts"))
    prompts.edit(filled, prompts.listed(filled)[-1].id, tags=("mine",))
    before = contents(filled)
    with pytest.raises(BadInput, match="other work builds on it"):
        history.undo()
    assert contents(filled) == before


def typed_at(project, name, place, of=0):
    """Somebody's answer that is not added yet, kept as it is typed."""
    drafts = AnswerDrafts(project, person(project, name))
    drafts.keep(place, of, "half an hour of work")
    return lambda: drafts.texts(place) == [(of, "half an hour of work")]


def test_it_stays_while_somebody_types_an_answer_there(filled, beside):
    history = History(filled)
    history.mark(beside("import"))
    still_there = typed_at(filled, "Ana", max(completions.group_ids(filled)))
    before = contents(filled)
    with pytest.raises(BadInput, match="something is typed there and not saved"):
        history.undo()
    assert contents(filled) == before and still_there()


def test_a_labeler_who_came_with_it_stays_while_that_one_types_an_answer(filled, beside):
    history = History(filled)
    history.mark(beside("import"))
    still_there = typed_at(filled, "imported", 1)
    with pytest.raises(BadInput, match="something is typed there and not saved"):
        history.undo()
    assert "imported" in [each.name for each in labelers.listed(filled)] and still_there()


def test_it_goes_while_somebody_types_an_answer_elsewhere(filled, beside):
    history = History(filled)
    still_there = typed_at(filled, "Ana", 2)
    history.mark(beside("import"))
    history.undo()
    history.redo()
    assert still_there() and len(completions.group_ids(filled)) > 4


def test_it_comes_back_under_its_numbers_which_nobody_got_meanwhile(filled, beside):
    history = History(filled)
    history.mark(beside("prompts"))
    there = {found.id: found.text for found in prompts.listed(filled)}
    history.undo()
    (other,) = prompts.add(filled, [prompts.Prompt(0, "in its place")]).ids
    history.redo()
    assert {found.id: found.text for found in prompts.listed(filled)} == there | {other: "in its place"}


def test_nobody_inherits_the_share_of_a_labeler_who_went_with_an_import(filled, beside):
    history = History(filled)
    history.mark(beside("import"))
    gone = max(labelers.listed(filled), key=lambda who: who.id)
    history.undo()
    filled.set_setting(assignments.ASSIGNED, {"labelers": [1, gone.id], "overlap": 1})
    assert gone not in labelers.listed(filled)
    new = labelers.named(filled, "New")
    assert new.id > gone.id and assignments.plan(filled) == ([1], 1)


def test_steps_before_and_after_it_are_taken_back_in_their_order(filled, beside):
    history, before = History(filled), contents(filled)
    history.mark(prompts.edit(filled, 1, tags=("first",)))
    history.mark(beside("import"))
    history.mark(prompts.edit(filled, prompts.listed(filled)[-1].id, tags=("last",)))
    for _ in range(3):
        history.undo()
    assert contents(filled) == before


def test_what_is_done_while_it_is_taken_back_stays_a_step_of_its_own(filled, beside):
    history, before = History(filled), contents(filled)
    history.mark(beside("import"))
    work = history.work("undo")
    history.mark(prompts.edit(filled, 1, tags=("meanwhile",)))
    history.settle("undo", work())
    assert [step.label for step in history.undoable] == ["Edit prompt"]
    history.undo()
    assert contents(filled) == before


def test_the_rows_that_wait_go_once_nothing_can_bring_them_back(filled, beside):
    history = History(filled)
    history.mark(beside("import"))
    history.undo()
    kept = history.redoable[0].bulk.kept
    assert kept.exists()
    history.mark(prompts.edit(filled, 1, tags=("first",)))
    assert not history.redoable and not kept.exists()


def test_rows_that_were_cleaned_away_meanwhile_stand_in_no_way(filled, beside, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    history, before = History(filled), contents(filled)
    history.mark(prompts.edit(filled, 1, tags=("first",)))
    history.undo()
    history.mark(beside("import"))
    history.undo()
    kept = history.redoable[-1].bulk.kept
    shutil.rmtree(kept.parent)
    with pytest.raises(BadInput, match="temporary files, which were cleaned"):
        history.redo()
    assert contents(filled) == before and "import" not in [step.label for step in history.redoable]
    history.mark(beside("import"))
    history.undo()
    assert contents(filled) == before and history.redo()


def test_rows_of_a_process_that_was_killed_are_removed_and_never_those_of_a_living_one(
    filled, beside, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    history = History(filled)
    history.mark(beside("import"))
    history.undo()
    mine = history.redoable[0].bulk.kept
    program = (
        "import tempfile, time; from core.store.undo import waiting_rows;"
        f"tempfile.tempdir = {str(tmp_path)!r}; made = waiting_rows.new_folder();"
        "(made[0] / '1.db').write_text('rows'); print(made[0], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        theirs = Path(other.stdout.readline().strip())
        for folder in (mine.parent, theirs):
            os.utime(folder, (0, 0))
        waiting_rows.remove_leftovers()
        assert (theirs / "1.db").exists() and mine.exists()
        other.kill()
        other.wait()
    unlocked = tmp_path / f"{waiting_rows.PREFIX}unlocked"
    unlocked.mkdir()
    os.utime(unlocked, (0, 0))
    waiting_rows.remove_leftovers()
    assert not theirs.exists() and mine.exists() and unlocked.exists()
    history.redo()
    del history
    gc.collect()
    assert not mine.parent.exists()
