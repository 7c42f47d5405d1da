"""What a setting is called where only its name is known: in a sentence, a table of runs, a list of changes."""

from functools import cache

from core.config.jobs import JOBS
from core.config.options import documented, spelled, title_of
from core.config.training import ALGORITHMS, TrainPolicyConfig


@cache
def _titles() -> dict[str, str]:
    """By field name. Where several configs have a field of one name, a run of the policy goes first."""
    configs = [TrainPolicyConfig, *(algorithm.config for algorithm in ALGORITHMS.values())]
    configs += [kind.config for kind in JOBS.values()]
    found: dict[str, str] = {}
    for config in configs:
        for item in documented(config):
            found.setdefault(item.name, title_of(item))
    return found


def setting_title(name: str) -> str:
    """`kl_coef` -> `KL coefficient`, whichever config has it."""
    return _titles().get(name) or spelled(name)
