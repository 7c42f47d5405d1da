"""One file per algorithm, each readable beside its paper from top to bottom.

To add one: its options as a dataclass in `core/configs.py` with a line in `ALGORITHMS`, and one file here
with a class `Learner`:

    def __init__(self, shared, config, options, value_head): makes its optimizers
    def update(self, rollout, progress) -> dict[str, float]: learns from one `Rollout`; returns metrics
    def save(self, folder) / def restore(self, folder): everything that `update` carries from step to step

The loop supplies rollouts, scores, log-probabilities and value features, measures, checkpoints and stops.
"""

from pathlib import Path
from typing import Any, Protocol

from core.configs import TrainPolicyConfig
from core.models.adapters import SharedModel
from core.models.heads import ScalarHead
from core.rl.rollout import Rollout


class Learner(Protocol):
    """What the loop asks of an algorithm."""

    def __init__(
        self, shared: SharedModel, config: TrainPolicyConfig, options: Any, value_head: ScalarHead
    ) -> None: ...

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one batch of rollouts; `progress` runs from 0 to 1 over the run."""

    def save(self, folder: Path) -> None: ...

    def restore(self, folder: Path) -> None: ...
