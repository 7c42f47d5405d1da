"""Direct Preference Optimization (Rafailov et al. 2023, arXiv 2305.18290): the baseline without RL.

The stored rankings are learned from directly, with the policy as its own reward model: beta log pi / pi_ref is the
implicit reward, and the loss is the reward model's on it. No rollouts and no reward model are needed; the loop draws
some now and then only to measure.

Other losses on the same pairs: IPO's square, the hinge of SLiC (Zhao et al. 2023, arXiv 2305.10425)
as RSO puts it on log-ratios (Liu et al. 2023, arXiv 2309.06657), and two that
need no reference: SimPO (Meng et al. 2024, arXiv 2405.14734) and ORPO (Hong et al. 2024, arXiv 2403.07691). As in TRL,
SimPO's margin is gamma of the paper, and beta is ORPO's lambda.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from core.config.algorithms import DPO
from core.models.logprobs import Predictions
from core.rl.algorithms.rloo import at_first_token
from core.rl.batches import PreferenceBatch
from core.rl.learner import BaseLearner


class Learner(BaseLearner[PreferenceBatch]):
    options: DPO

    def update(self, batch: PreferenceBatch, step: int) -> dict[str, float]:
        rate = self.actor.schedule(self.progress(step))
        lengths = batch.rows.lengths
        pairs = preferred(batch.ranks, batch.group)  # (B, B) bool
        each = pairs.sum(1).float()
        total = torch.zeros(int(batch.group.max()) + 1, device=each.device).index_add(0, batch.group, each)
        # The mean over the pairs of a prompt, then over the prompts that have any; `descend` divides by B.
        weight = len(batch) / (total > 0).sum().clamp(min=1) / total[batch.group].clamp(min=1)  # (B,)
        best = (pairs.any(1) & ~pairs.any(0)).float()
        best_of_prompt = torch.zeros_like(total).index_add(0, batch.group, best)
        of_best = best * len(batch) / (total > 0).sum().clamp(min=1) / best_of_prompt[batch.group].clamp(min=1)  # (B,)

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            logp = policy.logp.sum(1)
            logp_ref = None if batch.logp_ref is None else batch.logp_ref[index].sum(1)
            implicit = self.implicit(logp, logp_ref, lengths[index])
            h = implicit[:, None] - implicit[None, :]  # (b, b) nats, without beta
            chosen = pairs[index][:, index]
            losses = (self.pair_loss(h) * chosen).sum(1) * weight[index]
            if self.options.dpo_loss == "orpo":  # and the best of each prompt is learnt as it is
                losses = losses - logp / lengths[index] * of_best[index]
            with torch.no_grad():
                count = chosen.sum().clamp(min=1)
                margin = self.options.beta * (h * chosen).sum() / count
                right = (((h > 0).float() + 0.5 * (h == 0).float()) * chosen).sum() / count
                everywhere = torch.ones_like(policy.logp)
            return at_first_token(losses, policy.logp), {
                "rewards/margins": margin * everywhere,
                "rewards/accuracies": right * everywhere,
                "logps/chosen": (logp.detach() * chosen.any(1)).sum() / chosen.any(1).sum().clamp(min=1) * everywhere,
                "logps/rejected": (logp.detach() * chosen.any(0)).sum() / chosen.any(0).sum().clamp(min=1) * everywhere,
            }

        learnt = self.actor.descend(batch, self.actor.batches(batch, whole=True)[0], loss, per_completion=True)
        learnt["loss"] = learnt.pop("loss/policy_avg")
        return learnt | {"lr": rate}

    def implicit(self, logp: Tensor, logp_ref: Tensor | None, lengths: Tensor) -> Tensor:
        """The implicit reward (b,) without beta, of log-probabilities (b,) of whole completions of so many tokens."""
        kind, mean = self.options.dpo_loss, logp / lengths
        if kind == "simpo":
            return mean
        if kind == "orpo":  # log odds of the geometric mean of the tokens' probabilities
            return mean - torch.log(-torch.expm1(mean.clamp(max=-1e-6)))
        assert logp_ref is not None, "a loss on log-ratios"
        return (logp - logp_ref) / lengths if kind == "ipo" else logp - logp_ref

    def pair_loss(self, h: Tensor) -> Tensor:
        """From differences of implicit rewards, chosen minus rejected, to a loss for each pair, of which a share is
        taken to be labeled the wrong way round."""
        smoothing = self.options.label_smoothing
        return (1 - smoothing) * self._plain_loss(h) + smoothing * self._plain_loss(-h)

    def _plain_loss(self, h: Tensor) -> Tensor:
        kind, beta = self.options.dpo_loss, self.options.beta
        if kind == "ipo":
            return (h - 1 / (2 * beta)).square()
        if kind == "hinge":
            return (1 - beta * h).clamp(min=0)
        if kind == "simpo":
            return -logsigmoid(beta * h - self.options.simpo_margin)
        if kind == "orpo":
            return -beta * logsigmoid(h)
        return -logsigmoid(beta * h)


def preferred(ranks: Tensor, group: Tensor) -> Tensor:
    """Is completion i preferred to j (B, B)? Both of the same prompt, both ranked (not NaN), i better."""
    return (ranks[:, None] < ranks[None, :]) & (group[:, None] == group[None, :])
