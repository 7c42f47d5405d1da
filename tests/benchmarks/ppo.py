"""Seconds a PPO step and where they go, on the work that the peer does too.

Batch 16, 32 new tokens, 4 epochs of 1 minibatch, LoRA r=16 on attention, one completion a prompt. Our reward model is
a second adapter on the same base; the peer loads a reward and a value model of their own, and takes its minibatch in 2
parts of 8 for which it pads to the longest. `matmul_share` is what the training part's products with the model's own
weights (attention's scores and LoRA's are left out) take of the speed of one large product, measured in the same run.
"""

import argparse
from typing import Any

from tests.benchmarks.machine import (
    gpu_gigabytes,
    load_base,
    matmul_peak,
    median,
    peak_gigabytes,
    peer,
    prepare,
    prompts,
    settled,
)

STEPS_WARM = 1


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    base = load_base(options)
    peak = matmul_peak(base)
    work = Work(base, prompts(options, base, 256), batch=16, tokens=32, epochs=4)
    steps = [work.step() for _ in range(options.runs + STEPS_WARM)][STEPS_WARM:]
    work.close()
    result: dict[str, Any] = {
        "seconds_a_step": median([step["time/step"] for step in steps]),
        "seconds_generating": median([step["time/generate"] for step in steps]),
        "seconds_scoring": median([step["time/score"] for step in steps]),
        "seconds_training": median([step["time/train"] for step in steps]),
        "matmul_share": median([step["operations"] / step["time/train"] for step in steps]) / peak,
        "matmul_peak_gigaflops": peak / 1e9,
        "peak_gb": gpu_gigabytes() or peak_gigabytes(),
        "dtype": str(base.placement.dtype).removeprefix("torch."),
        "device": str(base.device),
        "steps": len(steps),
    }
    if options.peer_python and options.data:
        folder = str(base.spec.folder)
        arguments = ("--model", folder, "--data", str(options.data), "--dtype", result["dtype"])
        lines = peer(options, "trl_ppo.py", *arguments, "--steps", str(options.runs + STEPS_WARM))[STEPS_WARM:]
        if lines:
            result["peer_seconds_a_step"] = median([line["seconds"] for line in lines])
            result["peer_peak_gb"] = max(line.get("gpu_gb") or line["peak_gb"] for line in lines)
            result["seconds_over_peer"] = result["seconds_a_step"] / result["peer_seconds_a_step"]
            result["memory_over_peer"] = result["peak_gb"] / result["peer_peak_gb"]
    return result


class Work:
    """PPO, or GRPO, on some prompts with a fresh reward model; one completion a prompt, or several."""

    def __init__(
        self, base: Any, texts: list[str], *, batch: int, tokens: int, epochs: int, algorithm: str = "ppo",
        completions: int = 1,
    ) -> None:  # fmt: skip
        from core.config.algorithms import GRPO, PPO
        from core.config.training import TrainPolicyConfig, TrainRewardConfig
        from core.models.adapters import SharedModel
        from core.records import Prompt
        from core.reward.reward_function import RewardFunction
        from core.rl.actor import Setup
        from core.rl.adaptive_kl import LiveSettings
        from core.rl.algorithms import grpo, ppo
        from tests.core.reward.steps import fresh_model

        self.base = base
        self.config = TrainPolicyConfig(
            batch_size=batch,
            micro_batch=batch,
            completions=completions,
            max_new_tokens=tokens,
            temperature=0.7,
            lora_targets="attention",
            learning_rate=1e-5,
        )
        self.shared = SharedModel(base)
        reward = fresh_model(self.shared, TrainRewardConfig(lora_targets="attention"), seed=0)
        self.rewards = RewardFunction(reward)
        self.shared.add("policy", self.config, seed=0)
        self.live = LiveSettings.of(self.config)
        kind = ppo.Learner if algorithm == "ppo" else grpo.Learner
        options = PPO(ppo_epochs=epochs) if algorithm == "ppo" else GRPO(passes=epochs)
        self.epochs = epochs
        self.learner: Any = kind(Setup(self.shared, self.config, options, self.live))
        self.asked = [Prompt(index, text) for index, text in enumerate(texts)]
        self.done = 0

    def step(self) -> dict[str, float]:
        """Seconds of one step and of its parts, the operations of its training part, and what the step says."""
        from core.rl.collect import collect, mismatch
        from core.rl.rollout_source import batch_of

        began = settled()
        chosen = batch_of(self.asked, self.config, self.done)
        learns = self.learner.options.learns_from_fresh
        found, cached = collect(self.shared, self.rewards, chosen, self.config, self.live, self.done, learns=learns)
        rollout, epochs, reused = found.rollout, self.epochs, cached is not None
        update = settled()
        self.learner.actor.reuse(cached)
        del cached  # the actor lets go of it when it is used
        learnt = self.learner.update(rollout, self.done)
        now = settled()
        self.done += 1
        work = operations(self.base, rollout, epochs - reused, epochs)
        spent = {"time/train": now - update, "time/step": now - began, "operations": work}
        return learnt | mismatch(rollout.logp_old, rollout.logp_sampled, rollout.is_response) | found.times | spent

    def close(self) -> None:
        self.shared.close()


def operations(base: Any, rollout: Any, forward: int, backward: int) -> float:
    """Floating point operations of products with the model's weights in so many passes forward and backward."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    trunk = base.model.base_model
    weights = sum(
        module.weight.numel()
        for name, module in trunk.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and "lora_" not in name
    )
    answered = int(rollout.is_response.sum())
    tokens = int(rollout.rows.is_prompt.sum()) + answered - len(rollout)  # nobody reads the last token
    vocabulary = base.model.get_output_embeddings().weight.numel()
    # Weights are frozen: backward goes to the states only. The vocabulary's gradient is found on the way forward.
    return 2.0 * (weights * tokens * (forward + backward) + vocabulary * answered * 2 * forward)
