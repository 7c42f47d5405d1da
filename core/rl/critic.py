"""V(s_t), in two forms: a linear head on frozen hidden states, or an adapter that makes states of its own for one.

Both know nothing of any algorithm: they are given the returns to predict. Each learns from its own loss alone, so that
there is no weight of the value loss to choose, only learning rates.
"""

from pathlib import Path

import torch
from torch import Tensor

from core.config.algorithms import ActorCritic
from core.errors import Diverged
from core.models.adapters import REFERENCE
from core.models.checkpoint import load_optimizer, save_optimizer
from core.models.heads import ScalarHead
from core.models.states import hidden_states
from core.rl.actor import Setup, longest_gradient, minibatches_of, optimizer_of, own_share
from core.rl.batches import Rollout
from core.rl.estimators import explained_by_quarter, explained_variance, masked_mean

#: The role of a value function that is an adapter, and its folder in a checkpoint.
CRITIC = "critic"


def default_rate(hidden_size: int) -> float:
    """0.058 / d, 1e-4 at d = 576.

    A step of Adam moves each weight by about its rate, so a value by the rate times the sum of its d inputs' sizes, and
    these are about 1 behind a last norm: 0.07 here. At 1e-3, the default before, a value moved by 0.7 a step, further
    than returns spread, and explained less than their mean does (explained variance -0.25 on the sentiment task).
    """
    return float(f"{0.058 / hidden_size:.2g}")


class Critic:
    """A linear head on the hidden states of the frozen reward model (see `score_and_features`).

    It starts at 0; a copy of the reward head does not help, because that is only right at the end token (explained
    variance -4 at first). Its features are fixed, so its epochs cost next to nothing and cannot disturb the policy.
    """

    def __init__(self, setup: Setup) -> None:
        self.head = ScalarHead(setup.shared.base.hidden_size).to(setup.shared.base.device)
        self.head.zero()
        self.config, self.options = setup.config, setup.options
        self.rate = self.options.value_learning_rate or default_rate(setup.shared.base.hidden_size)
        self.optimizer = optimizer_of(setup.config, *self.groups())
        self.fresh = True
        """Has it seen no rollout yet?"""

    def groups(self) -> list[tuple[list[Tensor], float]]:
        """What learns, with its learning rates."""
        return [(list(self.head.linear.parameters()), self.rate)]

    @property
    def weights(self) -> list[Tensor]:
        return [weight for weights, _ in self.groups() for weight in weights]

    def notes(self) -> list[str]:
        """What is to be said before the first step."""
        return []

    @torch.no_grad()
    def initialise(self, score: Tensor) -> None:
        """Begin at the mean score (B,) of the first rollout, for every state."""
        self.head.linear.bias.fill_(float(score.mean()))
        self.fresh = False

    @torch.no_grad()
    def values(self, rollout: Rollout) -> Tensor:
        """V(s_t) (B, T), 0 outside the response."""
        assert not self.fresh, "the critic begins at the mean score of its first rollout"
        return self.head(self.states(rollout)) * rollout.is_response

    def states(self, rollout: Rollout) -> Tensor:
        """What the head reads (B, T, d)."""
        return rollout.features

    def fit(
        self, rollout: Rollout, values: Tensor, returns: Tensor, drawn: Tensor, *, step: int, minibatches: int = 1,
        clip: float = 0.0,
    ) -> dict[str, float]:  # fmt: skip
        """Steps down `value_loss` from the `values` (B, T) of this rollout towards its `returns` (B, T). How much they
        explain is measured on the returns that were `drawn` (B, T), because lambda-returns hold V itself.

        `minibatches` and the place of the `step` in the run are for those that learn as the policy does.
        """
        metrics = explained(drawn, values, rollout.in_loss)
        return metrics | {"loss/value_avg": self.learn(rollout, values, returns, clip, minibatches, step)}

    def learn(
        self, rollout: Rollout, old: Tensor, returns: Tensor, clip: float, minibatches: int, step: int
    ) -> float:  # fmt: skip
        """All passes over a rollout; returns the mean loss of the first."""
        first, states = 0.0, self.states(rollout)
        for number in range(self.options.value_epochs):
            values = self.head(states)
            loss = masked_mean(value_loss(values, old, returns, clip), rollout.in_loss)
            loss.backward()
            self.step()
            if number == 0:
                first = float(loss.detach())
        return first

    def step(self) -> None:
        """Step down the gradient that is there. Raises `Diverged`."""
        norm = torch.nn.utils.clip_grad_norm_(self.weights, longest_gradient(self.config))
        if not torch.isfinite(norm):
            self.optimizer.zero_grad()
            raise Diverged("The gradient of the value function is not a number.")
        self.optimizer.step()
        self.optimizer.zero_grad()

    def save(self, folder: Path) -> None:
        self.head.save(folder / "value.safetensors")
        save_optimizer(self.optimizer, folder / "value-optimizer.safetensors")

    def read_weights(self, folder: Path) -> None:
        """Take up the weights alone of what `save` wrote, to predict and not to learn."""
        self.head.restore(folder / "value.safetensors")

    def restore(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        self.read_weights(folder)
        self.optimizer.zero_grad()  # a step that went wrong may have left some
        load_optimizer(self.optimizer, folder / "value-optimizer.safetensors")


class AdapterCritic(Critic):
    """A LoRA adapter with a head: a value function of its own that begins from the reward model (Ouyang et al. 2022,
    arXiv 2203.02155), or from the reference where no reward model of ours is there.

    It may learn what no linear function of the reward model's states says: what a text that is only begun will come to.
    Each pass over a batch costs as much as one of the policy. As a head of 0 gives it no gradient, and one that lags
    behind little, the head first takes its own passes over the states that were read for the values, as if they were
    frozen.
    """

    def __init__(self, setup: Setup) -> None:
        self.shared = setup.shared
        start = self.shared.reference if setup.features_of is REFERENCE else setup.features_of
        if start is None:
            self.shared.add(CRITIC, setup.config, seed=setup.config.seed)
        else:
            self.shared.add_like(CRITIC, start, seed=setup.config.seed)
            self.shared.copy(start, CRITIC)
        self.start = setup.features_of
        self.read: tuple[Rollout, Tensor] | None = None
        """The states (B, T, d) of a rollout, until the adapter learns."""
        super().__init__(setup)

    def groups(self) -> list[tuple[list[Tensor], float]]:
        own: list[Tensor] = [*self.shared.parameters(CRITIC)]
        return [(own, self.options.value_adapter_learning_rate), *super().groups()]

    def notes(self) -> list[str]:
        begins = "the reference" if self.start is REFERENCE else "the reward model"
        return [f"The value function is a LoRA adapter of its own, which begins from {begins}."]

    @torch.no_grad()
    def states(self, rollout: Rollout) -> Tensor:
        """What the head reads (B, T, d), of which each process computes its share."""
        if self.read is None or self.read[0] is not rollout:
            found, world = torch.zeros_like(rollout.features), self.shared.world
            with self.shared.role(CRITIC) as causal:
                for index in own_share(world, rollout, rollout.rows.chunks(self.config.micro_batch)):
                    found[index] = hidden_states(causal, rollout.rows.select(index)).float()
            if world.size > 1:
                found = torch.stack(world.gathered(found.cpu())).sum(0).to(found.device)
            self.read = rollout, found
        return self.read[1]

    def learn(
        self, rollout: Rollout, old: Tensor, returns: Tensor, clip: float, minibatches: int, step: int
    ) -> float:  # fmt: skip
        first = super().learn(rollout, old, returns, clip, minibatches, step)
        self.read = None
        passes = self.options.value_adapter_epochs
        for number in range(passes):
            self.shared.report_status("Learning the values", "pass", number + 1, passes)
            for batch in minibatches_of(rollout, self.config, minibatches, step, number):
                self.descend(rollout, batch, old, returns, clip)
        return first

    def descend(self, rollout: Rollout, batch: list[Tensor], old: Tensor, returns: Tensor, clip: float) -> None:
        """One optimizer step of adapter and head down the mean loss over all tokens of a batch of micro-batches."""
        mask, world = rollout.in_loss, self.shared.world
        count = max(1, sum(int(mask[index].sum()) for index in batch))
        with self.shared.role(CRITIC, train=True) as causal:
            for index in own_share(world, rollout, batch):
                values = self.head(hidden_states(causal, rollout.rows.select(index)))
                losses = value_loss(values, old[index], returns[index], clip)
                ((losses * mask[index]).sum() / count).backward()
        world.add_gradients(self.weights)
        self.step()

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.shared.save(CRITIC, folder / CRITIC)

    def read_weights(self, folder: Path) -> None:
        self.read = None
        super().read_weights(folder)
        self.shared.reload(CRITIC, folder / CRITIC)


def critic_of(setup: Setup) -> Critic | None:
    """The value function that an algorithm's options ask for, None where it learns none."""
    options = setup.options
    if not options.CRITIC:
        return None
    asks = isinstance(options, ActorCritic) and options.learns_value_adapter
    return AdapterCritic(setup) if asks else Critic(setup)


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """1/2 (V - R)^2 of each token (B, T); with `clip` no value gains by moving further than that from the old one."""
    error = (values - returns).square()
    if clip:
        near = old + (values - old).clamp(-clip, clip)
        error = torch.maximum(error, (near - returns).square())
    return 0.5 * error


def explained(drawn: Tensor, values: Tensor, mask: Tensor) -> dict[str, float]:
    """How much of the returns that were `drawn` (B, T) the `values` (B, T) explain, in all and by quarter."""
    quarters = {
        f"val/explained_variance_q{number}": part
        for number, part in enumerate(explained_by_quarter(drawn, values, mask), 1)
    }
    return {"val/explained_variance": explained_variance(drawn, values, mask)} | quarters
