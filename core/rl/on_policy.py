"""What the algorithms that learn from each rollout once, while it is fresh, have in common beside the loop."""

from torch import Tensor

from core.config.algorithms import OnPolicy
from core.models.logprobs import Predictions
from core.rl.batches import Rollout
from core.rl.estimators import token_kl
from core.rl.learner import BaseLearner


class OnPolicyLearner(BaseLearner[Rollout]):
    options: OnPolicy

    @property
    def reward_kl_coef(self) -> float:
        """The KL coefficient of rewards: 0 where KL is paid for in the loss."""
        return self.live.kl_coef if self.options.kl_in == "reward" else 0.0

    def with_kl(self, losses: Tensor, policy: Predictions, rollout: Rollout, index: Tensor) -> Tensor:
        """The losses (b, T) of the completions `index`, plus beta times the KL to the reference of each token if that
        is paid for in the loss."""
        if self.options.kl_in == "reward":
            return losses
        kl = token_kl(policy.logp, rollout.logp_ref[index], self.options.kl_loss_estimator)
        return losses + self.live.kl_coef * kl
