"""Rollouts of the tiny model for tests of algorithms, and learners of any name."""

import importlib
from dataclasses import replace
from typing import Any

import torch

from core.config.algorithms import LearnsFrom
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.models.adapters import REFERENCE, SharedModel
from core.models.rows import Rows
from core.models.seeds import generator
from core.reward.model import RewardModel
from core.rl.actor import Setup
from core.rl.adaptive_kl import LiveSettings
from core.rl.batches import Batch, PreferenceBatch, Rollout, VerdictBatch
from core.rl.learner import BaseLearner
from core.rl.rollout import POLICY, compared_and_scored, draw, logprobs

CONFIG = TrainPolicyConfig(batch_size=6, completions=3, max_new_tokens=7, micro_batch=3, learning_rate=1e-2)
#: The tiny model's end token, with which it pads too.
END = 0
PROMPTS = [[5, 6, 7], [8, 9, 10, 11]]


def learner_of(
    shared: SharedModel, name: str, config: TrainPolicyConfig = CONFIG, *, features_of: str | None = REFERENCE,
    **options: Any,
) -> Any:  # fmt: skip
    kind = ALGORITHMS[name]
    learner: BaseLearner = importlib.import_module(kind.module).Learner(
        Setup(shared, config, kind.config(**options), LiveSettings.of(config), features_of)
    )
    return learner


def drawn(shared: SharedModel, learner: BaseLearner | None = None, seed: int = 3) -> Rows:
    """Six responses of 1 to 7 tokens, drawn as the learner wants them drawn."""
    rows = draw(
        shared, POLICY, PROMPTS, copies=3, max_new_tokens=7, temperature=1.0, generator=generator(seed),
        guide=learner.guide() if learner else None,
    ).rows  # fmt: skip
    return cut(rows)


def cut(rows: Rows) -> Rows:
    """Responses of unequal lengths, each with its end token where it is cut; what lies behind is padding."""
    lengths = torch.tensor([1, 7, 3, 2, 6, 4]).clamp(max=rows.response_ids.shape[1])
    place = torch.arange(rows.response_ids.shape[1])
    inside = place < lengths[:, None]
    ids = rows.response_ids.masked_fill(~inside, END).scatter(1, lengths[:, None] - 1, END)
    return Rows(rows.prompt_ids, rows.is_prompt, rows.prompt_of, ids, inside, torch.ones_like(rows.ended))


def rollout_of(
    shared: SharedModel, rows: Rows, score: torch.Tensor | None = None, reward: RewardModel | None = None
) -> Rollout:
    logp, entropy = logprobs(shared, POLICY, rows, 1.0, CONFIG.micro_batch, entropy=True)
    reference, (learned, features, _) = compared_and_scored(shared, reward, rows, 1.0, CONFIG.micro_batch)
    texts = ("",) * len(rows)
    return Rollout(rows, texts, logp, reference, entropy, features, learned if score is None else score)


def preferences_of(shared: SharedModel, rows: Rows, ranks: torch.Tensor) -> PreferenceBatch:
    reference, _ = logprobs(shared, REFERENCE, rows, 1.0, CONFIG.micro_batch)
    return PreferenceBatch(rows, reference, ranks)


def batch_of(shared: SharedModel, name: str, rows: Rows, score: torch.Tensor) -> Batch:
    """What an algorithm learns from: a rollout, the same completions ranked by their scores, or as answers."""
    learns_from = ALGORITHMS[name].config.LEARNS_FROM
    if learns_from is LearnsFrom.ANSWERS:
        return Batch(rows)
    if learns_from is LearnsFrom.VERDICTS:
        reference, _ = logprobs(shared, REFERENCE, rows, 1.0, CONFIG.micro_batch)
        beside = replace(rows, response_ids=rows.response_ids.roll(1, 0), is_response=rows.is_response.roll(1, 0))
        beside_ref, _ = logprobs(shared, REFERENCE, beside, 1.0, CONFIG.micro_batch)
        return VerdictBatch(rows, reference, score, (beside, beside_ref))
    return (
        preferences_of(shared, rows, -score) if learns_from is LearnsFrom.RANKINGS else rollout_of(shared, rows, score)
    )


def copies(tensors: Any) -> list[torch.Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def same(before: Any, now: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, now, strict=True))


def gradient(learner: Any, rollout: Batch) -> torch.Tensor:
    """The policy's gradient of the first optimizer step of an update, before it is cut."""
    kept: list[torch.Tensor] = []

    def step() -> float:
        kept.append(torch.cat([weight.grad.flatten().clone() for weight in learner.actor.weights]))
        learner.actor.optimizer.zero_grad()
        return 0.0

    learner.actor.step = step
    learner.update(rollout, 0)
    return kept[0]
