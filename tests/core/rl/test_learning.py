"""Every algorithm learns: on the tiny model, a reward that can be earned rises by a clear margin, with a fixed seed."""

import pytest

from core.config.jobs import GenerateConfig, JobKind
from core.config.metrics import METRICS
from core.config.options import documented, from_dict
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.labeling import gold
from core.records import Prompt
from core.store import completions, create_project, labelers, prompts
from core.store.runs import job_metrics
from tests.thorough import represented

GOLD = "regex:[a-z]"
#: What each needs to learn in seconds on a model of 32 dimensions; the defaults are for a real one.
TUNED = {
    "ppo": {"ppo_epochs": 4},
    "nlpo": {"ppo_epochs": 4},
    "reinforce": {"baseline": "running"},
    "grpo": {"passes": 2},
    "dqn": {"alpha": 0.1, "value_learning_rate": 1e-2},
    "soft-q": {"kl_coef": 0.05, "q_updates": 4, "one_step": 0.2},
    "trpo": {"trust_kl": 0.1, "fisher_share": 1.0},
    "dpo": {"beta": 0.05, "learning_rate": 1e-2},
    "sft": {"learning_rate": 1e-2},
}


#: The others take minutes together. What KTO learns from verdicts is in `test_kto`.
OFTEN = ("ppo", "rloo", "grpo", "dpo", "sft")
SELDOM = [pytest.param(name, marks=pytest.mark.slow) for name in ALGORITHMS if name not in (*OFTEN, "kto")]


@pytest.mark.parametrize("name", [*represented(OFTEN, "ppo"), *SELDOM])
def test_it_learns_a_gold_reward_by_a_clear_margin(tmp_path, tiny_model, run_job, name):
    project = create_project(tmp_path / "project", model=str(tiny_model))
    offline = ALGORITHMS[name].offline
    count = 64 if offline else 12
    texts = [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(count)]
    prompts.add(project, texts)
    kind, own = ALGORITHMS[name].config, TUNED.get(name, {})
    if name == "sft":
        for number in prompts.ids(project):
            group = completions.add_group(project, number, ())
            completions.write(project, group, labelers.named(project, "Ada").id, f"word{'s' * (number % 4)}")
    elif offline:
        run_job(project, JobKind.GENERATE, GenerateConfig(completions=16, max_new_tokens=8, seed=3))
        gold.rank_all(project, GOLD)
    names = {item.name for item in documented(kind)}
    shared = {
        "algorithm": name, "steps": 18, "gold": GOLD, "train_on_gold": True, "learning_rate": 2e-2, "kl_coef": 0.01,
        "batch_size": 32, "eval_prompts": 12 if offline else 3, "max_new_tokens": 8, "lora_rank": 8,
        "reference_answers": False,
    }  # fmt: skip
    config = from_dict(TrainPolicyConfig, shared | {k: v for k, v in own.items() if k not in names})
    job = run_job(project, JobKind.TRAIN_POLICY, config, kind(**{k: v for k, v in own.items() if k in names}))
    assert job.status == "done", job.report or job.error
    assert job.result.gold_after > job.result.gold_before + (1.0 if offline else 2.0)
    assert set(job_metrics.series(project, job.id)) <= set(METRICS), "every number is explained"


@pytest.mark.thorough
def test_a_run_with_the_missing_end_as_it_is_learns_to_end(asking, run_job):
    """Nothing but the end is rewarded, by the default alone."""
    config = TrainPolicyConfig(
        rules="0*length", rules_only=True, steps=6, learning_rate=2e-2, kl_coef=0.01, batch_size=32, eval_prompts=0,
        max_new_tokens=8, lora_rank=8, reference_answers=False,
    )  # fmt: skip
    job = run_job(asking, JobKind.TRAIN_POLICY, config, ALGORITHMS["ppo"].config())
    assert job.status == "done", job.report or job.error
    ended = [value for _, value in job_metrics.series(asking, job.id)["completions/eos_rate"]]
    assert ended[0] < 0.3 and ended[-1] > 0.7, ended
