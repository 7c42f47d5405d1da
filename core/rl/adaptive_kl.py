"""What steers a run while it goes: settings that may be changed live, and the adaptive KL coefficient."""

from dataclasses import dataclass

from core.config.training import TrainPolicyConfig

#: How far one step may be off its target before it counts as this much, both ways (Ziegler et al. 2019).
LARGEST_ERROR = 0.2


@dataclass
class LiveSettings:
    """The settings in force now (see `core.runs.live_settings`); the loop changes them, algorithms read them."""

    kl_coef: float
    learning_rate: float
    temperature: float

    @classmethod
    def of(cls, config: TrainPolicyConfig) -> "LiveSettings":
        return cls(config.price, config.rate, config.temperature)


def next_kl_coef(kl_coef: float, kl: float, target: float, completions: int, horizon: int) -> float:
    """The next KL coefficient (Ziegler et al. 2019, arXiv 1909.08593, sec. 2.2).

    kl, target: nats a completion; completions: how many this step drew; horizon: completions in which the coefficient
    may change by a fifth. The paper's factor 1 + error * completions / horizon is the first term of ours, which stays
    above 0 for batches larger than the horizon.
    """
    error = max(-LARGEST_ERROR, min(LARGEST_ERROR, kl / target - 1))
    return float(kl_coef * (1 + error) ** (completions / horizon))
