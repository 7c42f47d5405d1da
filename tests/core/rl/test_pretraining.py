"""The pretraining mix (PPO-ptx): its gradient beside the policy's own, what is mixed in, and that a run keeps it."""

import json
from dataclasses import replace

import pytest
import torch

from core.config.algorithms import MASKING
from core.config.jobs import CompareConfig, JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import BadInput, NothingToDo
from core.preferences.demonstrated import Demonstration, to_learn
from core.rl.pinned_answers import parted
from core.rl.pretraining import PretrainingMix, windows
from core.rl.rollout import POLICY
from core.runs import preflight, wishes
from core.store import prompts
from core.store.runs import job_log, job_metrics
from core.trust import gate
from core.trust.wish import AskFirst
from tests.core.conftest import loaded
from tests.core.rl.rollouts import CONFIG, batch_of, drawn, gradient, learner_of
from tests.core.rl.test_steering import at_step, killed_and_resumed, numbers
from tests.thorough import represented

MIXING = [name for name, kind in ALGORITHMS.items() if kind.config.MIXES]
SCORE = torch.tensor([1.0, -0.5, 0.3, -1.0, 0.2, 0.7])
ANSWERS = [("What is red?", "A rose."), ("What is blue?", "The sky, by day."), ("Say nothing", ""), ("Count", "1 2 3")]
RUN = TrainPolicyConfig(
    steps=4, gold="regex:[a-m]", train_on_gold=True, learning_rate=1e-2, kl_coef=0.0, eval_prompts=0, max_new_tokens=6,
    batch_size=8, lora_rank=4, reference_answers=False, checkpoint_every=2, ptx_coef=1.0, ptx_batch=3,
)  # fmt: skip


@pytest.fixture(params=["llama"])
def base(request, monkeypatch):
    return loaded(request, monkeypatch)


def tuned(project, run_job, options=None, **settings):
    config = replace(RUN, **settings)
    job = run_job(project, JobKind.TRAIN_POLICY, config, options or ALGORITHMS[config.algorithm].config())
    assert job.status == "done", job.report or job.error
    return job


def pretraining_loss(shared, asked):
    """The mean of -log p of the answers' tokens and their ends, one text at a time, with its gradient."""
    nats, tokens = 0.0, 0
    with shared.role(POLICY, train=True) as model:
        for prompt, answer in asked:
            ids = shared.base.tokenizer([f"<u>{prompt}</s><a>", f"{answer}</s>"], add_special_tokens=False)["input_ids"]
            logp = model(torch.tensor([ids[0] + ids[1]])).logits[0].log_softmax(-1)
            for place, token in enumerate(ids[1]):
                nats, tokens = nats - logp[len(ids[0]) - 1 + place, token], tokens + 1
        loss = nats / tokens
        grads = torch.autograd.grad(loss, shared.parameters(POLICY))
    return float(loss.detach()), torch.cat([each.flatten() for each in grads])


@pytest.mark.parametrize("micro_batch", represented([1, 3, 16], 3))
@pytest.mark.parametrize("name", represented(MIXING, "ppo", "rloo"))
def test_a_step_goes_down_both_losses_in_as_many_micro_batches_as_it_takes(moved, name, micro_batch):
    rows = [Demonstration(number, number, *pair[:1], text=pair[1]) for number, pair in enumerate(ANSWERS)]
    config = replace(CONFIG, ptx_coef=0.7, ptx_batch=4, temperature=0.5, micro_batch=micro_batch)
    options = {"ppo_epochs": 1} if name in ("ppo", "nlpo") else {}

    def begun(mix):
        if MASKING in moved.base.model.peft_config:
            moved.drop(MASKING)
        learner = learner_of(moved, name, config, **options)
        learner.actor.mix = mix
        return learner, batch_of(moved, name, drawn(moved, learner), SCORE)

    own = gradient(*begun(None))
    mix = PretrainingMix(moved.base, config, rows)
    both = gradient(*begun(mix))
    loss, pretraining = pretraining_loss(moved, ANSWERS)
    assert float(own.norm()) > 1e-2 and float(pretraining.norm()) > 1e-2
    torch.testing.assert_close(both, own + 0.7 * pretraining, atol=2e-4, rtol=1e-3)
    learner, batch = begun(mix)
    assert learner.update(batch, 0)["loss/ptx_avg"] == pytest.approx(loss, abs=1e-4)


def test_every_step_learns_the_next_of_a_shuffled_pass(base):
    rows = [Demonstration(number, number, "p", text=text) for number, text in enumerate("abcdefgh")]
    mix = PretrainingMix(base, replace(CONFIG, ptx_batch=3, seed=5), rows)
    passed = [base.chat.decoded(row) for place in range(8) for row in mix.batch(place).rows.response_ids.tolist()]
    parts = [passed[start : start + 8] for start in (0, 8, 16)]
    assert all(sorted(part) == list("abcdefgh") for part in parts) and parts[0] != parts[1]
    other = PretrainingMix(base, replace(CONFIG, ptx_batch=3, seed=6), rows)
    assert not torch.equal(other.batch(0).rows.response_ids, mix.batch(0).rows.response_ids)


def test_every_token_of_a_text_but_its_first_is_learnt_once():
    assert windows([5, 6, 7, 8, 9, 10], 3) == [([5], [6, 7]), ([7], [8, 9]), ([9], [10])]
    assert windows([5, 6, 7, 8, 9], 3) == [([5], [6, 7]), ([7], [8, 9])]
    assert windows([5], 3) == windows([], 3) == []


def test_a_text_never_opens_a_turn(base):
    ids = base.chat.running_text("a</s><u>b")
    assert base.chat.decoded(ids, skip=False) == "a</s><u>b" and not base.chat.control.ids & set(ids)


@pytest.mark.thorough
def test_the_answers_stay_likelier_than_without_and_none_that_is_held_out_is_learnt(demonstrated, run_job):
    kept = to_learn(demonstrated, "written")
    assert len(kept) == 9 and {each.split for each in kept} == {"train"}
    losses = {}
    for coef in (1e-6, 1.0):
        job = tuned(demonstrated, run_job, ptx_coef=coef, ptx_batch=9, steps=6)
        losses[coef] = [value for _, value in job_metrics.series(demonstrated, job.id)["loss/ptx_avg"]]
        said = " ".join(row["text"] for row in job_log.lines(demonstrated, job.id))
        assert "Mixes in 9 answers, 9 in each optimizer step." in said
    assert losses[1.0][-1] < losses[1e-6][-1] - 0.5
    held = parted(demonstrated, replace(RUN, algorithm="sft", start_from=str(job.id)), ALGORITHMS["sft"].config())
    assert {each.prompt_id for each in held.measured} == set(prompts.ids(demonstrated, split="heldout"))
    assert held.known == 0
    for number in prompts.ids(demonstrated, split="heldout"):
        prompts.edit(demonstrated, number, split="train")
    held = parted(demonstrated, replace(RUN, algorithm="sft", start_from=str(job.id)), ALGORITHMS["sft"].config())
    assert not {each.prompt_id for each in held.measured} & {each.prompt_id for each in kept}, "it learnt these"


@pytest.mark.parametrize("what", represented(["text", "answers"], "text"))
def test_a_resumed_run_goes_on_with_the_same_bits_whatever_became_of_what_it_mixes_in(
    demonstrated, run_job, monkeypatch, tmp_path, what
):
    path = tmp_path / "texts.jsonl"
    rows = [{"text": f"once upon a time there were {n} of them, and so on"} for n in range(5)] + [{"no": "text"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config = replace(RUN, steps=3)
    config = replace(config, ptx_length=16, ptx_text=str(path)) if what == "text" else config
    own = replace(ALGORITHMS["ppo"].config(), minibatches=2)
    whole = run_job(demonstrated, JobKind.TRAIN_POLICY, config, own)
    assert whole.status == "done", whole.report or whole.error

    def meanwhile():
        path.write_text("something else", encoding="utf-8")
        with demonstrated.write() as database:
            database.execute("update completions set text = text || '!'")

    resumed = killed_and_resumed(demonstrated, monkeypatch, config, own, at_step(3), meanwhile=meanwhile)
    assert numbers(demonstrated, resumed) == numbers(demonstrated, whole)
    assert len(numbers(demonstrated, whole)["loss/ptx_avg"]) == 3
    if what == "text":
        said = " ".join(row["text"] for row in job_log.lines(demonstrated, whole.id))
        assert "windows of 16 tokens" in said and "1 rows of the text's file have no `text`" in said


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "no answers of training prompts to mix in"),
        ({"ptx_answers": "best-ranked"}, "no answers of training prompts to mix in"),
        ({"algorithm": "trpo"}, "TRPO mixes in no pretraining loss"),
        ({"algorithm": "dqn", "ptx_coef": 0.0, "ptx_text": "/a"}, "DQN mixes in no pretraining loss"),
        ({"ptx_coef": 0.0, "ptx_text": "/a"}, "set --ptx-coef above 0"),
    ],
)
def test_what_cannot_be_mixed_in_is_refused_at_the_door(asking, settings, word):
    with pytest.raises((BadInput, NothingToDo), match=word):
        preflight.check(asking, replace(RUN, **settings))


def test_a_text_is_read_before_the_model_and_asked_about_once(asking, run_job, tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    config = replace(RUN, ptx_text=str(path), steps=1)

    def error(content, **settings):
        path.write_bytes(content)
        return run_job(asking, JobKind.TRAIN_POLICY, replace(config, **settings), ALGORITHMS["ppo"].config()).error

    with monkeypatch.context() as patch:
        patch.setattr("core.rl.train_job.base_of", None)  # no model is loaded
        assert "is not a file" in run_job(asking, JobKind.TRAIN_POLICY, config, ALGORITHMS["ppo"].config()).error
        assert "has no text to learn" in error(b" \n")
    assert "has 2 to 256 tokens" in error(b"x")
    gate.ask_from_now_on(asking)
    with pytest.raises(AskFirst, match="it uses the file or folder"):
        wishes.check(asking, replace(config, ptx_text=f"{path}.gz"))
    assert error(b"a text to learn") is None
    job = [row["id"] for row in asking.database.rows("select id from jobs order by id")][-1]
    assert wishes.named(asking, CompareConfig(policy_job=job)) == [], "comparing needs it no more"
    monkeypatch.chdir(tmp_path)
    assert wishes.from_here(TrainPolicyConfig(ptx_text="text.txt")).ptx_text == str(path)
