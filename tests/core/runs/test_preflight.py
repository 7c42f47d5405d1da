"""What could only fail is refused at the door, and nothing is queued."""

from dataclasses import replace

import pytest

from core.config.jobs import ExportModelConfig, JobKind, config_values
from core.config.training import TrainRewardConfig
from core.errors import BadInput
from core.jobs import queue
from core.labeling import gold
from core.runs import preflight, sweep, wishes
from core.store import prompts
from core.trust import gate
from tests.core.rl.test_steering import POLICY, options


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gold": "nope"}, "no reward called 'nope'"),
        ({"gold": "regex:["}, "not a regular expression"),
        ({"rules": "bogus rule!!"}, "no reward called 'bogus rule!!'"),
        ({"rules": "a*sentiment"}, "not a weight"),
        ({"batch_size": 2, "completions": 4}, "set --batch-size to 4 or more"),
        ({"kl_target": 3.0, "kl_coef": 0.0}, "set --kl-coef above 0"),
        ({"algorithm": "soft-q", "kl_coef": 0.0}, "divides by the KL coefficient"),
        ({"algorithm": "grpo", "completions": 1}, "set --completions to 2 or more"),
        ({"warmup_steps": 4}, "set --warmup-steps to fewer"),
        ({"algorithm": "dqn", "missing_end": "mask"}, "set --missing-end to subtract, replace or nothing"),
        ({"gold": ""}, "give one with --gold"),
        ({"train_on_gold": False}, "no reward model yet"),
        ({"train_on_gold": False, "rules": "length"}, "give --rules-only to optimise the rules alone"),
        ({"train_on_gold": False, "rules_only": True}, "give them with --rules"),
        ({"rules": "length", "rules_only": True}, "give no --train-on-gold"),
        ({"train_on_gold": False, "reward_model": "x", "reward_job": 1}, "not both"),
    ],
)
def test_settings_that_could_only_fail_are_refused(asking, values, words):
    config = replace(POLICY, **values)
    with pytest.raises(BadInput, match=words):
        preflight.check(asking, config)
    with pytest.raises(BadInput):
        sweep.enqueue(asking, config, options(config.algorithm), {"seed": ["1", "2"]})
    assert queue.listed(asking) == []


@pytest.mark.parametrize("algorithm", ["sft", "dpo"])
def test_settings_that_an_algorithm_does_not_heed_refuse_nothing(asking, algorithm):
    preflight.check(asking, replace(POLICY, algorithm=algorithm, batch_size=2, completions=4, kl_target=3.0, kl_coef=0))


def test_a_run_may_wait_for_what_is_on_its_way(asking):
    config = replace(POLICY, train_on_gold=False)
    queue.enqueue(asking, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    preflight.check(asking, config)
    export = ExportModelConfig(out=str(asking.folder / "new"))
    with pytest.raises(BadInput, match="no tuned policy yet"):
        preflight.check(asking, export)
    queue.enqueue(asking, JobKind.TRAIN_POLICY, config_values(config, options()))
    preflight.check(asking, export)
    with pytest.raises(BadInput, match="empty or new"):
        preflight.check(asking, replace(export, out=str(asking.folder)))


def test_code_that_is_not_there_is_refused_once_somebody_typed_it(asking):
    with pytest.raises(BadInput, match=r"none\.py is not a file"):
        sweep.enqueue(asking, replace(POLICY, gold="none.py:score"), options(), {"seed": ["1"]})
    assert queue.listed(asking) == []


def test_a_run_needs_training_prompts(asking):
    prompts.delete(asking, prompts.ids(asking))
    with pytest.raises(BadInput, match="no training prompts"):
        preflight.check(asking, POLICY)


def test_a_persons_own_code_is_not_run_at_the_door(asking, tmp_path):
    code = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nscore = lambda prompt, answer: 1.0"
    (tmp_path / "own.py").write_text(code, encoding="utf-8")
    name = f"{tmp_path / 'own.py'}:score"
    preflight.check(asking, replace(POLICY, rules=f"2*{name}"))
    gate.choose(asking, wishes.of_gold(name))
    assert not (tmp_path / "ran").exists()
    assert gold.find(asking, name)("a prompt", "an answer") == 1.0
    assert (tmp_path / "ran").exists(), "a job does run it"
