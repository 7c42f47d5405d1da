"""Kahneman-Tversky Optimization (Ethayarajh et al. 2024, arXiv 2402.01306, equations 7 and 8): verdicts without pairs.

A completion's implicit reward beta log pi / pi_ref is held against a reference point z0, the KL of policy and
reference: what is good should be above it, what is bad below, and how much that is worth saturates on both sides. z0 is
estimated from answers beside prompts that are not theirs, is at least 0, and no gradient flows through it (section 4.1;
TRL's `KTOTrainer` does the same). The loss is the mean over the batch, as in TRL.
"""

import torch
from torch import Tensor

from core.config.algorithms import KTO
from core.models.adapters import SharedModel
from core.models.logprobs import Predictions
from core.rl.algorithms.rloo import at_first_token
from core.rl.batches import VerdictBatch
from core.rl.learner import BaseLearner
from core.rl.rollout import POLICY, logprobs


class Learner(BaseLearner[VerdictBatch]):
    options: KTO

    def update(self, batch: VerdictBatch, step: int) -> dict[str, float]:
        rate, beta = self.actor.schedule(self.progress(step)), self.options.beta
        kl = reference_point(self.shared, batch, self.config.micro_batch)
        good, tokens = batch.weight > 0, batch.is_response.sum()
        share = torch.where(good, 1 / good.sum().clamp(min=1), 1 / (~good).sum().clamp(min=1)) * tokens  # (B,)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            logp = policy.logp.sum(1)
            h = logp - batch.logp_ref[index].sum(1)  # (b,) nats
            found = {"rewards": beta * h.detach(), "logps": logp.detach()}
            return at_first_token(losses(h, kl, batch.weight[index], beta), policy.logp), {
                f"{name}/{side}": at_first_token(values * those[index] * share[index], policy.logp)
                for name, values in found.items()
                for side, those in (("chosen", good), ("rejected", ~good))
                if those.any()
            }

        learnt = self.actor.descend(batch, self.actor.batches(batch)[0], loss, per_completion=True)
        learnt["loss"] = learnt.pop("loss/policy_avg")
        if good.any() and not good.all():
            learnt["rewards/margins"] = learnt["rewards/chosen"] - learnt["rewards/rejected"]
        return learnt | {"kl": float(kl), "lr": rate}


def reference_point(shared: SharedModel, batch: VerdictBatch, micro_batch: int) -> Tensor:
    """z0, nats a completion, of the policy as it is: the mean log-ratio of the mismatched answers, at least 0."""
    if batch.mismatched is None:
        return batch.weight.new_zeros(())
    rows, reference = batch.mismatched
    logp, _ = logprobs(shared, POLICY, rows, 1.0, micro_batch)
    return ((logp - reference) * rows.is_response).sum(1).mean().clamp(min=0)


def losses(h: Tensor, kl: Tensor, weight: Tensor, beta: float) -> Tensor:
    """lambda (1 - v) of completions (b,): `h` are their log-ratios, `weight` is lambda_D of good ones and minus
    lambda_U of bad ones."""
    return weight.abs() * torch.sigmoid(-weight.sign() * beta * (h - kl))
