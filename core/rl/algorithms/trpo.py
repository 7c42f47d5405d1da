"""Trust Region Policy Optimization (Schulman et al. 2015, arXiv 1502.05477).

The largest step along the natural gradient for which the policy moves at most `trust_kl` nats a token away from
itself: maximise E[A pi / pi_old] subject to E[KL(pi_old || pi)] <= trust_kl. The direction F^-1 g comes from conjugate
gradients on Fisher-vector products; a line search then accepts only a step that keeps the bound and gains, else the
weights are put back bit for bit.

F v is the double derivative of the exact KL over the vocabulary at pi_old. It needs an attention that can be
differentiated twice, which fused kernels cannot: hence the `MATH` kernel. It is measured on a part of the completions;
the line search uses all of them. `trust_kl` is not the KL to the reference, which is paid for in the reward.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from core.config.algorithms import TRPO
from core.errors import Diverged
from core.models.logprobs import Predictions, predictions
from core.rl.algorithms.ppo import gae
from core.rl.batches import Rollout
from core.rl.critic import Critic
from core.rl.estimators import ratio, returns_to_go, token_rewards, whiten
from core.rl.learner import BaseLearner
from core.rl.rollout import POLICY


class Learner(BaseLearner[Rollout]):
    options: TRPO
    critic: Critic

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        options, mask = self.options, rollout.is_response
        if self.critic.fresh:
            self.critic.initialise(rollout.score)
        kl = rollout.charged_kl(self.config.kl_estimator)
        rewards = token_rewards(kl, rollout.score, mask, self.live.kl_coef, rollout.step_rewards)
        drawn = returns_to_go(rewards, mask, options.gamma)
        values = self.critic.values(rollout)
        advantages, returns = gae(rewards, values, mask, options.gamma, options.lam)
        if options.whiten_advantages:
            advantages = whiten(advantages, rollout.in_loss)
        if self.shared.world.size > 1:  # each process computes the whole step, to the same last bit
            self.actor.reuse(None)
        moved = self.move(rollout, advantages * rollout.in_loss)
        return moved | self.critic.fit(rollout, values, returns, drawn, step=step)

    def move(self, rollout: Rollout, advantages: Tensor) -> dict[str, float]:
        """One constrained step of the policy; advantages (B, T)."""
        options = self.options
        g, gain_old, states = self.gradient(rollout, advantages)
        if not torch.isfinite(g).all():
            raise Diverged("The gradient is not a number.")
        if float(g.norm()) == 0.0:  # equal advantages: there is nowhere to go
            return {"grad_norm": 0.0, "policy/step_kl": 0.0, "policy/step_size": 0.0, "loss/policy_avg": -gain_old}
        with self.fisher(rollout) as product:
            direction, damped = conjugate_gradient(product, g, options.cg_steps, options.cg_damping)
        del product  # and with it the graph
        curvature = float(direction @ damped)
        full = (2 * options.trust_kl / max(curvature, 1e-12)) ** 0.5 * direction
        kept = [weight.detach().clone() for weight in self.actor.weights]
        for attempt in range(options.line_steps):
            size = options.shrink**attempt
            for weight, old, change in zip(self.actor.weights, kept, split(full, kept), strict=True):
                weight.data.copy_(old + size * change)
            gain, kl = self.measure(rollout, advantages, kept, states)
            if kl <= options.trust_kl and gain > gain_old:
                break
        else:
            size, kl, gain = 0.0, 0.0, gain_old
            for weight, old in zip(self.actor.weights, kept, strict=True):
                weight.data.copy_(old)
        return {
            "loss/policy_avg": -gain, "policy/step_kl": kl, "policy/step_size": size, "grad_norm": float(g.norm()),
        }  # fmt: skip

    def gradient(self, rollout: Rollout, advantages: Tensor) -> tuple[Tensor, float, list[Tensor]]:
        """The gradient (n,) of mean A pi / pi_old over the tokens, that mean, and the policy's states (b, T, d) in each
        micro-batch."""
        tokens, gain, states = max(1.0, float(rollout.in_loss.sum())), 0.0, list[Tensor]()
        with self.shared.role(POLICY, train=True) as causal:
            for index in rollout.rows.chunks(self.config.micro_batch):
                policy = self.actor.predictions(causal, rollout, index)
                states.append(policy.hidden.detach())
                part = (advantages[index] * ratio(policy.logp, rollout.logp_old[index])).sum() / tokens
                part.backward()
                gain += float(part.detach())
        g = torch.cat([weight.grad.flatten() for weight in self.actor.weights if weight.grad is not None])
        self.actor.optimizer.zero_grad()
        return g, gain, states

    def fisher(self, rollout: Rollout) -> "Fisher":
        """The Fisher matrix on the first prompts of the rollout that make up `fisher_share` of it."""
        count = max(1, round(len(rollout.rows.prompt_ids) * self.options.fisher_share))
        some = torch.nonzero(rollout.group < count).flatten()
        return Fisher(self, rollout, some)

    @torch.no_grad()
    def measure(
        self, rollout: Rollout, advantages: Tensor, old: list[Tensor], states: list[Tensor]
    ) -> tuple[float, float]:
        """Mean A pi / pi_old over the tokens in the loss and mean KL(pi_old || pi) over all, by pi_old's `states` in
        each micro-batch; its weights `old` are put in and out, as there may be some on the vocabulary's head."""
        tokens, gain, kl = float(rollout.is_response.sum()), 0.0, 0.0
        counted = max(1.0, float(rollout.in_loss.sum()))
        new = [weight.detach().clone() for weight in self.actor.weights]
        with self.shared.role(POLICY) as causal:
            for index, hidden in zip(rollout.rows.chunks(self.config.micro_batch), states, strict=True):
                rows = rollout.rows.select(index)
                set_weights(self.actor.weights, old)
                before = Predictions(causal, hidden, rows, rollout.temperature)
                logp_old = before.logits - before.normaliser[..., None]
                set_weights(self.actor.weights, new)
                policy = predictions(causal, rows, rollout.temperature)
                gain += float((advantages[index] * ratio(policy.logp, rollout.logp_old[index])).sum()) / counted
                kl += float(policy.kl_from(logp_old).sum()) / tokens
        return gain, kl


class Fisher:
    """`with Fisher(...) as product:` product(v) is F v (n,); the graph of the KL's gradient is built once."""

    def __init__(self, learner: Learner, rollout: Rollout, some: Tensor) -> None:
        self.learner, self.rollout, self.some = learner, rollout, some

    def __enter__(self) -> Callable[[Tensor], Tensor]:
        learner, rows = self.learner, self.rollout.rows.select(self.some)
        self.role = learner.shared.role(POLICY, train=True)
        causal = self.role.__enter__()
        weights = learner.actor.weights
        with sdpa_kernel(SDPBackend.MATH):
            policy = predictions(causal, rows, self.rollout.temperature)
            old = (policy.logits - policy.normaliser[..., None]).detach()
            kl = policy.kl_from(old).sum() / rows.is_response.sum()
            grads = torch.autograd.grad(kl, weights, create_graph=True)
            gradient = torch.cat([grad.flatten() for grad in grads])

        def product(v: Tensor) -> Tensor:
            with sdpa_kernel(SDPBackend.MATH):
                found = torch.autograd.grad(gradient @ v, weights, retain_graph=True)
            return torch.cat([part.flatten() for part in found]).detach()

        return product

    def __exit__(self, *error: object) -> None:
        self.role.__exit__(*error)  # type: ignore[arg-type]


def conjugate_gradient(
    product: Callable[[Tensor], Tensor], g: Tensor, steps: int, damping: float, *, tolerance: float = 1e-10
) -> tuple[Tensor, Tensor]:
    """x that solves (F + d) x = g (Hestenes and Stiefel 1952), and (F + d) x.

    d is `damping` times g's own curvature, so that it means the same for adapters of every size: a fresh LoRA's Fisher
    matrix is 0 in half of the directions, and its scale depends on the model.
    """
    first = product(g)
    d = damping * float(g @ first) / float(g @ g)
    x, r, p = torch.zeros_like(g), g.clone(), g.clone()
    rr = r @ r
    Ap = first + d * g
    for number in range(steps):
        if number:
            Ap = product(p) + d * p
        curvature = p @ Ap
        if float(curvature) <= 0:  # rounding: F has no negative curvature
            break
        alpha = rr / curvature
        x = x + alpha * p
        r = r - alpha * Ap
        new = r @ r
        if float(new) < tolerance * float(g @ g):
            break
        p = r + new / rr * p
        rr = new
    return x, g - r


def split(flat: Tensor, like: list[Tensor]) -> list[Tensor]:
    """A flat vector (n,) as tensors of the shapes of `like`."""
    parts = flat.split([weight.numel() for weight in like])
    return [part.view_as(weight) for part, weight in zip(parts, like, strict=True)]


def set_weights(weights: list[torch.nn.Parameter], values: list[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.data.copy_(value)
