"""What somebody types and did not save keeps its place, whoever takes back what it is typed for."""

import json
from contextlib import closing

import pytest

from core import data
from core.errors import BadInput
from core.labeling.answer_drafts import AnswerDrafts
from core.records import Prompt
from core.store import completions, labelers, open_project, prompts
from core.store.undo import History, bulk
from tests.core.store.test_undo import contents

STILL = "something is typed there and not saved: change it by hand"


@pytest.fixture
def history(filled):
    return History(filled)


def test_an_import_stays_while_somebody_types_an_answer_in_it(filled, history, tmp_path):
    pairs = tmp_path / "of-last-week.jsonl"
    rows = [
        {"prompt": f"Why is {name} wet?", "chosen": f"{name} is water", "rejected": "no"} for name in ("rain", "dew")
    ]
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    tables = ("prompts", "completion_groups", "completions", "rankings", "labelers")
    with closing(open_project(filled.folder)) as beside:
        history.mark(bulk.record(beside, "Import", tables, lambda: data.import_preferences(beside, pairs, "Sue"))[1])
    group = max(completions.group_ids(filled))
    AnswerDrafts(filled, labelers.named(filled, "Kim").id).keep(group, 0, "It condenses at night, because")
    before = contents(filled)
    with pytest.raises(BadInput, match=STILL):
        history.undo()
    assert contents(filled) == before


@pytest.mark.parametrize("key", ["draft/prompt/{}", "draft/prompt/{}/2", "draft/conversation/{}"])
def test_a_new_prompt_stays_while_something_is_typed_over_it(filled, history, key):
    changes = prompts.add(filled, [Prompt(0, "A prompt of an hour ago")])
    history.mark(changes)
    filled.set_setting(key.format(changes.ids[0]), {"text": "said better, not saved"})
    before = contents(filled)
    with pytest.raises(BadInput, match=STILL):
        history.undo()
    assert contents(filled) == before
    history.mark(prompts.add(filled, [Prompt(0, "Another one, over which nobody types")]))
    history.undo()
    assert contents(filled) == before


def test_a_prompt_that_was_brought_back_is_not_deleted_again_while_something_is_typed_there(filled, history):
    history.mark(prompts.delete(filled, [3]))
    history.undo()
    AnswerDrafts(filled, labelers.named(filled, "Kim").id).keep(3, 0, "an answer that is not added yet")
    with pytest.raises(BadInput, match=STILL):
        history.redo()
    assert completions.exists(filled, 3)
