"""Where the card leads: to work that is there."""

import json

from core.data.demonstrations import import_demonstrations
from core.events import NewCompletion
from core.guidance.next_step import all_ranked, next_step
from core.guidance.steps import Step
from core.labeling import gold
from core.records import Prompt
from core.store import assignments, completions, labelers, prompts

TWO = (NewCompletion("yes", 1, True, 0), NewCompletion("yes, yes", 2, True, 0))


def test_an_answer_that_is_there_to_be_learnt_is_no_work_to_rank(project, tmp_path):
    path = tmp_path / "set.jsonl"
    rows = [{"prompt": f"q{n}", "completion": "a", "split": "test" if n > 8 else "train"} for n in range(12)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    import_demonstrations(project, path)
    prompts.split_heldout(project, 0.25)
    me = labelers.named(project, "me").id
    assert next_step(project).step == Step.GENERATE and assignments.queue(project, me).total == 0
    for prompt in prompts.listed(project, limit=3):
        completions.add_group(project, prompt.id, TWO)
    assert next_step(project).title == "Rank 12 more prompts" and len(assignments.queue(project, me).waiting) == 3
    gold.rank_all(project, "length")
    assert next_step(project).step == Step.GENERATE and not all_ranked(project)
    for prompt in prompts.listed(project)[3:]:
        completions.add_group(project, prompt.id, TWO)
    gold.rank_all(project, "length")
    assert next_step(project).title == "Add 8 more prompts" and all_ranked(project)


def test_only_what_can_be_ranked_is_shared_out(project, tmp_path):
    ada, bo = (labelers.named(project, name).id for name in ("Ada", "Bo"))
    assignments.assign(project, [ada, bo], 1)
    path = tmp_path / "set.jsonl"
    for number in range(6):  # by turns, so that each second group is a demonstration
        path.write_text(json.dumps({"prompt": f"q{number}", "completion": "a"}), encoding="utf-8")
        import_demonstrations(project, path)
        prompts.add(project, [Prompt(0, f"r{number}")])
        completions.add_group(project, number * 2 + 2, TWO)
    waiting = [len(assignments.queue(project, who).waiting) for who in (ada, bo)]
    assert waiting == [3, 3] and assignments.assigned(project) == {ada: 3, bo: 3}
    completions.write(project, completions.group_ids(project)[0], ada, "another one")
    assert sum(len(assignments.queue(project, who).waiting) for who in (ada, bo)) == 7
