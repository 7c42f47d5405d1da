"""What the loop looks out for: when to stop, which step is the best so far, and whether something went wrong."""

import math
from collections.abc import Mapping
from typing import Any

from core.config.training import TrainPolicyConfig

#: Steps whose mean counts: one step's is too noisy to stop a run by.
WINDOW = 3
#: A KL is exploding when it is this many times the mean of the steps before, and at least `LEAST` nats a token.
TIMES, LEAST = 5.0, 3.0


class StoppingRules:
    """Sees each step's metrics. Its memory is part of a checkpoint: `state` is JSON."""

    def __init__(self, config: TrainPolicyConfig) -> None:
        self.config = config
        self.price = config.price
        """What a nat costs in what is compared, whatever steers or changes the coefficient meanwhile."""
        self.state: dict[str, Any] = {"scores": [], "kl": [], "after_kl": [], "seconds": 0.0, "best": None}
        self.state |= {"highest": None, "highest_step": 0, "price": self.price}

    def restore(self, state: dict[str, Any], kl_coef: float) -> None:
        """Go on from a checkpoint's state, in which `kl_coef` is in force. Older ones have no price: what they compared
        was at the coefficient of each step, and where that moved, what was best is forgotten once."""
        self.state = state
        if "price" not in state and (self.config.kl_target or kl_coef != self.price):
            pairs = zip(state["scores"], state["kl"], strict=True)
            state["after_kl"] = [score - self.price * kl for score, kl in pairs]
            state |= {"best": None, "highest": None, "highest_step": state.get("step", 0)}
        state["price"] = self.price

    def spend(self, seconds: float) -> None:
        """Time that a step took, pauses left out."""
        self.state["seconds"] += seconds

    def see(self, metrics: Mapping[str, float], step: int) -> None:
        """Remember the rollouts of a step that went well; steps without rollouts are not seen."""
        score, kl = metrics["objective/scores"], metrics["objective/kl"]
        for name, value in (("scores", score), ("kl", kl), ("after_kl", score - self.price * kl)):
            self.state[name] = [*self.state[name], value][-WINDOW:]
        highest = self.state["highest"]
        if self.settled and (highest is None or self.mean("after_kl") > highest):
            self.state |= {"highest": self.mean("after_kl"), "highest_step": step}
        self.state["step"] = step

    def mean(self, name: str) -> float:
        return sum(self.state[name]) / len(self.state[name])

    @property
    def settled(self) -> bool:
        return len(self.state["scores"]) == WINDOW

    def reason(self) -> str | None:
        """Why the run ends now, or None."""
        config = self.config
        if config.reward_threshold and self.settled and self.mean("scores") >= config.reward_threshold:
            return "reward threshold"
        if config.kl_ceiling and self.settled and self.mean("kl") > config.kl_ceiling:
            return "KL ceiling"
        if config.plateau and self.settled and self.state["step"] - self.state["highest_step"] >= config.plateau:
            return "plateau"
        if config.wall_minutes and self.state["seconds"] >= 60 * config.wall_minutes:
            return "wall time"
        return None

    def is_best(self) -> bool:
        """Is the mean reward after KL, at the price that the run began with, higher than at any checkpoint before?
        It is asked once at each one that is due."""
        if not self.settled or (self.state["best"] is not None and self.mean("after_kl") <= self.state["best"]):
            return False
        self.state["best"] = self.mean("after_kl")
        return True

    def trouble(self, metrics: Mapping[str, float]) -> str | None:
        """What is wrong with a step, for a person; None if nothing is."""
        bad = [name for name, value in metrics.items() if not math.isfinite(value)]
        if bad:
            return f"{bad[0]} is not a number"
        kl, each = metrics.get("objective/kl", 0.0), metrics.get("objective/kl_per_token", 0.0)
        if self.state["kl"] and each > LEAST and kl > TIMES * max(self.mean("kl"), 1.0):
            return f"KL jumped from {self.mean('kl'):.1f} to {kl:.1f} nats a completion"
        return None
