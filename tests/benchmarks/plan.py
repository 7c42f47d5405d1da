"""Is the memory that `plan` computes what a step takes? Peak resident memory of two steps, one process a setting."""

import argparse
import json
import os
from dataclasses import asdict
from typing import Any

from tests.benchmarks.machine import load_base, peak_gigabytes, prepare, python

SETTINGS: tuple[dict[str, Any], ...] = (
    {"dtype": "bfloat16"},
    {"dtype": "bfloat16", "targets": "attention", "prompt": 40, "response": 32},
    {"dtype": "bfloat16", "batch": 32, "micro_batch": 32, "prompt": 96, "response": 96},
    {"dtype": "bfloat16", "copies": 4, "prompt": 160, "response": 64},
    {"dtype": "float32", "prompt": 40, "response": 24},
    {"dtype": "float32", "batch": 16, "micro_batch": 4, "prompt": 128, "response": 128},
    {"dtype": "float32", "batch": 16, "micro_batch": 4, "prompt": 128, "response": 128, "value_adapter": True},
    {"dtype": "float32", "batch": 4, "micro_batch": 4, "prompt": 32, "response": 16, "mixed": 4, "mixed_tokens": 192},
)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from core.machine import base_models
    from core.machine.memory_plan import Work, shape_of, total

    load_base(options)
    shape = shape_of(base_models.parse(options.model))
    found: dict[str, Any] = {}
    for number, setting in enumerate(SETTINGS):
        work = Work(device="cpu", **setting)
        code = f"from tests.benchmarks.plan import one; one({options.model!r}, {asdict(work)!r}, {options.threads!r})"
        peak = json.loads(python(code, environment={"PLUMBLINE_DTYPE": work.dtype}).splitlines()[-1])
        planned = total(shape, work) / 1e9
        name = f"{number}: {work.dtype} {work.targets} {work.micro_batch}x({work.prompt}/{work.copies}+{work.response})"
        name += " value adapter" * work.value_adapter + f" mix {work.mixed}x{work.mixed_tokens}" * bool(work.mixed)
        found[name] = {"planned_gb": planned, "measured_gb": peak, "planned_over_measured": planned / peak}
    ratios = [each["planned_over_measured"] for each in found.values()]
    return found | {"worst": max(ratios, key=lambda ratio: abs(ratio - 1))}


def one(model: str, work: dict[str, Any], threads: int | None) -> None:
    """Two steps of PPO on prompts and responses of just these lengths; prints the peak in gigabytes."""
    options = argparse.Namespace(model=model, dtype=os.environ["PLUMBLINE_DTYPE"], threads=threads)
    prepare(options)
    from core.config.algorithms import PPO
    from core.config.training import TrainPolicyConfig, TrainRewardConfig
    from core.models.adapters import SharedModel
    from core.models.rows import from_lists
    from core.models.seeds import generator
    from core.rl.actor import CachedPredictions, Setup
    from core.rl.adaptive_kl import LiveSettings
    from core.rl.algorithms.ppo import Learner
    from core.rl.batches import Rollout
    from core.rl.rollout import POLICY, REFERENCE, draw, logprobs, policy_logprobs, score_and_features
    from tests.core.reward.steps import fresh_model

    base = load_base(options)
    lora = {"lora_targets": work["targets"], "lora_rank": work["rank"]}
    config = TrainPolicyConfig(batch_size=work["batch"], micro_batch=work["micro_batch"], **lora)
    shared = SharedModel(base)
    reward = fresh_model(shared, TrainRewardConfig(**lora), seed=0)
    shared.add(POLICY, config, seed=0)
    own = PPO(value_model="adapter" if work["value_adapter"] else "head")
    mix = Mix(base, work["mixed"], work["mixed_tokens"]) if work["mixed"] else None
    learner = Learner(Setup(shared, config, own, LiveSettings.of(config), reward.members[0].adapter, mix))
    B, P, T, micro = work["batch"], work["prompt"], work["response"], work["micro_batch"]
    copies = work["copies"]
    prompts = [[300 + (7 * i + row) % 900 for i in range(P)] for row in range(B // copies)]
    for step in range(2):
        draw(shared, POLICY, prompts, copies=copies, max_new_tokens=T, temperature=1.0, generator=generator(step))
        texts = [[400 + (5 * i + row + step) % 900 for i in range(T)] for row in range(B)]
        answers = [texts[row : row + copies] for row in range(0, B, copies)]
        rows = from_lists(prompts, answers, base.pad_id, base.device)
        logp, nats, kept = policy_logprobs(shared, rows, 1.0, micro, learns=True)
        reference, _ = logprobs(shared, REFERENCE, rows, 1.0, micro)
        scored = score_and_features(shared, reward, rows, micro)
        import torch

        rollout = Rollout(rows, ("",) * B, logp, reference, nats, scored.features, scored.score)
        learner.actor.reuse(CachedPredictions(torch.arange(B), kept) if kept else None)
        learner.update(rollout, step)
    print(json.dumps(peak_gigabytes()))


class Mix:
    """Windows of a text of just this length, for PPO-ptx."""

    coef = 1.0

    def __init__(self, base: Any, count: int, length: int) -> None:
        from core.rl.answer_source import rows_of
        from core.rl.batches import Batch
        from core.rl.pretraining import windows

        text = [300 + (7 * place) % 900 for place in range(count * length)]
        self.whole = Batch(rows_of(base, windows(text, length)[:count]))

    def batch(self, place: int) -> Any:
        return self.whole
