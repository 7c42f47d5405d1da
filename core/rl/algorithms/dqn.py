"""Deep Q-Network at the level of tokens (Mnih et al. 2015, Nature 518; double Q: van Hasselt et al. 2015,
arXiv 1509.06461; dueling form: Wang et al. 2015, arXiv 1511.06581).

A head of its own for a Q value of each of 50,000 tokens would be larger than the model, and random at first. Here the
Q head is the model's own vocabulary head under an adapter, read relative to the reference (the dueling form),

    Q(s, a) = V(s) + alpha (D(s, a) - mean over C(s) of D(s, .)),      D = log pi_q - log pi_ref,

so that at first Q = V for all tokens. The maximum runs over the candidates C(s), the reference's likeliest tokens and
the end token: over the whole vocabulary it would find the noise (Fujimoto et al. 2018, arXiv 1812.02900). The adapter's
own softmax is then Boltzmann exploration at temperature alpha with the reference as prior, pi_ref exp(Q / alpha); with
probability epsilon a token is drawn from the reference instead.

A trained policy draws in the same way, without epsilon (see `core.models.drawing`). To take the candidate of the
highest Q each time, as DQN is defined, leaves out the prior: that ran a hundred nats away from the reference, into
words that nothing but the reward likes.

No KL is charged by default. As log pi_q - log pi_ref is the advantage over alpha, a price beta would take beta / alpha
of each token's own advantage back, and Q would come to rest at A* / (1 + beta / alpha).

    y_t = r_t + .. + r_{t+n-1} + Q_target(s_{t+n}, argmax over C of Q(s_{t+n}, a)),      loss = Huber(Q(s_t, a_t) - y_t)
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad, smooth_l1_loss

from core.config.algorithms import DQN
from core.models.adapters import REFERENCE
from core.models.guides import Exploration, candidate_ids
from core.models.heads import ScalarHead
from core.models.logprobs import Predictions, predictions
from core.models.seeds import generator
from core.rl.actor import Setup, mean_of, own_share
from core.rl.batches import Rollout
from core.rl.critic import Critic, explained
from core.rl.estimators import returns_to_go, token_rewards
from core.rl.learner import BaseLearner
from core.rl.replay import Replay
from core.rl.rollout import POLICY

TARGET = "target"


class Learner(BaseLearner[Rollout]):
    options: DQN
    critic: Critic

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.target_head = ScalarHead(setup.shared.base.hidden_size).to(setup.shared.base.device)
        self.shared.add_like(TARGET, POLICY, seed=setup.config.seed)
        self.replay = Replay(self.options.replay)
        self.state = {"updates": 0, "progress": 0.0}

    @property
    def epsilon(self) -> float:
        first, last = self.options.epsilon, min(0.02, self.options.epsilon)
        return first + (last - first) * min(1.0, 2 * self.state["progress"])

    @property
    def end_ids(self) -> list[int]:
        return list(self.shared.base.end_ids)

    def guide(self) -> Exploration:
        return Exploration(self.epsilon, self.options.candidates, self.end_ids)

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options = self.options
        self.state["progress"] = self.progress(step + 1)
        self.replay.keep_only(rollout.temperature)
        rate = self.actor.schedule(self.progress(step))
        if self.critic.fresh:
            self.critic.initialise(rollout.score)
            self.sync()
        fresh = self.with_candidates(rollout)
        seen: list[dict[str, float]] = []
        for number in range(options.q_updates):
            random = generator(self.config.seed, "replay", step, number)
            seen.append(self.regress(self.replay.beside(fresh, random) if len(self.replay) else fresh))
            self.state["updates"] += 1
            if self.state["updates"] % options.sync_every == 0:
                self.sync()
        self.replay.add(fresh)
        returns = returns_to_go(self.rewards(rollout), rollout.is_response)
        found = explained(returns, self.critic.values(rollout), rollout.is_response)
        return mean_of(seen) | found | {"policy/epsilon": self.epsilon, "lr": rate}

    def rewards(self, batch: Rollout) -> Tensor:
        kl = batch.charged_kl(self.config.kl_estimator)
        return token_rewards(kl, batch.score, batch.is_response, self.live.kl_coef, batch.step_rewards)

    @torch.no_grad()
    def with_candidates(self, rollout: Rollout) -> Rollout:
        """The rollout with C(s) (B, T, K) and the reference's log-probabilities of it, so that they never change."""
        ids, logp = [], []
        with self.shared.role(REFERENCE) as causal:
            for index in rollout.rows.chunks(self.config.micro_batch):
                reference = predictions(causal, rollout.rows.select(index), rollout.temperature)
                ids.append(candidate_ids(reference.logits, self.options.candidates, self.end_ids))
                logp.append(reference.of(ids[-1]))
        return replace(rollout, extra={"candidates": torch.cat(ids), "candidates_ref": torch.cat(logp)})

    def q_values(self, seen: Predictions, batch: Rollout, index: Tensor, head: ScalarHead) -> tuple[Tensor, Tensor]:
        """Q of the tokens that were drawn (b, T) and of the candidates (b, T, K)."""
        ids, reference = batch.extra["candidates"][index], batch.extra["candidates_ref"][index]
        D = seen.of(ids) - reference
        level = D.mean(-1)
        value = head(batch.features[index])
        taken = value + self.options.alpha * (seen.logp - batch.logp_ref[index] - level)
        return taken, value[..., None] + self.options.alpha * (D - level[..., None])

    def regress(self, batch: Rollout) -> dict[str, float]:
        """One step of Q towards its targets on `batch`."""
        options = self.options
        later = self.target_values(batch)

        def huber(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            taken, online = self.q_values(policy, batch, index, self.critic.head)
            wanted = self.targets(batch.select(index), later[index], online.detach())
            loss = smooth_l1_loss(taken, wanted, reduction="none")
            # Divided by alpha the adapter's gradient has the size of the others', which Adam's epsilon expects.
            return loss / options.alpha, {"loss/value_avg": 0.5 * (taken - wanted).square()}

        learnt = self.actor.descend(batch, self.actor.batches(batch)[0], huber, beside=self.critic.weights)
        self.critic.step()
        return learnt

    @torch.no_grad()
    def target_values(self, batch: Rollout) -> Tensor:
        """Q of the candidates by the target network (B, T, K), of those rows that this process learns from; 0 where no
        state is far enough from the end to be asked for."""
        found = torch.zeros_like(batch.extra["candidates_ref"])
        if self.options.n_step < batch.is_response.shape[1]:
            with self.shared.role(TARGET) as causal:
                for index in own_share(self.shared.world, batch, self.actor.batches(batch)[0]):
                    seen = predictions(causal, batch.rows.select(index), batch.temperature)
                    found[index] = self.q_values(seen, batch, index, self.target_head)[1]
        return found

    def targets(self, batch: Rollout, target: Tensor, online: Tensor) -> Tensor:
        """y_t (B, T): the rewards of the next n tokens, and what the target network says of the state after them;
        `target` and `online` are both networks' Q of the candidates (B, T, K)."""
        n, mask = self.options.n_step, batch.is_response
        to_go = returns_to_go(self.rewards(batch), mask)
        if n >= mask.shape[1]:
            return to_go
        after = pad(to_go[:, n:], [0, n])  # what comes later than n tokens is replaced
        choice = online if self.options.double_q else target
        best = target.gather(-1, choice.argmax(-1, keepdim=True))[..., 0]
        inside = pad(mask[:, n:], [0, n])
        return (to_go - after + pad((best * mask)[:, n:], [0, n]) * inside) * mask

    def sync(self) -> None:
        """The target network becomes the online one."""
        self.shared.copy(POLICY, TARGET)
        self.target_head.load_state_dict(self.critic.head.state_dict())

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.target_head.save(folder / "target.safetensors")
        self.shared.save(TARGET, folder / TARGET)
        self.replay.save(folder / "replay.safetensors")

    def restore(self, folder: Path) -> None:
        super().restore(folder)
        self.target_head.restore(folder / "target.safetensors")
        self.shared.reload(TARGET, folder / TARGET)
        self.replay.restore(folder / "replay.safetensors", self.shared.base.device)
