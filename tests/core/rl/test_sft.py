"""Supervised tuning on answers: what is learnt, what is left out, and its loss beside that of plain transformers."""

import json
import math
import random
import re
from dataclasses import asdict, replace

import pytest
import torch

from core import data
from core.config.algorithms import AlgorithmOptions, LearnsFrom
from core.config.jobs import GenerateConfig, JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.data.demonstrations import import_demonstrations
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.labeling import gold
from core.models.adapters import SharedModel
from core.models.chat import completion_ids, prompt_ids
from core.models.rows import from_lists
from core.preferences.demonstrated import demonstrations_of
from core.records import NewRanking
from core.rl.batches import Batch
from core.rl.demonstration_source import DemonstrationSource
from core.rl.pinned_answers import parted, pinned
from core.rl.rollout import POLICY
from core.store import assignments, completions, labelers, prompts, rankings
from core.store.runs import job_log, job_metrics
from tests.core.conftest import ARCHITECTURES, loaded
from tests.core.rl.rollouts import CONFIG, gradient, learner_of
from tests.ranked import counting_rankings
from tests.thorough import represented

SFT = TrainPolicyConfig(
    algorithm="sft", steps=6, learning_rate=1e-2, eval_prompts=0, max_new_tokens=6, batch_size=4, lora_rank=4,
    checkpoint_every=2, reference_answers=False,
)  # fmt: skip
ANSWERS = [("What is red?", "A rose."), ("What is blue?", "The sky, by day."), ("Say nothing", ""), ("Count", "1 2 3")]


@pytest.fixture(params=represented(ARCHITECTURES, "llama"))
def base(request, monkeypatch):
    return loaded(request, monkeypatch)


def test_loss_and_gradient_are_those_of_plain_transformers_with_the_prompt_masked(base):
    asked = [prompt_ids(base, prompt) for prompt, _ in ANSWERS]
    answers = [completion_ids(base, answer) for _, answer in ANSWERS]
    assert all(answer[-1] == base.end_ids[0] for answer in answers), "the template's own end is learnt"
    shared = SharedModel(base)
    shared.add(POLICY, CONFIG, seed=0)
    learner = learner_of(shared, "sft")
    batch = Batch(from_lists(asked, [[answer] for answer in answers], base.pad_id, base.device))
    ours = gradient(learner, batch)
    said = learner_of(shared, "sft").update(batch, 0)["loss"]

    shared.close()
    shared = SharedModel(base)
    shared.add(POLICY, CONFIG, seed=0)
    rows = [prompt + answer for prompt, answer in zip(asked, answers, strict=True)]
    width = max(map(len, rows))
    ids = torch.tensor([row + [base.pad_id] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    labels = ids.masked_fill(mask == 0, -100)
    for number, prompt in enumerate(asked):
        labels[number, : len(prompt)] = -100
    with shared.role(POLICY, train=True) as model:
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
    theirs = torch.cat([weight.grad.flatten() for weight in shared.parameters(POLICY)])
    shared.close()
    assert said == pytest.approx(float(loss.detach()), abs=1e-4)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def tuned(project, run_job, options=None, **settings):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(SFT, **settings), options or ALGORITHMS["sft"].config())
    assert job.status == "done", job.report or job.error
    return job


def test_it_learns_what_people_wrote_and_its_held_out_loss_falls(demonstrated, run_job):
    job = tuned(demonstrated, run_job, steps=10)
    series = job_metrics.series(demonstrated, job.id)
    assert [step for step, _ in series["eval/loss"]] == [0, 5, 10]
    losses = [value for _, value in series["eval/loss"]]
    assert losses[-1] < losses[0] - 0.5
    assert [value for _, value in series["eval/perplexity"]] == pytest.approx([math.exp(value) for value in losses])
    assert (job.result.loss_before, job.result.loss_after) == (losses[0], losses[-1])
    assert series["loss"][-1][1] < series["loss"][0][1]
    said = " ".join(row["text"] for row in job_log.lines(demonstrated, job.id))
    assert "Learns 9 answers; measured on 3 held-out ones." in said


@pytest.mark.parametrize("steps", [5, 6])
def test_each_held_out_measurement_is_made_once(demonstrated, run_job, monkeypatch, steps):
    asked = []
    with monkeypatch.context() as patch:
        measure = DemonstrationSource.measure

        def counted(self, step, **how):
            found = measure(self, step, **how)
            asked.extend([step] if found else [])
            return found

        patch.setattr(DemonstrationSource, "measure", counted)
        job = tuned(demonstrated, run_job, steps=steps)
    assert asked == [0, 5] + ([6] if steps == 6 else [])
    assert job.result.loss_after == job_metrics.series(demonstrated, job.id)["eval/loss"][-1][1]


def test_the_same_prompts_are_held_out_of_every_run_and_none_that_its_start_learnt(demonstrated, run_job):
    for prompt in prompts.listed(demonstrated, split="heldout"):
        prompts.edit(demonstrated, prompt.id, split="train")
    options = replace(ALGORITHMS["sft"].config(), heldout_fraction=0.25)

    def drawn(own=options, **settings):
        found = parted(demonstrated, replace(SFT, **settings), own)
        return {each.prompt_id for each in found.measured}, {each.prompt_id for each in found.learnt}, found.known

    held, learnt, _ = drawn(seed=0)
    assert drawn(seed=1) == (held, learnt, 0) and (len(held), len(learnt)) == (3, 9)
    first = tuned(demonstrated, run_job, options, steps=1)
    more = replace(options, heldout_fraction=0.5)
    assert len(drawn(more)[0]) == 6
    assert drawn(more, start_from=str(first.id)) == (held, learnt, 0), "never what the start learnt"
    taken = min(learnt)
    prompts.edit(demonstrated, taken, split="heldout")
    assert drawn(start_from=str(first.id)) == (set(), held | learnt - {taken}, 1)


def test_a_run_of_an_earlier_version_goes_on_with_what_it_drew(demonstrated):
    rows = [replace(each, split="train") for each in demonstrations_of(demonstrated, "written")]
    folder = demonstrated.make_run_folder(1)
    (folder / "demonstrations.json").write_text(json.dumps(list(map(asdict, rows))), encoding="utf-8")
    config, options = replace(SFT, seed=3), replace(ALGORITHMS["sft"].config(), heldout_fraction=0.25)
    found = pinned(JobContext(demonstrated, 1, config, options, resume_from=folder), options)
    ids = sorted({each.prompt_id for each in rows})
    assert {each.prompt_id for each in found.measured} == set(random.Random(3).sample(ids, 3))
    assert len(found.learnt) == 9


def test_the_held_out_perplexity_is_that_of_the_same_model_by_itself(demonstrated, run_job, tiny_model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    job = tuned(demonstrated, run_job, steps=1)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    nats, tokens = 0.0, 0
    for prompt in prompts.listed(demonstrated, split="heldout"):
        asked = f"<u>{prompt.text}</s><a>"
        ids = torch.tensor(
            [tokenizer(f"{asked}the answer to {prompt.text}</s>", add_special_tokens=False)["input_ids"]]
        )
        start = len(tokenizer(asked, add_special_tokens=False)["input_ids"])
        logp = model(ids).logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None])[start - 1 :]
        nats, tokens = nats - float(logp.detach().sum()), tokens + len(logp)
    found = job_metrics.series(demonstrated, job.id)["eval/perplexity"][0]
    assert found == (0, pytest.approx(math.exp(nats / tokens), rel=1e-3))


def earned(text):
    return len(re.findall("[a-m]", text))


def test_of_what_was_ranked_the_best_is_learnt_and_a_rejected_answer_never(asking, run_job, tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "q", "chosen": "good", "rejected": "bad"}) + "\n", encoding="utf-8")
    data.import_preferences(asking, path, "Ada")
    assert [each.text for each in demonstrations_of(asking, "written")] == ["good"]
    assert run_job(asking, JobKind.GENERATE, GenerateConfig(completions=4, max_new_tokens=6)).status == "done"
    gold.rank_all(asking, "regex:[a-m]")
    best = demonstrations_of(asking, "best-ranked")
    assert len({each.prompt_id for each in best}) > 6
    for each in best:
        groups = completions.texts_by_group(asking, each.prompt_id).values()
        rivals = next(map(earned, texts) for texts in groups if each.text in texts)
        assert each.text == "good" or earned(each.text) == max(rivals)
    assert [each.text for each in demonstrations_of(asking, "both")] == [each.text for each in best]
    with asking.write() as database:
        database.execute("update rankings set flag = 'unsafe'")
    assert demonstrations_of(asking, "both") == []


@pytest.mark.parametrize("answers", ["written", "best-ranked", "both"])
def test_what_any_labeler_flagged_is_not_learnt_though_another_ranked_it_best(asking, answers):
    ada, bo, cy = (labelers.named(asking, name).id for name in ("Ada", "Bo", "Cy"))
    groups = [completions.add_group(asking, 1, ()) for _ in range(3)]
    for group in groups:
        for place in "XYZ":
            completions.write(asking, group, cy, f"{place} of {group}")
        rankings.add(asking, NewRanking(group, ada, dict(zip(completions.ids(asking, group), (1, 2, 3), strict=True))))
    first, second, third = (completions.ids(asking, group) for group in groups)
    rankings.add(asking, NewRanking(groups[0], bo, dict.fromkeys(first, None), flags={first[0]: "unsafe"}))
    whole = NewRanking(groups[1], bo, dict.fromkeys(second, None), flag="unsafe")
    flagged = rankings.add(asking, whole).ids[0]
    assert [each.completion_id for each in demonstrations_of(asking, answers)] == [third[0]]
    rankings.retract(asking, flagged)
    assert [each.completion_id for each in demonstrations_of(asking, answers)] == [second[0], third[0]]


@pytest.mark.parametrize("what", ["retracted", "tied"])
def test_a_rejected_answer_is_none_whatever_becomes_of_its_ranking(asking, tmp_path, what):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "q", "chosen": "fine", "rejected": "awful"}) + "\n", encoding="utf-8")
    data.import_preferences(asking, path, "Ada")
    (ranking,) = counting_rankings(asking)
    rankings.retract(asking, ranking.id)
    if what == "tied":
        rankings.add(asking, NewRanking(ranking.group_id, ranking.labeler.id, dict.fromkeys(ranking.ranks, 1)))
    assert demonstrations_of(asking, "written") == []
    writer = labelers.named(asking, "Bo")
    completions.write(asking, ranking.group_id, writer.id, "by hand")
    assert [each.text for each in demonstrations_of(asking, "written")] == ["by hand"]


def test_an_answer_that_came_with_a_bad_verdict_is_none_until_somebody_calls_it_good(asking, tmp_path):
    path = tmp_path / "thumbs.jsonl"
    rows = [{"prompt": f"q {label}", "completion": f"said {label}", "label": label} for label in (True, False)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data.import_preferences(asking, path, "Ada")
    for ranking in counting_rankings(asking):
        rankings.retract(asking, ranking.id)
    assert [each.text for each in demonstrations_of(asking, "written")] == ["said True"]
    ids = completions.ids(asking, ranking.group_id)
    who = labelers.named(asking, "Bo").id
    rankings.add(asking, NewRanking(ranking.group_id, who, dict.fromkeys(ids), verdicts=dict.fromkeys(ids, "good")))
    assert len(demonstrations_of(asking, "written")) == 2


def test_without_answers_it_says_where_to_get_some(asking, run_job):
    job = run_job(asking, JobKind.TRAIN_POLICY, SFT, ALGORITHMS["sft"].config())
    assert "import some, write some in Rank" in job.error


def test_sets_of_one_answer_each_are_imported_to_be_learnt_and_not_ranked(asking, tmp_path):
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "by a dialogue"}]
    rows = [
        {"prompt": "p", "completion": "by a completion"},
        {"instruction": "Do", "input": "x", "output": "by an output"},
        {"messages": turns},
        {"prompt": turns[:1], "completion": turns[1:]},
        {"prompt": "p"},
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = import_demonstrations(asking, path)
    assert (report.added, report.known, [item.line for item in report.refused]) == (3, 1, [5])
    assert import_demonstrations(asking, path).added == 0
    found = demonstrations_of(asking, "written")
    assert [(each.prompt, each.text) for each in found] == [
        ("p", "by a completion"), ("Do\nx", "by an output"), ("u", "by a dialogue")
    ]  # fmt: skip
    ada = labelers.named(asking, "Ada").id
    assert assignments.queue(asking, ada).waiting == ()
    group = asking.database.value("select max(id) from completion_groups")
    completions.write(asking, group, ada, "another one")
    assert assignments.queue(asking, ada).waiting == (group,), "two answers can be ranked"
    (tmp_path / "odd.csv").write_text("ask,say\nq,by a column\n", encoding="utf-8")
    options = data.ReadOptions(data.named_mapping("prompt=ask,answers=say"))
    assert import_demonstrations(asking, tmp_path / "odd.csv", options=options).added == 1
    assert demonstrations_of(asking, "written")[-1].text == "by a column"
    (tmp_path / "none.csv").write_text("prompt,n\np,1\n", encoding="utf-8")
    with pytest.raises(NothingToDo, match="holds no demonstrations"):
        import_demonstrations(asking, tmp_path / "none.csv")


def test_several_answers_of_a_row_are_not_learnt_as_one_text(asking, tmp_path):
    path = tmp_path / "set.json"
    rows = [{"instruction": "Name a bird.", "output": ["A wren.", "Slate."]}, {"prompt": "p", "completion": ["one"]}]
    path.write_text(json.dumps(rows), encoding="utf-8")
    (refused,) = import_demonstrations(asking, path).refused
    assert refused.line == 1 and "several answers" in refused.reason
    assert [each.text for each in demonstrations_of(asking, "written")] == ["one"]


SAYS, ASKS = {"role": "assistant", "content": "good"}, {"role": "user", "content": "q"}
WRONG = {"role": "assistant", "content": "bad"}
#: A pair, as the importers of pairs read it.
PAIRS = {
    "UltraFeedback": {"prompt": "q", "chosen": [ASKS, SAYS], "rejected": [ASKS, WRONG], "score_chosen": 9.0},
    "no prompt": {"chosen": [ASKS, SAYS], "rejected": [ASKS, WRONG]},
    "the answers alone": {"prompt": [ASKS], "chosen": [SAYS], "rejected": [WRONG]},
    "no rejected one": {"prompt": "q", "chosen": [ASKS, SAYS]},
    "texts": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "as text": {"prompt": "q", "chosen": json.dumps([ASKS, SAYS]), "rejected": json.dumps([ASKS, WRONG])},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "good"},
        "rejected": {"from": "gpt", "value": "bad"},
    },
    "OpenAI": {"input": {"messages": [ASKS]}, "preferred_output": [SAYS], "non_preferred_output": [WRONG]},
    "LLaMA-Factory": {"chosen_messages": [ASKS, SAYS], "rejected_messages": [ASKS, WRONG]},
    "ms-swift": {"messages": [ASKS, SAYS], "rejected_response": "bad"},
    "Anthropic": {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"},
}  # fmt: skip


@pytest.mark.parametrize("form", PAIRS)
def test_of_a_pair_in_any_form_the_chosen_answer_is_a_demonstration(asking, tmp_path, form):
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(PAIRS[form]) + "\n", encoding="utf-8")
    report = import_demonstrations(asking, path)
    (found,) = demonstrations_of(asking, "written")
    assert [(turn.role, turn.content) for turn in found.conversation.messages] == [("user", "q")]
    assert found.text == "good" and (report.added, report.refused) == (1, [])
    assert ("Rejected answers beside these are left out: 1." in " ".join(report.notes)) == ("bad" in str(PAIRS[form]))


def test_earlier_turns_are_kept_and_what_was_judged_bad_or_is_nobodys_answer_is_refused(asking, tmp_path):
    path = tmp_path / "set.json"
    rows = [
        {"instruction": "And now?", "output": "o", "system": "s", "history": [["q", "a"]]},
        {"prompt": "q", "completion": "bad", "label": False},
        {"prompt": "q", "chosen": [SAYS, ASKS], "rejected": [SAYS, ASKS]},
        {"prompt": "another", "chosen": [ASKS, SAYS], "rejected": [ASKS, WRONG]},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    refused = import_demonstrations(asking, path).refused
    assert [each.line for each in refused] == [2, 3, 4] and "judged bad" in refused[0].reason
    (found,) = demonstrations_of(asking, "written")
    assert [turn.content for turn in found.conversation.messages] == ["s", "q", "a", "And now?"]


def test_an_algorithm_of_an_earlier_version_that_learns_from_rankings_still_does():
    class Older(AlgorithmOptions):
        OFFLINE = True

    found = replace(ALGORITHMS["ppo"], config=Older)
    assert found.learns_from is Older.LEARNS_FROM is LearnsFrom.RANKINGS and found.offline
    assert not ALGORITHMS["ppo"].offline and ALGORITHMS["sft"].learns_from is LearnsFrom.ANSWERS
