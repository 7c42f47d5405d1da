"""A step that cannot be taken back at once is not thrown away where it is the only place of somebody's work; nor does a
deletion take a run along, that goes on with what it began with."""

from contextlib import closing

import pytest

from core.errors import BadInput
from core.events import NewCompletion, Sample, Samples
from core.jobs import recorder
from core.projects import trash
from core.records import Prompt
from core.store import completions, drafts, labelers, open_project, prompts
from core.store.runs import job_samples
from core.store.undo import History
from desktop.places import TabId
from tests.core.projects.test_removing_runs import made
from tests.core.store.test_undo import contents
from tests.desktop.conftest import *  # noqa: F403

MINE = "twenty lines by hand"


@pytest.fixture
def history(filled):
    """Kim wrote an answer to prompt 3, and began an order; then it is deleted."""
    kim = labelers.named(filled, "Kim").id
    completions.write(filled, 3, kim, MINE)
    drafts.keep(filled, kim, 3, {"tiers": [[9]], "comment": "not sure yet"})
    return History(filled)


def test_what_was_deleted_waits_until_its_place_is_free_again(filled, history):
    whole = contents(filled)
    history.mark(prompts.edit(filled, 1, tags=("before",)))
    history.mark(prompts.delete(filled, [3]))
    with closing(open_project(filled.folder)) as other:
        twin = prompts.add(other, [Prompt(0, "question 3?", (), "train", "an import")]).ids
        for _ in range(2):
            with pytest.raises(BadInput, match=r"taken back now.*the same was made again.*It is kept"):
                history.undo()
            if history.next("undo").label == "Edit prompt":
                history.undo()  # it stands in nobody's way
        assert prompts.get(filled, 1).tags == ("test",)
        prompts.delete(other, twin)
    history.undo()
    assert contents(filled) == whole


def test_what_a_run_forgot_of_itself_keeps_no_prompt_from_coming_back(filled, history):
    """It goes on from an earlier step, and its samples were of this prompt."""
    run = made(filled, "train-policy")
    job_samples.add(filled, run.id, 9, (Sample("question 3?", "so", 0.5, prompt_id=3),))
    history.forget()
    history.mark(prompts.delete(filled, [3]))
    with closing(open_project(filled.folder)) as worker, worker.write():
        recorder.forget_after(worker, run.id, 4)
    history.undo()
    assert MINE in completions.texts(filled, completions.ids(filled, 3)).values()


def test_a_run_goes_on_though_a_prompt_that_it_learns_from_was_deleted(filled):
    """It began with it, and samples it again and again; nobody has to bring it back for the run to be resumed."""
    run = made(filled, "train-policy")
    prompts.delete(filled, [4])
    rows = tuple(Sample(f"question {number}?", "so", 0.5, prompt_id=number) for number in (4, 5))
    recorder.Recorder(filled, run.id).record(Samples(11, rows))
    assert [(row["prompt"], row["prompt_id"]) for row in job_samples.listed(filled, run.id, step=11)] == [
        ("question 4?", None), ("question 5?", 5),
    ]  # fmt: skip


def test_undo_waits_for_a_run_that_is_being_put_back(filled, open_window, qtbot):
    """Ctrl+Z twice: answers of the run, which were deleted before it was, come back after it."""
    run = made(filled, "train-policy")
    (number,) = prompts.add(filled, [Prompt(0, "Of the second round")]).ids
    rows = tuple(NewCompletion(text, 1, True, 0, policy_job=run.id) for text in ("tuned", "tuned more"))
    group = completions.add_group(filled, number, rows)
    completions.write(filled, group, labelers.named(filled, "Kim").id, MINE)
    folder = filled.folder
    filled.close()
    window = open_window()
    window.workspace.open(folder)
    window.open_tab(TabId.INSTRUCTIONS)
    project = window.session.project
    window.session.announce(prompts.delete(project, [number]))
    window.projects.offer_undo(trash.delete_run(project, run.id))
    window.take_back("undo")
    window.take_back("undo")
    qtbot.waitUntil(lambda: bool(window.session.jobs()) and not window.workspace.returning)
    window.take_back("undo")
    assert MINE in completions.texts(project, completions.ids(project, group)).values()
