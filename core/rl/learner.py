"""What the loop asks of an algorithm; each file in `core/rl/algorithms/` has a `Learner` made from this.

Importing this module imports no torch: an algorithm that brings its options along is listed by the window.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.jobs import checkpoint_files

if TYPE_CHECKING:
    from core.models.draws import Guide
    from core.rl.actor import Setup
    from core.rl.batches import Batch
    from core.rl.critic import Critic

BatchT = TypeVar("BatchT", bound="Batch")


class BaseLearner(Generic[BatchT]):
    """Holds the actor, a critic where the options declare one, and numbers in `state` that go from step to step: all
    of a checkpoint."""

    options: Any
    critic: "Critic | None"

    def __init__(self, setup: "Setup") -> None:
        from core.rl.actor import Actor
        from core.rl.critic import critic_of

        self.setup = setup
        self.shared, self.config, self.options, self.live = setup.shared, setup.config, setup.options, setup.live
        self.actor = Actor(setup)
        self.critic = critic_of(setup)
        self.state: dict[str, float] = {}

    def guide(self) -> "Guide | None":
        """What has a say in the next rollout's draws; None lets the policy draw as it is."""
        return None

    def notes(self) -> list[str]:
        """What is to be said before the first step."""
        return self.critic.notes() if self.critic else []

    def update(self, batch: BatchT, step: int) -> dict[str, float]:
        """Learn from one batch, a `Rollout`, or what is stored (a `PreferenceBatch`, a
        `VerdictBatch`, or answers as a plain `Batch`);
        step counts from 0. Returns metrics by their names in `core.config.metrics`."""
        raise NotImplementedError

    def progress(self, step: int) -> float:
        return step / self.config.steps

    def passes(self, count: int) -> Iterator[int]:
        """The numbers of so many passes over a batch, each told of."""
        for number in range(count):
            self.shared.report_status("Learning", "pass", number + 1, count)
            yield number

    def save(self, folder: Path) -> None:
        """Write everything that `update` carries from step to step, except the adapter `policy`."""
        self.actor.save(folder)
        if self.critic:
            self.critic.save(folder)
        fresh = self.critic.fresh if self.critic else False
        kept = {"state": self.state, "fresh": fresh, "mixed": self.actor.mixed}
        (folder / "learner.json").write_text(json.dumps(kept), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        self.actor.restore(folder)
        kept = checkpoint_files.note(folder / "learner.json")
        self.state = kept["state"]
        self.actor.mixed = int(kept.get("mixed", 0))  # earlier versions mixed nothing in
        if self.critic:
            self.critic.restore(folder)
            self.critic.fresh = kept["fresh"]
