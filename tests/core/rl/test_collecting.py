"""What a step draws and learns from, seen from outside: two ends, long prompts, what the sampler says, minibatches."""

from dataclasses import replace

import pytest
import torch

from core.config.jobs import CompareConfig, GenerateConfig, JobKind
from core.config.scoring import ScoreConfig
from core.config.training import TrainRewardConfig
from core.guidance.run_advice import advice
from core.labeling import gold
from core.models import sampling
from core.models.draws import Sampled
from core.models.rows import from_lists
from core.records import Prompt
from core.rl import rollout
from core.rl.actor import Actor
from core.store import create_project, prompts
from core.store.runs import job_log, job_metrics, job_samples
from tests.core.rl.rollouts import CONFIG
from tests.core.rl.test_steering import GOLD, POLICY, options
from tests.tiny import make_tiny_model

OTHER_END = "{% for m in messages %}<u>{{ m.content }}<a>{% endfor %}{% if add_generation_prompt %}<u>{% endif %}"


@pytest.mark.thorough
def test_a_completion_scores_the_same_whichever_end_token_ended_it(tmp_path, run_job, monkeypatch):
    model = make_tiny_model(tmp_path / "model", chat_template=OTHER_END)  # it ends with <a>, or with </s>
    project = create_project(tmp_path / "project", model=str(model))
    prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i == 0 else "train") for i in range(4)])
    assert run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
    gold.rank_all(project, GOLD)
    reward = TrainRewardConfig(epochs=1, learning_rate=5e-2, head_learning_rate=0.5, batch_prompts=2)
    assert run_job(project, JobKind.TRAIN_REWARD, reward).status == "done"

    def ended(model, asked, *, copies, pad_id, end_ids, **how):
        """Each prompt's completions say the same, and end now by one token, now by the other."""
        assert end_ids == (3, 0)
        answers = [[[70, 71, 72, end_ids[copy % 2]] for copy in range(copies)] for _ in asked]
        rows = from_lists(asked, answers, pad_id, torch.device("cpu"))
        return Sampled(rows, 0.0 * rows.is_response, 0.0 * rows.is_response)

    with monkeypatch.context() as patched:
        patched.setattr(rollout, "sample_with_logp", ended)
        run = replace(POLICY, steps=1, gold="", train_on_gold=False, completions=2, eval_prompts=1)
        job = run_job(project, JobKind.TRAIN_POLICY, run, options())
    assert job.status == "done", job.report or job.error
    found = {}
    for row in job_samples.listed(project, job.id):
        found.setdefault(row["prompt"], []).append(row)
    assert len(found) == 4
    for prompt, rows in found.items():
        text = rows[0]["completion"]
        scored = run_job(project, JobKind.SCORE, ScoreConfig(prompt=prompt, completions=(text, text + "!")))
        assert scored.result.scores[0] != scored.result.scores[1]
        assert [row["score"] for row in rows] == pytest.approx([scored.result.scores[0]] * len(rows), abs=1e-4)


@pytest.mark.parametrize("architecture", [pytest.param("llama", marks=pytest.mark.thorough), "gpt2"])
def test_prompts_that_are_longer_than_the_context_are_cut_and_counted(request, tmp_path, run_job, architecture):
    model = request.getfixturevalue(f"tiny_{architecture}")  # of 256 positions
    project = create_project(tmp_path / "project", model=str(model))
    texts = [f"{i} " + "x" * 300 for i in range(3)] + ["short"]
    prompts.add(project, [Prompt(0, text, split="heldout" if i == 0 else "train") for i, text in enumerate(texts)])
    run = replace(POLICY, steps=1, eval_prompts=1, batch_size=12)
    jobs = [
        (run_job(project, JobKind.TRAIN_POLICY, run, options()), "3 prompts ("),
        (run_job(project, JobKind.COMPARE, CompareConfig(max_new_tokens=6)), "1 prompt (1)"),
        (run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)), "3 prompts ("),
    ]
    for job, who in jobs:
        assert job.status == "done", job.report or job.error
        said = [row["text"] for row in job_log.lines(project, job.id)]
        assert any(text.startswith(who) and "cut at the beginning to fit into 256" in text for text in said), said


def test_what_the_sampler_and_the_trainer_say_is_compared_in_every_step(asking, run_job, monkeypatch):
    draw, off = sampling.sample_with_logp, 0.3

    def wrong(*given, **how):
        came = draw(*given, **how)
        return came._replace(logp=came.logp - off * came.rows.is_response)

    right = run_job(asking, JobKind.TRAIN_POLICY, replace(POLICY, steps=1), options(minibatches=64))
    assert any("64 minibatches of 8 completions" in row["text"] for row in job_log.lines(asking, right.id))
    with monkeypatch.context() as patched:
        patched.setattr(rollout, "sample_with_logp", wrong)
        job = run_job(asking, JobKind.TRAIN_POLICY, replace(POLICY, steps=2), options())
    names = [f"sampling/{name}" for name in (
        "sampling_logp_difference/mean", "sampling_logp_difference/max", "sequence_logp_difference/mean",
    )]  # fmt: skip
    good, bad = (job_metrics.series(asking, each.id) for each in (right, job))
    assert all(value < 1e-4 for name in names for _, value in good[name])
    for (_, mean), (_, most), (_, whole), (_, length) in zip(
        *(bad[name] for name in names), bad["completions/mean_length"], strict=True
    ):
        assert (mean, most) == (pytest.approx(off, abs=1e-3), pytest.approx(off, abs=1e-3))
        assert whole == pytest.approx(off * length, abs=1e-2)
    said = [row["text"] for row in job_log.lines(asking, job.id) if "differ by 0.30 nats a token" in row["text"]]
    assert len(said) == 1, "once"
    assert not any("nats a token" in row["text"] for row in job_log.lines(asking, right.id))
    curve = {names[0]: [(step, 0.11) for step in range(1, 10)]}
    assert [each.metric for each in advice(curve, POLICY)] == names[:1]
    assert not advice({names[0]: [(step, 0.09) for step in range(1, 10)]}, POLICY)


class Dealt:
    """As much of an actor as deals out minibatches."""

    config = replace(CONFIG, micro_batch=3, seed=5)
    batches = Actor.batches


class Drawn:
    def __init__(self, prompts, copies):
        answers = [[[9, 8]] * copies] * prompts
        self.rows = from_lists([[5]] * prompts, answers, 0, torch.device("cpu"))
        self.group = self.rows.prompt_of

    def __len__(self):
        return len(self.rows)


@pytest.mark.parametrize(("prompts", "copies", "asked", "parts"), [(4, 4, 2, 2), (4, 4, 8, 8), (3, 2, 64, 6)])
def test_minibatches_are_as_many_as_asked_and_others_in_every_pass(prompts, copies, asked, parts):
    actor, batch, passes = Dealt(), Drawn(prompts, copies), []
    for number in range(6):
        dealt = actor.batches(batch, asked, 0, number)
        again = actor.batches(batch, asked, 0, number)
        assert [[x.tolist() for x in part] for part in dealt] == [[x.tolist() for x in part] for part in again]
        assert len(dealt) == parts
        assert all(0 < len(index) <= 3 for part in dealt for index in part)
        rows = [sorted(torch.cat(part).tolist()) for part in dealt]
        assert sorted(row for part in rows for row in part) == list(range(len(batch))), "each completion once"
        assert max(map(len, rows)) - min(map(len, rows)) <= 1
        if parts <= prompts:
            assert all(len(batch.group[part].unique()) == prompts // parts for part in rows), "few prompts twice"
        passes.append(sorted(map(tuple, rows)))
    assert parts == len(batch) or len(set(map(tuple, passes))) > 1


def test_chunks_are_never_larger_than_asked_and_part_a_prompts_completions_only_where_they_must():
    sizes = [5, 1, 4, 4, 2]
    rows = from_lists([[5]] * 5, [[[9]] * size for size in sizes], 0, torch.device("cpu"))
    assert [len(index) for index in rows.chunks(5)] == [5, 5, 4, 2]
    assert [len(index) for index in rows.chunks(4)] == [4, 2, 4, 4, 2]
    assert [len(index) for index in rows.chunks(4, whole=True)] == [5, 1, 4, 4, 2]
    assert torch.cat(rows.chunks(4)).tolist() == list(range(16))
    assert [len(index) for index in Drawn(4, 4).rows.chunks(14)] == [12, 4], "14 is not 16"
