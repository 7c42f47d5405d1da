"""One line of steps for a window: rows, callables, and what outlives a project."""

import sqlite3

import pytest

from core.errors import BadInput, KnownError
from core.store import open_project, prompts
from core.store.undo import STEPS, History
from core.store.undo_steps import CallableStep, Refused


class Counter:
    """Something that steps move up and down."""

    def __init__(self):
        self.value = 0

    def step(self, label="Count", **more):
        self.value += 1
        return CallableStep(label=label, undo=lambda: self.move(-1), redo=lambda: self.move(1), **more)

    def move(self, by):
        self.value += by


def labels(steps):
    return [step.label for step in steps]


def test_rows_and_callables_are_taken_back_in_the_order_in_which_they_were_done(filled):
    history, counter = History(filled), Counter()
    history.add(counter.step())
    history.mark(prompts.edit(filled, 1, tags=("a",)))
    history.add(counter.step("Count on", tables=frozenset({"prompts"})))
    assert history.undo().tables == {"prompts"} and counter.value == 1
    assert history.undo().label == "Undone: Edit prompt" and prompts.get(filled, 1).tags == ("test",)
    assert history.undo().label == "Undone: Count" and counter.value == 0
    assert [history.redo().label for _ in range(3)] == [f"Done again: {name}" for name in
                                                       ("Count", "Edit prompt", "Count on")]  # fmt: skip
    assert counter.value == 2 and prompts.get(filled, 1).tags == ("a",)


def test_a_step_without_redo_is_undone_once():
    history = History()
    history.add(CallableStep(label="Delete", undo=lambda: None))
    history.undo()
    assert not history.redoable
    with pytest.raises(BadInput, match="nothing to undo"):
        history.undo()


def test_what_is_gone_is_passed_over():
    history, counter, there = History(), Counter(), {"first"}
    for name in ("first", "second"):
        history.add(counter.step(name, there=lambda name=name: name in there))
    assert history.next("undo").label == "first"
    history.undo()
    there.clear()
    assert history.next("redo") is None


def test_what_others_built_on_is_forgotten_and_what_failed_can_be_tried_again():
    history, errors = History(), [sqlite3.OperationalError("database or disk is full")]

    def undo():
        if errors:
            raise errors.pop()
        raise Refused("others built on it")

    history.add(CallableStep(label="Count", undo=undo))
    with pytest.raises(KnownError, match="disk is full"):
        history.undo()
    assert labels(history.undoable) == ["Count"]
    with pytest.raises(BadInput, match="“Count” cannot be taken back"):
        history.undo()
    assert not history.undoable and not history.redoable


def test_what_lies_on_disk_from_before_comes_once_nothing_else_is_left():
    history, counter = History(), Counter()
    before = counter.step("From before")
    history.earlier = lambda: before if counter.value else None
    history.add(counter.step("Now"))
    assert [history.undo().label for _ in range(2)] == ["Undone: Now", "Undone: From before"]
    assert history.next("undo") is None
    assert labels(history.redoable) == ["Now", "From before"]


def test_closing_a_project_leaves_only_what_needs_none(filled):
    history, counter = History(filled), Counter()
    history.add(counter.step("Delete a project", lasting=True))
    history.mark(prompts.edit(filled, 1, tags=("a",)))
    history.add(counter.step("Rank"))
    history.undo()
    history.close()
    assert labels(history.undoable) == ["Delete a project"] and not history.redoable
    history.mark(prompts.edit(filled, 1, tags=("b",)))
    assert labels(history.undoable) == ["Delete a project"], "nothing is written down of it"
    other = open_project(filled.folder)
    history.open(other)
    history.mark(prompts.edit(other, 1, tags=("c",)))
    assert history.undo().label == "Undone: Edit prompt" and prompts.get(other, 1).tags == ("b",)
    other.close()


def test_steps_that_hold_rows_are_limited_and_others_are_not(filled):
    history, counter = History(filled), Counter()
    for number in range(STEPS + 5):
        history.add(counter.step())
        history.mark(prompts.edit(filled, 1, tags=(f"t{number}",)))
    assert len(labels(history.undoable)) == 2 * STEPS + 5
    while history.next("undo") is not None:
        history.undo()
    assert counter.value == 0 and prompts.get(filled, 1).tags == ("t4",)
