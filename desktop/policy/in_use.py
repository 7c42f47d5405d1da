"""Which algorithm tunes the policy: the one of the newest run, as whoever goes on goes on with it; PPO before any."""

from core.config.algorithms import DEFAULT
from core.config.training import ALGORITHMS, TrainPolicyJob
from desktop.session import Session


def algorithm_in_use(session: Session) -> str:
    """Its title."""
    runs = session.jobs(TrainPolicyJob)
    kind = ALGORITHMS.get(runs[0].config.algorithm) if runs else None
    return (kind or ALGORITHMS[DEFAULT]).title
