"""Rewards of single steps by a person's own function: where they stand, what they sum to, and which are refused."""

from dataclasses import replace

import pytest
import torch

from core.config.jobs import JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.labeling import gold
from core.labeling.own_reward import Lost
from core.models import chat
from core.models.adapters import SharedModel
from core.records import Prompt
from core.reward.reward_function import RewardFunction
from core.rl.adaptive_kl import LiveSettings
from core.rl.batches import join
from core.rl.collect import collect
from core.rl.rollout import POLICY
from core.runs import wishes
from core.store.runs import job_log, job_metrics, job_samples
from core.trust import gate
from tests.core.conftest import loaded
from tests.core.rl.rollouts import CONFIG, gradient, learner_of
from tests.core.rl.test_steering import at_step, killed_and_resumed, numbers
from tests.thorough import represented

FUNCTIONS = '''
import numpy

def every(prompt, completion):
    """A number for each character, the later the more; no two of them are the same."""
    return ((place + 1, 1.0 + place) for place in range(len(completion)))

def halves(prompts, completions):
    """The first half of those that have one, and a plain number for the others."""
    return [[[len(text) // 2, 3.0], (len(text), -1)] if len(text) > 1 else 2.0 for text in completions]

GIVEN = {
    "steps": [(2, 0.5), (5, -1), (2, 1.5)], "array": numpy.array([[3.0, 0.5]]).astype(int), "one": numpy.array(2.5),
    "none": None, "no steps": [], "'7/10'": "7/10", "its reward": [(1, "7/10")], "nan": [(1, float("nan"))],
    "inf": [(1, 1.0), (2, float("inf"))], "large": [(1, 1e16)], "sum": [(1, 9e14), (2, 9e14)], "far": [(99, 1.0)],
    "zero": [(0, 1.0)], "half": [(1.5, 1.0)], "numbers": [1.0, 2.0], "triple": [(1, 2, 3)], "dict": {1: 1.0},
    "many": [(1, 1.0)] * 5, "a text": ["1:2"],
}

def given(prompt, completion):
    if completion == "exit":
        raise SystemExit("quota used up")
    return GIVEN[completion]
'''
PROMPTS = [Prompt(1, "a"), Prompt(2, "b")]
RUN = TrainPolicyConfig(
    steps=3, learning_rate=1e-2, kl_coef=0.05, eval_prompts=0, max_new_tokens=6, batch_size=8, checkpoint_every=2,
    rules_only=True, reference_answers=False, missing_end_penalty=0.0,
)  # fmt: skip


@pytest.fixture
def own(asking, tmp_path):
    """A function by its name, which the project may run."""
    (tmp_path / "own.py").write_text(FUNCTIONS)

    def named(name):
        found = f"{tmp_path / 'own.py'}:{name}"
        gate.choose(asking, wishes.of_gold(found))
        return found

    return named


@pytest.fixture(params=["llama"])
def shared(request, monkeypatch):
    found = SharedModel(loaded(request, monkeypatch))
    found.add(POLICY, CONFIG, seed=0)
    yield found
    found.close()


def collected(shared, reward, **settings):
    config = replace(CONFIG, batch_size=8, completions=4, kl_coef=0.0, seed=4, **settings)
    return collect(shared, reward, PROMPTS, config, LiveSettings.of(config), 0)[0].rollout, config


def test_each_reward_stands_at_the_token_that_completes_its_step(asking, own, shared):
    rules = ((2.0, gold.find(asking, own("every"))), (0.5, gold.find(asking, own("halves"))))
    reward = RewardFunction(rules=(*rules, (1.0, gold.length)), missing_end_penalty=0.25)
    rollout, config = collected(shared, reward)
    assert not rollout.rows.ended.all()
    learner = learner_of(shared, "ppo", config, gamma=0.5, lam=1.0, whiten_advantages=False)
    learner.critic.initialise(rollout.score)
    _, returns = learner.advantages(rollout, learner.values(rollout))
    for row, (text, n) in enumerate(zip(rollout.texts, rollout.rows.lengths.tolist(), strict=True)):
        ids, rewards = rollout.rows.response_ids[row].tolist(), [0.0] * n
        begun = [chat.text_of(shared.base, ids[: place + 1]) for place in range(n)]

        def give(end, value, begun=begun, text=text, rewards=rewards):
            rewards[[each[:end] for each in begun].index(text[:end])] += value

        for place in range(len(text)):
            give(place + 1, 2.0 * (1 + place))
        if len(text) > 1:
            give(len(text) // 2, 1.5)
            give(len(text), -0.5)
        else:
            rewards[-1] += 1.0
        rewards[-1] += len(text.split()) - 0.25 * (not rollout.rows.ended[row])
        assert float(rollout.score[row]) == pytest.approx(sum(rewards), abs=1e-4)
        following = 0.0
        for place in reversed(range(n)):
            following = rewards[place] + 0.5 * following
            assert float(returns[row, place]) == pytest.approx(following, abs=1e-3)


def test_a_letter_of_several_tokens_is_completed_by_its_last(shared):
    ids = shared.base.tokenizer("a日b</s>", add_special_tokens=False)["input_ids"]
    assert len(ids) == 6
    assert [chat.token_completing(shared.base, ids, "a日b"[:end]) for end in (1, 2, 3)] == [0, 3, 4]


def test_what_takes_a_completion_for_one_action_takes_the_sum(asking, own, shared):
    rollout, config = collected(shared, RewardFunction(optimised_gold=gold.find(asking, own("every"))))
    assert rollout.step_rewards is not None
    torch.testing.assert_close(rollout.step_rewards.sum(1), rollout.score)
    plain = replace(rollout, step_rewards=None)
    for name, same in (("rloo", True), ("grpo", True), ("reinforce", False)):
        parts = [gradient(learner_of(shared, name, config), each) for each in (rollout, plain)]
        assert torch.equal(*parts) == same and float(parts[0].norm()) > 0
    both = join([plain.select(torch.tensor([0, 1])), rollout.select(torch.tensor([2, 5]))])
    assert torch.equal(both.step_rewards[2:], rollout.step_rewards[[2, 5]]) and not both.step_rewards[:2].any()


def test_a_penalty_in_place_of_the_score_leaves_no_step_of_it(asking, own, shared):
    reward = RewardFunction(
        rules=((1.0, gold.find(asking, own("every"))),), missing_end_penalty=0.5, missing_end="replace"
    )
    rollout, _ = collected(shared, reward)
    cut = ~rollout.rows.ended
    assert cut.any() and rollout.score[cut].eq(-0.5).all()
    assert rollout.step_rewards is None or not rollout.step_rewards[cut].any()


@pytest.mark.parametrize("name", represented(["soft-q", "dqn", "ppo", "a2c", "trpo", "nlpo", "rloo"], "rloo"))
def test_a_run_of_rewarded_steps_is_resumed_bit_for_bit_and_shows_their_sums(asking, run_job, own, monkeypatch, name):
    config = replace(RUN, algorithm=name, rules=f"0.5*{own('every')}; {own('halves')}")
    options = ALGORITHMS[name].config()
    whole = run_job(asking, JobKind.TRAIN_POLICY, config, options)
    assert whole.status == "done", whole.report or whole.error
    for row in job_samples.listed(asking, whole.id):
        n = len(row["completion"])
        assert row["score"] == pytest.approx(0.25 * n * (n + 1) + 2.0)
    assert {value for _, value in job_metrics.series(asking, whole.id)["objective/unscored"]} == {0.0}
    resumed = killed_and_resumed(asking, monkeypatch, config, options, at_step(3))
    assert numbers(asking, resumed) == numbers(asking, whole)
    said = [row["text"] for row in job_log.lines(asking, whole.id) if "one action" in row["text"]]
    assert len(said) == (name == "rloo")


def test_what_is_wrong_with_a_step_costs_its_completion(asking, own):
    name = own("given")
    function = gold.find(asking, name)
    good = {"steps": 1.0, "one": 2.5, "no steps": 0.0}
    assert function.values([("", each) for each in good]) == list(good.values())
    wrong = {
        "none": "gave None, which is no number",
        "'7/10'": "gave '7/10', which is no number",
        "its reward": "gave '7/10', which is no number",
        "nan": "gave nan, and not a number from",
        "inf": "gave inf, and not a number from",
        "large": "gave 1e+16, and not a number from",
        "sum": "gave 1.8e+15, and not a number from",
        "far": "gave 99 as the end of a step, and not one from 1 to 3",
        "zero": "gave 0 as the end of a step, and not one from 1 to 4",
        "half": "gave 1.5 as the end of a step, which is no number of characters",
        "numbers": "gave [1.0, 2.0], which is neither a number nor pairs of an end and a reward",
        "triple": "gave (1, 2, 3), which is no pair of an end and a reward",
        "dict": "gave {1: 1.0}, which is no number",
        "many": "gave more rewards than the 4 characters of its completion",
        "a text": "gave ('1', ':', '2'), which is no pair",
        "exit": "raised SystemExit: quota used up",
    }
    values = function.values([("", each) for each in wrong])
    assert all(isinstance(value, Lost) for value in values)
    for (each, word), value in zip(wrong.items(), values, strict=True):
        assert value.why.startswith(word), each
    assert float(function("", "array")) == 0.0
