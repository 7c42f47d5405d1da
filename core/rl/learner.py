"""What the loop asks of an algorithm; each file in `core/rl/algorithms/` has a `Learner` made from this."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from core.models.sampling import Guide
from core.rl.actor import Actor, Critic, Setup
from core.rl.estimators import token_kl
from core.rl.rollout import Rollout


class BaseLearner:
    """Holds the actor, perhaps a critic, and numbers in `state` that go from step to step: all of a checkpoint."""

    twice_differentiable: ClassVar[bool] = False
    """Does it need second derivatives of what the policy says?"""

    learns_from_fresh: bool = True
    """Is its first optimizer step on the whole of a rollout that it has just drawn?"""

    critic: Critic | None = None
    """Its value head, if it has one."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.shared, self.config, self.options, self.live = setup.shared, setup.config, setup.options, setup.live
        self.actor = Actor(setup)
        self.state: dict[str, float] = {}

    def guide(self) -> Guide | None:
        """What has a say in the next rollout's draws; None lets the policy draw as it is."""
        return None

    def update(self, rollout: Rollout, step: int) -> dict[str, float]:
        """Learn from one batch; step counts from 0. Returns metrics by their names in `core.config.metrics`."""
        raise NotImplementedError

    def progress(self, step: int) -> float:
        return step / self.config.steps

    def passes(self, count: int) -> Iterator[int]:
        """The numbers of so many passes over a batch, each told of."""
        for number in range(count):
            self.shared.report_status("Learning", "pass", number + 1, count)
            yield number

    def charged_kl(self, rollout: Rollout) -> Tensor:
        """The KL to the reference that each token (B, T) pays for, before the coefficient."""
        return token_kl(rollout.logp_old, rollout.logp_ref, self.config.kl_estimator) * rollout.is_response

    def save(self, folder: Path) -> None:
        """Write everything that `update` carries from step to step, except the adapter `policy`."""
        self.actor.save(folder)
        if self.critic:
            self.critic.save(folder)
        kept = {"state": self.state, "fresh": self.critic.fresh if self.critic else False}
        (folder / "learner.json").write_text(json.dumps(kept), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        self.actor.restore(folder)
        kept = json.loads((folder / "learner.json").read_text(encoding="utf-8"))
        self.state = kept["state"]
        if self.critic:
            self.critic.restore(folder)
            self.critic.fresh = kept["fresh"]
