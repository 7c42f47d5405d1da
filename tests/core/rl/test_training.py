"""The whole way through on the tiny model: generate, rank by script, learn a reward, tune, compare, score."""

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.metrics import METRICS
from core.config.options import changed_values, from_dict
from core.config.scoring import ScoreConfig
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig
from core.labeling import gold
from core.records import Job, Prompt
from core.rl import evaluate
from core.store import Project, create_project, pairs, prompts
from core.store.runs import job_log, job_metrics, job_samples

Run = Callable[..., Job]
GOLD = "regex:[a-m]"
GENERATE = GenerateConfig(max_new_tokens=10)
REWARD = TrainRewardConfig(epochs=3, learning_rate=5e-3, batch_prompts=3, checkpoint_every=2)
POLICY = TrainPolicyConfig(
    steps=4, gold=GOLD, learning_rate=5e-3, eval_prompts=2, max_new_tokens=10, batch_size=8, checkpoint_every=2
)


@pytest.fixture
def ranked(tmp_path: Path, tiny_model: Path, run_job: Run) -> Project:
    """A project whose completions a script has ranked by how many letters from a to m they hold."""
    project = create_project(tmp_path / "project", model=str(tiny_model))
    prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(12)])
    assert run_job(project, JobKind.GENERATE, GENERATE).status == "done"
    gold.rank_all(project, GOLD)
    return project


def test_generation_gives_every_prompt_its_completions_and_resumes_where_it_stopped(tmp_path, tiny_model, run_job):
    project = create_project(tmp_path / "project", model=str(tiny_model))
    prompts.add(project, [Prompt(0, f"prompt {i}") for i in range(6)])
    run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6, completions=3, limit=2))
    texts = project.database.rows("select text from completions order by id")
    job = run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6, completions=3))
    assert job.status == "done"
    assert project.database.value("select count(*) from completions") == 18
    assert project.database.rows("select text from completions order by id")[:6] == texts
    again = run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6))
    assert (again.status, "Every prompt has completions" in (again.error or "")) == ("failed", True)


def test_the_reward_model_learns_what_the_labeler_prefers(ranked, run_job):
    job = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, epochs=10))
    assert job.status == "done", job.report or job.error
    counted = pairs.counts(ranked)
    assert job.result.pairs + job.result.heldout_pairs == counted.pairs
    assert set(job_metrics.series(ranked, job.id)) <= set(METRICS), "every number is explained"
    losses = job_metrics.series(ranked, job.id)["loss"]
    assert sum(v for _, v in losses[-3:]) < sum(v for _, v in losses[:3])
    held = {
        row["prompt_id"] for row in ranked.database.rows("select id as prompt_id from prompts where split = 'heldout'")
    }
    assert job.result.heldout_pairs == len([pair for pair in pairs.listed(ranked) if pair.prompt_id in held])


def test_the_scale_is_measured_where_nothing_was_learnt(ranked, run_job):
    """Mean and deviation of the raw scores of all that the base wrote to the held-out prompts, and to those of which
    no pair was learnt, as all their completions are tied."""
    held = prompts.ids(ranked)[::3]
    for prompt_id in prompts.ids(ranked):
        prompts.edit(ranked, prompt_id, split="heldout" if prompt_id in held else "train")
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    rows = ranked.database.rows(
        "select g.prompt_id, s.score from scores s join completions c on c.id = s.completion_id"
        " join completion_groups g on g.id = c.group_id where s.job_id = ? and s.part = 'reference'", job.id,
    )  # fmt: skip
    trained = {pair.prompt_id for pair in pairs.listed(ranked)} - set(held)
    new = sorted(set(prompts.ids(ranked)) - trained)
    assert {row["prompt_id"] for row in rows} == set(new) and trained
    scores = [row["score"] for row in rows]
    assert len(scores) == ranked.database.value(
        "select count(*) from completions c join completion_groups g on g.id = c.group_id"
        " where g.prompt_id in (select value from json_each(?))", str(new),
    )  # fmt: skip
    assert job.result.reward_mean == pytest.approx(statistics.fmean(scores), abs=1e-6)
    assert job.result.reward_std == pytest.approx(statistics.pstdev(scores), rel=1e-4)


@pytest.mark.thorough
def test_scores_have_mean_0_and_deviation_1_over_the_reference_where_nothing_was_learnt(ranked, run_job):
    held = prompts.ids(ranked)[::2]
    for prompt_id in held:
        prompts.edit(ranked, prompt_id, split="heldout")
    run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    scores = []
    learnt = {pair.prompt_id for pair in pairs.listed(ranked)} - set(held)
    for row in ranked.database.rows(
        "select g.id, p.text, p.id as prompt_id from completion_groups g join prompts p on p.id = g.prompt_id"
    ):
        if row["prompt_id"] in learnt:
            continue
        texts = [r["text"] for r in ranked.database.rows("select text from completions where group_id = ?", row["id"])]
        job = run_job(ranked, JobKind.SCORE, ScoreConfig(prompt=row["text"], completions=tuple(texts)))
        scores += job.result.scores
    assert torch.tensor(scores).mean().abs() < 1e-2
    assert abs(float(torch.tensor(scores).std(correction=0)) - 1) < 1e-2


def test_the_reference_answers_prompts_of_several_steps_together_and_each_is_shown_with_its_own_step(
    ranked, run_job, monkeypatch
):
    run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    asked, answers = [], evaluate.answers
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "answers", lambda *how, **more: asked.append(len(how[2])) or answers(*how, **more))
        job = run_job(ranked, JobKind.TRAIN_POLICY, replace(POLICY, eval_prompts=0), ALGORITHMS["ppo"].config())
    assert job.status == "done", job.report or job.error
    assert asked == [8], "all prompts of four steps of two"
    for step in range(1, 5):
        rows = job_samples.listed(ranked, job.id, step=step)
        found = {name: [row["prompt_id"] for row in rows if row["policy"] == name] for name in ("reference", "policy")}
        assert len(found["reference"]) == 2 and set(found["reference"]) == set(found["policy"])


def test_ppo_starts_at_kl_0_and_ratio_1_and_the_comparison_sees_both_policies(ranked, run_job):
    run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    job = run_job(ranked, JobKind.TRAIN_POLICY, POLICY, ALGORITHMS["ppo"].config())
    assert job.status == "done", job.report or job.error
    metrics = job_metrics.series(ranked, job.id)
    assert set(metrics) <= set(METRICS), "every number is explained"
    assert metrics["objective/kl"][0] == (1, 0.0)
    assert metrics["objective/kl"][-1][1] != 0.0
    assert all(value < 1e-4 for _, value in metrics["sampling/sampling_logp_difference/mean"])
    assert metrics["policy/approxkl_avg"][0][1] >= 0
    assert [step for step, _ in metrics["objective/scores"]] == [1, 2, 3, 4]
    seen = job_samples.listed(ranked, job.id, step=2)
    own = [row for row in seen if row["policy"] == "policy"]
    assert len(own) == POLICY.batch_size
    reference = {
        row["prompt_id"]: row["score"] for row in job_samples.listed(ranked, job.id) if row["policy"] == "reference"
    }
    assert all(row["change"] == pytest.approx(row["score"] - reference[row["prompt_id"]]) for row in own)
    told = {"reward_before", "reward_after", "gold_before", "gold_after", "kl", "stop_reason"}
    assert told <= set(changed_values(job.result))
    compared = run_job(ranked, JobKind.COMPARE, CompareConfig(gold=GOLD, max_new_tokens=8))
    rows = job_samples.listed(ranked, compared.id)
    assert [row["policy"] for row in rows] == ["reference"] * 3 + ["tuned"] * 3
    assert compared.result.prompts == 3
    own = run_job(ranked, JobKind.GENERATE, GenerateConfig(policy_job=job.id, max_new_tokens=5))
    assert own.status == "done"
    assert ranked.database.value("select count(*) from completions where policy_job = ?", job.id) == 48
    mixed = GenerateConfig(policy_job=job.id, mix_with=0, completions=3, max_new_tokens=5, missing_only=False)
    written = run_job(ranked, JobKind.GENERATE, mixed)
    shares = ranked.database.rows(
        "select c.policy_job, count(*) as n from completions c join completion_groups g on g.id = c.group_id"
        " where g.job_id = ? group by 1 order by 1",
        written.id,
    )
    assert [row["policy_job"] for row in shares] == [None, job.id]
    assert shares[1]["n"] == 2 * shares[0]["n"]


@pytest.mark.thorough
def test_a_reward_threshold_stops_the_run(ranked, run_job):
    run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    config = from_dict(TrainPolicyConfig, config_values(POLICY) | {"reward_threshold": -50.0, "steps": 9})
    job = run_job(ranked, JobKind.TRAIN_POLICY, config, ALGORITHMS["ppo"].config())
    assert (job.result.steps, job.result.stop_reason) == (3, "reward threshold")
    assert ranked.database.value("select max(step) from checkpoints where job_id = ?", job.id) == 3


def test_bad_input_is_one_sentence(tmp_path, tiny_model, run_job):
    project = create_project(tmp_path / "project", model=str(tiny_model))
    assert "no prompts" in run_job(project, JobKind.GENERATE, GENERATE).error
    prompts.add(project, [Prompt(0, "hello")])
    assert "no pairs" in run_job(project, JobKind.TRAIN_REWARD, REWARD).error
    assert "no reward model" in run_job(project, JobKind.TRAIN_POLICY, POLICY, ALGORITHMS["ppo"].config()).error
    project.set_setting("model", str(tmp_path / "nowhere"))
    assert "is not there" in run_job(project, JobKind.GENERATE, GENERATE).error


def test_a_model_without_a_chat_template_is_given_the_plain_one_and_that_is_told(tmp_path, run_job):
    from tests.tiny import make_tiny_model

    folder = make_tiny_model(tmp_path / "model", chat_template=None)
    project = create_project(tmp_path / "project", model=str(folder))
    prompts.add(project, [Prompt(0, "hello")])
    job = run_job(project, JobKind.GENERATE, GENERATE)
    assert job.status == "done", job.report or job.error
    told = " ".join(row["text"] for row in job_log.lines(project, job.id))
    assert "has no chat template of its own in use" in told


def test_a_damaged_model_is_refused_and_a_good_one_then_works(tmp_path, run_job):
    from tests.tiny import make_tiny_model

    folder = make_tiny_model(tmp_path / "model")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    project = create_project(tmp_path / "project", model=str(folder))
    prompts.add(project, [Prompt(0, "hello")])
    job = run_job(project, JobKind.GENERATE, GENERATE)
    assert job.status == "failed"
    assert "is damaged" in job.error
    assert job.report is None
    weights.write_bytes(whole)
    assert run_job(project, JobKind.GENERATE, GENERATE).status == "done"
