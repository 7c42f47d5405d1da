"""Plain words about curves: each is said when it is true, and not when it is not."""

import pytest

from core.config.training import TrainPolicyConfig
from core.guidance.run_advice import advice, gold_peak


def curve(*values):
    return list(enumerate(values, 1))


FLAT = curve(*[1.0] * 20)


@pytest.mark.parametrize(
    ("series", "word"),
    [
        ({"objective/kl": curve(*[-2.0] * 20)}, "top-k"),
        ({"objective/entropy": curve(*[3.0] * 5, *[0.5] * 15)}, "Entropy has fallen to 17%"),
        ({"completions/mean_length": curve(*[10.0] * 5, *[30.0] * 15)}, "grown from 10 to 30"),
        ({"completions/mean_length": curve(*[20.0] * 5, *[5.0] * 15)}, "shrunk from 20 to 5"),
        ({"completions/eos_rate": curve(*[0.8] * 5, *[0.3] * 15)}, "cut off at the length limit"),
        ({"completions/eos_rate": curve(*[0.1] * 20)}, "cut off at 96 tokens. Begin a new run and raise the length"),
        ({"objective/score_std": curve(*[0.001] * 20)}, "nothing left"),
        ({"policy/clipfrac_avg": curve(*[0.6] * 20)}, "60% of the tokens"),
        ({"val/explained_variance": curve(*[-0.8] * 20)}, "worse than their mean"),
        ({"frac_reward_zero_std": curve(*[0.9] * 20)}, "90% of the prompts"),
        ({"policy/step_size": curve(*[0.0] * 20)}, "No step was accepted"),
    ],
)
def test_it_names_the_likely_cause(series, word):
    (said,) = advice(series, TrainPolicyConfig())
    assert word in said.text
    assert said.metric in series
    short = {name: points[:4] for name, points in series.items()}
    assert advice(short, TrainPolicyConfig()) == [], "the first steps are noise"


def test_a_healthy_run_gets_no_advice():
    rising = curve(*[x / 20 for x in range(20)])
    healthy = {
        "objective/scores": rising, "objective/gold": rising, "objective/kl": rising, "objective/entropy": FLAT,
        "completions/mean_length": FLAT, "completions/eos_rate": FLAT, "objective/score_std": FLAT,
        "policy/clipfrac_avg": curve(*[0.1] * 20), "val/explained_variance": curve(*[0.5] * 20),
        "frac_reward_zero_std": curve(*[0.0] * 20), "policy/step_size": FLAT,
    }  # fmt: skip
    assert advice(healthy, TrainPolicyConfig(kl_target=6.0)) == []


ENDS, ENDED, LENGTH = curve(*[0.2] * 5, *[0.7] * 15), "completions/eos_rate", "completions/mean_length"


@pytest.mark.parametrize(
    ("series", "config", "said"),
    [
        ({ENDED: curve(*[0.0] * 20)}, {"missing_end_penalty": 0.0}, ""),
        ({ENDED: curve(*[0.0] * 20)}, {"missing_end": "nothing"}, ""),
        ({ENDED: curve(*[0.0] * 20)}, {}, "or raise the missing-end penalty"),
        ({ENDED: curve(*[0.0] * 20)}, {"missing_end": "mask"}, "or set a missing-end penalty"),
        ({ENDED: curve(*[0.0] * 10)}, {}, ""),
        ({ENDED: ENDS, LENGTH: curve(*[90.0] * 5, *[40.0] * 15)}, {}, ""),
        ({ENDED: ENDS, LENGTH: curve(*[90.0] * 5, *[9.0] * 15)}, {}, "the missing-end penalty is high"),
    ],
)
def test_a_run_that_is_to_learn_to_end_is_told_when_it_does_not_and_not_that_it_gets_shorter(series, config, said):
    found = advice(series, TrainPolicyConfig(**config))
    assert [said in each.text for each in found] == ([True] if said else [])


def test_kl_far_over_its_target():
    (said,) = advice({"objective/kl": curve(*[15.0] * 20)}, TrainPolicyConfig(kl_target=6.0))
    assert "twice its target of 6" in said.text


def test_a_mask_is_no_excuse_for_negative_kl_because_it_is_that_of_what_drew():
    (said,) = advice({"objective/kl": curve(*[-2.0] * 20)}, TrainPolicyConfig(algorithm="nlpo"))
    assert "not drawn from the distribution that is scored" in said.text


def test_over_optimisation_is_a_score_that_rises_past_the_peak_of_gold():
    score = curve(*[x / 10 for x in range(40)])
    up_and_down = curve(*[x / 10 for x in range(20)], *[2 - x / 10 for x in range(20)])
    peak = gold_peak({"objective/gold": up_and_down})
    assert peak in range(19, 25)
    (said,) = advice({"objective/scores": score, "objective/gold": up_and_down}, TrainPolicyConfig())
    assert f"since step {peak}" in said.text
    ends = {"objective/gold": up_and_down, ENDED: curve(*[x / 40 for x in range(40)])}
    assert advice(ends | {"objective/scores": curve(*[x / 40 for x in range(40)])}, TrainPolicyConfig()) == [], (
        "nothing rises but the share that ends"
    )
    assert gold_peak({"objective/gold": score}) is None
    assert gold_peak({"objective/gold": FLAT}) is None


def test_good_answers_that_kto_pushes_far_down_are_a_rate_too_high():
    fallen = {"rewards/chosen": curve(0.0, -1.0, *[-4.0] * 10), "kl": curve(*[0.0] * 12)}
    (said,) = advice(fallen, TrainPolicyConfig(algorithm="kto"))
    assert said.metric == "rewards/chosen" and "fallen to -4.0" in said.text and "Lower the learning rate" in said.text
    assert advice(fallen | {"kl": curve(*[3.0] * 12)}, TrainPolicyConfig(algorithm="kto")) == []
    assert advice(fallen | {"rewards/chosen": curve(*[-0.5] * 12)}, TrainPolicyConfig(algorithm="kto")) == []
    del fallen["kl"]
    assert advice(fallen, TrainPolicyConfig(algorithm="dpo")) == [], "there only the margin counts"
