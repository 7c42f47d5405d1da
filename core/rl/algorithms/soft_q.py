"""Soft Q-learning for text (Guo et al. 2021, arXiv 2106.07704), as path consistency with a prior
(Nachum et al. 2017, arXiv 1702.08892 and 1707.01891).

The logits are the Q values. Guo et al. take Q(s, a) for the bare logits; a pretrained model's logits have an offset
at each state that means nothing, and learning it wrecks the model. We take Q relative to the reference,

    Q(s, a) = V(s) + beta (log pi(a|s) - log pi_ref(a|s)),

so that the adapter's logits are the reference's plus Q / beta, up to V(s), which is a head of its own. The soft optimum
pi* = pi_ref exp(Q* / beta) / Z holds exactly if along every path, on-policy or not,

    V(s_t) = sum over l >= t of [ r_l - beta (log pi - log pi_ref)_l ]            (to the end), and
    V(s_t) = r_t - beta (log pi - log pi_ref)_t + V(s_{t+1})                      (one step),

and the loss is half the square of what is missing to both (the paper's "v2" and "v3"). No ratio is needed, so earlier
rollouts are learned from too. V(s_{t+1}) comes from a slowly following target.
"""

from pathlib import Path

import torch
from torch import Tensor

from core.config.algorithms import SoftQ
from core.models.heads import ScalarHead
from core.models.logprobs import Predictions
from core.models.seeds import generator
from core.rl.actor import Setup, mean_of
from core.rl.batches import Rollout
from core.rl.critic import Critic, explained
from core.rl.estimators import at_tokens, sum_to_go
from core.rl.learner import BaseLearner
from core.rl.replay import Replay


class Learner(BaseLearner[Rollout]):
    options: SoftQ
    critic: Critic

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.target = ScalarHead(setup.shared.base.hidden_size).to(setup.shared.base.device)
        self.replay = Replay(self.options.replay)

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options = self.options
        self.replay.keep_only(rollout.temperature)
        rate = self.actor.schedule(self.progress(step))
        if self.critic.fresh:
            self.critic.initialise(rollout.score)
            self.target.load_state_dict(self.critic.head.state_dict())
        seen: list[dict[str, float]] = []
        for number in range(options.q_updates):
            seen.append(self.consistent(self.batch(rollout, step, number)))
        self.replay.add(rollout)
        values = self.critic.values(rollout)
        gained = sum_to_go(at_tokens(rollout.score, rollout.is_response, rollout.step_rewards))
        returns = gained - sum_to_go(self.live.kl_coef * (rollout.logp_old - rollout.logp_ref))
        return mean_of(seen) | explained(returns, values, rollout.is_response) | {"lr": rate}

    def batch(self, rollout: Rollout, step: int, number: int) -> Rollout:
        """As many completions as a rollout has: fresh, earlier, or half and half."""
        if self.options.data == "on-policy" or not len(self.replay):
            return rollout
        random = generator(self.config.seed, "replay", step, number)
        if self.options.data == "off-policy":
            return self.replay.sample(len(rollout), random)
        return self.replay.beside(rollout, random)

    def consistent(self, batch: Rollout) -> dict[str, float]:
        """One step of policy and value towards consistency along the paths of `batch`."""
        beta, options, head = self.live.kl_coef, self.options, self.critic.head
        with torch.no_grad():
            mask = batch.is_response
            following = torch.nn.functional.pad((self.target(batch.features) * mask)[:, 1:], [0, 1])  # V(s_{t+1})
            rewards = at_tokens(batch.score, mask, batch.step_rewards)
            to_come = sum_to_go(rewards)

        def residuals(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            inside = mask[index]
            price = beta * (policy.logp - batch.logp_ref[index]) * inside  # (b, T)
            values = head(batch.features[index])
            to_end = (to_come[index] - sum_to_go(price) - values) * inside
            one_step = (rewards[index] + following[index] - price - values) * inside
            loss = 0.5 * (to_end.square() + options.one_step * one_step.square())
            # Divided by beta the policy's gradient has the size of REINFORCE's, which Adam's epsilon expects.
            return loss / beta, {"loss/value_avg": 0.5 * to_end.square(), "loss/consistency": 0.5 * one_step.square()}

        learnt = self.actor.descend(batch, self.actor.batches(batch)[0], residuals, beside=self.critic.weights)
        self.critic.step()
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), head.parameters(), strict=True):
                slow.lerp_(fast, options.target_rate)
        return learnt

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.target.save(folder / "target.safetensors")
        self.replay.save(folder / "replay.safetensors")

    def restore(self, folder: Path) -> None:
        super().restore(folder)
        self.target.restore(folder / "target.safetensors")
        self.replay.restore(folder / "replay.safetensors", self.shared.base.device)
