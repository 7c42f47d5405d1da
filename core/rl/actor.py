"""The policy's adapter and its optimizer, which know nothing of any algorithm: they are given a loss for each token.

The value function stands in `core.rl.critic`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from core.config.training import TrainPolicyConfig
from core.errors import Diverged
from core.jobs.process_group import LocalProcessGroup
from core.models.adapters import REFERENCE, SharedModel
from core.models.checkpoint import adamw, load_optimizer, save_optimizer
from core.models.logprobs import Predictions, predictions
from core.models.seeds import generator
from core.rl.adaptive_kl import LiveSettings
from core.rl.batches import Batch
from core.rl.rollout import POLICY

#: The learning rate ends at this share of where it began.
FINAL_LEARNING_RATE = 0.1

#: From what the policy says of the completions `index` to a loss for each token (b, T), and numbers to report (b, T).
Loss = Callable[[Predictions, Tensor], tuple[Tensor, dict[str, Tensor]]]


class Mix(Protocol):
    """What the policy's steps learn beside their own loss (see `core.rl.pretraining`)."""

    coef: float

    def batch(self, place: int) -> Batch:
        """Of the optimizer step number `place` of the run."""
        ...


@dataclass(frozen=True)
class Setup:
    """What an algorithm is made from."""

    shared: SharedModel
    config: TrainPolicyConfig
    options: Any
    live: LiveSettings
    features_of: str | None = REFERENCE
    """The role whose states a rollout's features are: the (first) adapter of the reward model if that is of ours."""
    mix: Mix | None = None


@dataclass(frozen=True)
class CachedPredictions:
    """What the policy said of completions when they were scored, with the graph of its gradient."""

    index: Tensor  # (n,) the completions' numbers in their batch
    predictions: Predictions


class Actor:
    """The policy's adapter and its optimizer."""

    def __init__(self, setup: Setup) -> None:
        self.shared, self.config, self.live = setup.shared, setup.config, setup.live
        self.weights = setup.shared.parameters(POLICY)
        self.optimizer = optimizer_of(setup.config, (self.weights, setup.live.learning_rate))
        self.cached_predictions: CachedPredictions | None = None
        self.mix = setup.mix
        self.mixed = 0
        """Batches of the mix that were learnt in this run."""

    def reuse(self, cached_predictions: CachedPredictions | None) -> None:
        """Let the next `descend` begin from predictions that were made with the weights as they are now, instead of a
        forward pass of its own. They are used once, and forgotten as soon as the weights have moved."""
        self.cached_predictions = cached_predictions

    def schedule(self, progress: float) -> float:
        """The learning rate at `progress` (0 to 1) of the run, set and returned: it rises in equal steps until the
        warm-up is over and falls in a line from then on."""
        config = self.config
        warm_up = config.warmup_steps / config.steps
        if progress < warm_up:
            share = (progress * config.steps + 1) / (config.warmup_steps + 1)
        else:
            share = 1 - (1 - FINAL_LEARNING_RATE) * ((progress - warm_up) / (1 - warm_up))
        rate = self.live.learning_rate * share
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def batches(self, rollout: Batch, minibatches: int = 1, *place: int, whole: bool = False) -> list[list[Tensor]]:
        """See `minibatches_of`."""
        return minibatches_of(rollout, self.config, minibatches, *place, whole=whole)

    def descend(
        self, rollout: Batch, batch: list[Tensor], loss: Loss, *, per_completion: bool = False,
        beside: Sequence[Tensor] = (),
    ) -> dict[str, float]:  # fmt: skip
        """One optimizer step down the mean of `loss` over all tokens of the batch, or its sum over the tokens divided
        by the number of completions, counting those alone that are `kept`. Returns the loss, the token means of what
        was reported, and the gradient's norm.

        Every micro-batch is weighed by its share, so their number changes nothing, nor does that of processes; `beside`
        are weights outside the policy of which the loss leaves gradients, too. Where there is a pretraining mix, the
        same step goes down its loss, which is told apart. Raises `Diverged`.
        """
        mask, kept = rollout.in_loss, rollout.kept
        everyone = torch.cat(batch)
        tokens = max(1, int(mask[everyone].sum()))
        count = max(1, int(kept[everyone].sum())) if per_completion else tokens
        seen_of: list[tuple[str, Tensor]] = []
        with self.shared.role(POLICY, train=True) as causal:
            for index in own_share(self.shared.world, rollout, batch):
                policy = self.predictions(causal, rollout, index)
                losses, seen = loss(policy, index)
                part = (losses * mask[index]).sum() / count
                part.backward()
                seen_of.append(("loss/policy_avg", part.detach()))
                seen_of += [(name, (values.detach() * mask[index]).sum()) for name, values in seen.items()]
            totals = _totals(seen_of, tokens) | self._mixed_in(causal)
        self.cached_predictions = None
        world = self.shared.world
        world.add_gradients([*self.weights, *beside])
        return world.summed(totals) | {"grad_norm": self.step()}

    def _mixed_in(self, causal: Any) -> dict[str, float]:
        """Leave the gradient of gamma E[-log pi(x)] of PPO-ptx (Ouyang et al. 2022, arXiv 2203.02155, equation 2): the
        coefficient times the mean over the tokens of a batch of the mix. Returns that mean."""
        if self.mix is None:
            return {}
        batch, total = self.mix.batch(self.mixed), 0.0
        self.mixed += 1
        tokens = int(batch.is_response.sum())
        for index in own_share(self.shared.world, batch, batch.rows.chunks(self.config.micro_batch)):
            loss = -predictions(causal, batch.rows.select(index), batch.temperature).logp.sum() / tokens
            (self.mix.coef * loss).backward()
            total += float(loss.detach())
        return {"loss/ptx_avg": total}

    def predictions(self, causal: Any, rollout: Batch, index: Tensor) -> Predictions:
        """What the policy, which is at work in `causal`, says of the completions `index`."""
        cached, self.cached_predictions = self.cached_predictions, None
        if cached is not None and torch.equal(cached.index, index):
            return cached.predictions
        return predictions(causal, rollout.rows.select(index), rollout.temperature)

    def step(self) -> float:
        """Step down the gradient that is there, cut to `max_grad_norm`; returns its length before that."""
        norm = torch.nn.utils.clip_grad_norm_(self.weights, longest_gradient(self.config))
        if not torch.isfinite(norm):
            self.optimizer.zero_grad()
            raise Diverged("The gradient is not a number.")
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(norm)

    def save(self, folder: Path) -> None:
        save_optimizer(self.optimizer, folder / "optimizer.safetensors")

    def restore(self, folder: Path) -> None:
        self.cached_predictions = None
        self.optimizer.zero_grad()
        load_optimizer(self.optimizer, folder / "optimizer.safetensors")


def _totals(seen: list[tuple[str, Tensor]], tokens: int) -> dict[str, float]:
    """Sums over the micro-batches: of their losses, and of the others as means over the tokens. Asked for at once, as a
    GPU is waited for."""
    totals: dict[str, float] = {}
    numbers = torch.stack([value.float() for _, value in seen]).tolist() if seen else []
    for (name, _), value in zip(seen, numbers, strict=True):
        own = value if name == "loss/policy_avg" else value / tokens
        totals[name] = totals.get(name, 0.0) + own
    return totals


def minibatches_of(
    rollout: Batch, config: TrainPolicyConfig, minibatches: int = 1, *place: int, whole: bool = False
) -> list[list[Tensor]]:
    """Row numbers for each optimizer step of one pass, as micro-batches: for one minibatch those in which logp_old
    was computed, where with `whole` the completions of a prompt are never apart, however many there are.

    Several are dealt out anew in every pass, by the seed and the pass's `place` in the run (Huang et al. 2022,
    detail 6): prompts as a whole where there are enough of them, so that few are computed twice. There are at most
    as many minibatches as completions.
    """
    if minibatches == 1:
        return [rollout.rows.chunks(config.micro_batch, whole=whole)]
    random, group = generator(config.seed, "minibatches", *place), rollout.group
    prompts = torch.randperm(int(group.max()) + 1, generator=random).to(group.device)
    rows = torch.randperm(len(rollout), generator=random).to(group.device)
    order = rows[prompts[group[rows]].argsort(stable=True)]
    parts = order.tensor_split(min(minibatches, len(rollout)))
    return [rollout.rows.chunks_of(part.sort().values, config.micro_batch) for part in parts]


def own_share(world: LocalProcessGroup, rollout: Batch, batch: list[Tensor]) -> list[Tensor]:
    """What this process does of a batch's micro-batches: the completions of some of their prompts."""
    if world.size == 1:
        return batch
    present = rollout.group[torch.cat(batch)].unique()
    own = present[world.share(len(present))]
    parts = [index[torch.isin(rollout.group[index], own)] for index in batch]
    return [part for part in parts if len(part)]


def optimizer_of(config: TrainPolicyConfig, *groups: tuple[list[Any], float]) -> torch.optim.Optimizer:
    """AdamW, with the run's settings, over (weights, learning rate) groups."""
    return adamw(*groups, betas=(config.adam_beta1, config.adam_beta2), eps=config.adam_epsilon)


def longest_gradient(config: TrainPolicyConfig) -> float:
    return config.max_grad_norm or math.inf


def mean_of(seen: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each number over several optimizer steps."""
    return {name: sum(part[name] for part in seen) / len(seen) for name in seen[0]}
