"""What training knows of each token of an answer: its KL to the reference, the value of the state before it, and its
advantage. The mathematics are those of the algorithms; nothing here learns."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.config.algorithms import ActorCritic, AlgorithmOptions, OnPolicy, Reinforce
from core.config.training import ALGORITHMS, TrainPolicyJob
from core.jobs import checkpoint_files
from core.jobs.checkpoint_files import reading
from core.models.adapters import SharedModel
from core.rl.actor import Setup
from core.rl.adaptive_kl import LiveSettings
from core.rl.algorithms.ppo import gae
from core.rl.batches import Rollout
from core.rl.critic import Critic, critic_of
from core.rl.estimators import returns_to_go, token_rewards


@dataclass(frozen=True)
class TokenNumbers:
    """Each (B, T), None where the algorithm has no such number: `kl` in nats, log drawn - log reference; `value` V(s_t)
    and `advantage` A_t in units of the reward, before anything is whitened. Of a completion without a reward the
    advantage is nan."""

    kl: Tensor
    value: Tensor | None = None
    advantage: Tensor | None = None


class TokenReader:
    """Reads these numbers of the answers of a run's checkpoints. `features_of` is as in `core.rl.actor.Setup`."""

    def __init__(self, shared: SharedModel, run: TrainPolicyJob, features_of: str | None) -> None:
        self.run, self.options, self.kl_coef = run, run.options, run.config.price
        self.critic: Critic | None = None
        if self.options is not None and has_values(self.options):
            live = LiveSettings.of(run.config)
            self.critic = critic_of(Setup(shared, run.config, self.options, live, features_of))

    @property
    def lacks(self) -> str:
        """What is not known of single tokens, and why, in a sentence; empty where all is."""
        kind = ALGORITHMS.get(self.run.config.algorithm)
        title = kind.title if kind else self.run.config.algorithm
        if kind is not None and kind.offline:
            return f"{title} learns from what is stored: of single tokens it knows the KL alone."
        if isinstance(self.options, Reinforce) and self.critic is None:
            return "The baseline of this run is no value of single states: the KL of tokens alone is known."
        if self.critic is None:
            return (
                f"{title} learns no value function, and weighs a completion as a whole: of single tokens it knows the "
                "KL alone."
            )
        if not has_advantages(self.options):
            return f"{title} learns values without advantages over them: KL and value of tokens are known."
        return ""

    def read(self, folder: Path | None, step: int) -> None:
        """Take up the value function and the KL coefficient of a checkpoint, None is before the first. Where a project
        was packed without what only a resume needs, the coefficient is that of the run's settings. Raises `KnownError`
        for files that cannot be read."""
        self.kl_coef = self.run.config.price
        if self.critic is not None:
            self.critic.fresh = True
        if folder is None:
            return
        loop, learner = folder / "loop.json", folder / "learner.json"
        with reading(step):
            if loop.is_file():
                self.kl_coef = float(checkpoint_files.note(loop)["live"]["kl_coef"])
            if self.critic is not None and (folder / "value.safetensors").is_file():
                self.critic.fresh = learner.is_file() and bool(checkpoint_files.note(learner)["fresh"])
                self.critic.read_weights(folder)

    def numbers(self, rollout: Rollout) -> TokenNumbers:
        """A value function that has seen no rollout yet has nothing to say."""
        kl = (rollout.logp_drawn - rollout.logp_ref) * rollout.is_response
        if self.critic is None or self.critic.fresh:
            return TokenNumbers(kl)
        values = self.critic.values(rollout)
        if not has_advantages(self.options):
            return TokenNumbers(kl, values)
        return TokenNumbers(kl, values, self._advantages(rollout, values))

    @torch.no_grad()
    def _advantages(self, rollout: Rollout, values: Tensor) -> Tensor:
        """As PPO, NLPO, A2C and TRPO have them (GAE), or REINFORCE (returns less values)."""
        options, mask = self.options, rollout.is_response
        in_loss = isinstance(options, OnPolicy) and options.kl_in == "loss"
        kl = rollout.charged_kl(self.run.config.kl_estimator)
        coef = 0.0 if in_loss else self.kl_coef
        rewards = token_rewards(kl, rollout.score, mask, coef, rollout.step_rewards)
        gamma = float(options.gamma)  # type: ignore[union-attr]
        if isinstance(options, Reinforce):
            return (returns_to_go(rewards, mask, gamma) - values) * mask
        return gae(rewards, values, mask, gamma, float(options.lam))[0]  # type: ignore[union-attr]


def has_values(options: AlgorithmOptions) -> bool:
    """Does it learn V(s_t)?"""
    return options.CRITIC and not (isinstance(options, Reinforce) and options.baseline != "value")


def has_advantages(options: AlgorithmOptions | None) -> bool:
    """Does it know the advantages of single tokens?"""
    return isinstance(options, ActorCritic) and has_values(options)


def of_row(values: Tensor | None, row: int, length: int) -> tuple[float, ...] | None:
    """A completion's own numbers, to four places; None where they are not known."""
    if values is None:
        return None
    found = values[row, :length].tolist()
    return tuple(round(value, 4) for value in found) if all(map(math.isfinite, found)) else None
