"""The comparison scores by the very reward that the policy was tuned with."""

import json
import re
from dataclasses import replace

import pytest

from core.config.jobs import CompareConfig, GenerateConfig, JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig, TrainRewardJob
from core.jobs import queue
from core.labeling import gold, sending
from core.store import prompts
from core.store.runs import job_samples

GOLD = "regex:[a-m]"
THOROUGH = pytest.mark.thorough
REWARD = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3, members=2)
POLICY = TrainPolicyConfig(steps=2, learning_rate=5e-3, eval_prompts=2, max_new_tokens=6, batch_size=8, lora_rank=4)
#: What the run itself asks when it measures its policy, so that both write the same texts.
COMPARE = CompareConfig(limit=2, completions=4, max_new_tokens=6)


@pytest.fixture
def ranked(asking, run_job):
    """A project with two reward models."""
    assert run_job(asking, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
    gold.rank_all(asking, GOLD)
    for seed in range(2):
        assert run_job(asking, JobKind.TRAIN_REWARD, replace(REWARD, seed=seed)).status == "done"
    return asking


def tuned(project, run_job, algorithm="ppo", **settings):
    config = replace(POLICY, **{"algorithm": algorithm, "missing_end_penalty": 0.0, **settings})
    job = run_job(project, JobKind.TRAIN_POLICY, config, ALGORITHMS[algorithm].config())
    assert job.status == "done", job.report or job.error
    return job


def compared(project, run_job, **settings):
    job = run_job(project, JobKind.COMPARE, replace(COMPARE, **settings))
    assert job.status == "done", job.report or job.error
    return job


def scored(project, job):
    """(who, text, tokens, score) of what was answered to the held-out prompts."""
    held = {prompt.id for prompt in prompts.listed(project, split="heldout")}
    rows = [row for row in job_samples.listed(project, job.id) if row["prompt_id"] in held]
    return sorted((row["policy"], row["completion"], row["tokens"], row["score"]) for row in rows)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=THOROUGH),
        pytest.param({"rules": "0.5*length; 0.25*regex:[a-z]", "missing_end_penalty": 2.0}, marks=THOROUGH),
        {"rules": "-1*length", "model_weight": 0.3, "ensemble": "worst", "reward_job": 2},
        pytest.param(
            {"gold": GOLD, "train_on_gold": True, "model_weight": 2.0, "missing_end_penalty": 0.5}, marks=THOROUGH
        ),
    ],
)
def test_a_text_has_in_compare_the_score_that_it_has_in_training(ranked, run_job, settings):
    job = tuned(ranked, run_job, **settings)
    found = compared(ranked, run_job)
    assert scored(ranked, found) == scored(ranked, job), "to the last bit"
    assert found.result.reward_before == job.result.reward_before
    assert found.result.reward_after == job.result.reward_after


@pytest.mark.thorough
def test_rules_weight_and_penalty_are_part_of_what_compare_says(ranked, run_job):
    rules = "0.5*length; 0.25*regex:[a-z]"
    plain = scored(ranked, compared(ranked, run_job, policy_job=tuned(ranked, run_job).id))
    whole = tuned(ranked, run_job, rules=rules, missing_end_penalty=2.0, model_weight=0.5)
    for (who, text, tokens, score), (_, same, _, learned) in zip(
        scored(ranked, compared(ranked, run_job, policy_job=whole.id)), plain, strict=True
    ):
        if who == "reference":
            ruled = 0.5 * len(text.split()) + 0.25 * len(re.findall("[a-z]", text))
            cut_off = tokens == COMPARE.max_new_tokens
            assert text == same
            assert score == pytest.approx(0.5 * learned + ruled - 2.0 * cut_off, abs=1e-4)


@pytest.mark.thorough
def test_another_reward_model_takes_the_place_of_the_runs_own_and_a_gold_reward_is_drawn_beside(ranked, run_job):
    first, second = [job.id for job in queue.listed(ranked, TrainRewardJob)][::-1]
    job = tuned(ranked, run_job, rules="0.5*length", reward_job=first)
    own, other = compared(ranked, run_job), compared(ranked, run_job, reward_job=second, gold="length")
    assert (own.result.reward_job, other.result.reward_job) == (first, second)
    assert (own.result.gold_before, other.result.gold_before is not None) == (None, True)
    assert scored(ranked, own) == scored(ranked, job) != scored(ranked, other)
    for row in job_samples.listed(ranked, other.id):
        assert row["gold"] == len(row["completion"].split())


@pytest.mark.thorough
def test_what_was_tuned_from_rankings_alone_is_scored_by_the_gold_reward_that_is_asked_for(asking, run_job):
    assert run_job(asking, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
    gold.rank_all(asking, GOLD)
    tuned(asking, run_job, "dpo")
    rows = job_samples.listed(asking, compared(asking, run_job, gold="length").id)
    assert [row["score"] for row in rows] == [row["gold"] for row in rows]
    assert {row["score"] for row in job_samples.listed(asking, compared(asking, run_job).id)} == {None}


def test_each_conversation_is_sent_to_rank_with_the_answers_to_it(asking, run_job):
    config = replace(POLICY, steps=1, eval_prompts=0, gold="length", train_on_gold=True, algorithm="reinforce")
    run = run_job(asking, JobKind.TRAIN_POLICY, config, ALGORITHMS["reinforce"].config())
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    conversations = (json.dumps(turns), json.dumps(turns[:1]))
    job = compared(asking, run_job, conversations=conversations, prompts=("d",), completions=2, batch_size=2)
    found = sending.of_comparison(asking, job)
    assert [each.conversation.text for each in found] == ["d", "User: a\n\nAssistant: b\n\nUser: c", "a"]
    for each in found:
        rows = [row for row in job_samples.listed(asking, job.id) if row["prompt"] == each.conversation.text]
        assert {(answer.text, answer.policy_job) for answer in each.answers} <= {
            (row["completion"], run.id if row["policy"] == "tuned" else None) for row in rows
        }
        assert {answer.text for answer in each.answers} == {row["completion"] for row in rows}
