"""Whatever is taken back, done again or written late: what was answered and ranked answers its own words."""

import json
from contextlib import closing

import pytest

from core import data
from core.conversation import Conversation
from core.errors import BadInput
from core.events import NewCompletion
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import Project, completions, labelers, open_project, prompts, rankings
from core.store.undo import History, bulk
from tests.core.store.test_undo import contents

RIVER, SEA = "Which river is the longest?", "Which sea is the deepest?"
REFUSED = "something else than what was answered: add a new prompt"


def added(project: Project, text: str) -> int:
    (number,) = prompts.add(project, [Prompt(0, text)]).ids
    return number


def answered_elsewhere(project: Project, prompt_id: int, *, ranked: bool = True) -> None:
    """By the worker, and by Kim in a window of her own."""
    with closing(open_project(project.folder)) as other:
        rows = tuple(NewCompletion(text, 1, True, 0) for text in ("Nile", "Amazon"))
        group = completions.add_group(other, prompt_id, rows)
        if ranked:
            kim = LabelingSession(other, labelers.named(other, "Kim"))
            kim.editor.open(group)
            while not kim.ordering.judged or len(kim.ordering.tiers) < 2:
                kim.editor.change(kim.ordering.place_last(completions.ids(other, group)[len(kim.ordering.tiers)]))
            kim.save()
            assert rankings.is_ranked(other, group, kim.labeler.id)


@pytest.mark.parametrize("ranked", [True, False])
@pytest.mark.parametrize("way", ["undo", "redo"])
def test_no_prompt_is_reworded_that_was_answered_since(filled, way, ranked):
    number = added(filled, SEA if way == "undo" else RIVER)
    history = History(filled)
    history.mark(prompts.edit(filled, number, text=RIVER if way == "undo" else SEA))
    if way == "redo":
        history.undo()
    assert prompts.get(filled, number).text == RIVER
    answered_elsewhere(filled, number, ranked=ranked)
    before = contents(filled)
    with pytest.raises(BadInput, match=REFUSED):
        history.undo() if way == "undo" else history.redo()
    assert contents(filled) == before


def test_nor_are_its_turns(filled):
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}]
    asks = [Conversation.read([*turns, {"role": "user", "content": text}]) for text in (SEA, RIVER)]
    (number,) = prompts.add(filled, [Prompt.of(asks[0])]).ids
    history = History(filled)
    history.mark(prompts.edit(filled, number, conversation=asks[1]))
    answered_elsewhere(filled, number)
    with pytest.raises(BadInput, match=REFUSED):
        history.undo()
    assert prompts.get(filled, number).conversation == asks[1]


def test_what_changes_no_word_is_taken_back_as_ever(filled):
    number = added(filled, "User: Which river?\n\nAssistant: The longest?\n\nUser: Yes.")
    before, history = prompts.get(filled, number), History(filled)
    turns = [("user", "Which river?"), ("assistant", "The longest?"), ("user", "Yes.")]
    talk = Conversation.read([{"role": role, "content": content} for role, content in turns])
    history.mark(prompts.edit(filled, number, conversation=talk, tags=("long",), split="heldout"))
    answered_elsewhere(filled, number)
    history.undo()
    assert prompts.get(filled, number) == before
    history.redo()
    assert prompts.get(filled, number).turns == talk


def test_imported_answers_do_not_come_back_to_a_prompt_that_says_something_else_by_now(filled, tmp_path):
    number, history = added(filled, RIVER), History(filled)
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"prompt": RIVER, "chosen": "the Nile", "rejected": "the Rhine"}), encoding="utf-8")
    with closing(open_project(filled.folder)) as beside:
        tables = ("prompts", "completion_groups", "completions", "rankings", "labelers")
        history.mark(bulk.record(beside, "Import", tables, lambda: data.import_preferences(beside, pairs, "Sue"))[1])
        history.undo()
        history.redo()
        assert prompts.is_ranked(filled, number), "nothing came in between"
        history.undo()
        prompts.edit(beside, number, text=SEA)  # in another window, where nothing speaks against it
    before = contents(filled)
    with pytest.raises(BadInput, match=REFUSED):
        history.redo()
    assert contents(filled) == before
