"""A sweep: runs over a grid of a few settings, and the table that tells runs apart."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.config.jobs import JobKind, config_values
from core.config.options import documented, flag_name
from core.config.training import ALGORITHMS, Run, TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.records import Job
from core.runs import preflight, wishes
from core.store import Project

#: A grid that is larger was not meant.
LARGEST = 200
#: How the names of its runs begin, before the settings and values of each.
SWEEP = "Sweep: "


def value_of(kind: type[Any], name: str, text: str) -> Any:
    """The value of an option from text, as the option's type. Raises `BadInput`."""
    default: Any = next(item.default for item in documented(kind) if item.name == name)
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError) as error:
        raise BadInput(f"{text!r} is no value for {flag_name(name)}.") from error


def grid(config: Any, options: Any, axes: Mapping[str, Sequence[str]]) -> list[tuple[str, Any, Any]]:
    """(name, config, options) of every combination; `axes` has for each setting its values as text.

    Raises `BadInput` for a setting that there is none of, or a value that it cannot have.
    """
    shared = _names(type(config))
    for name in axes:
        if not axes[name]:
            raise BadInput(f"Give {flag_name(name)} at least one value.")
    combinations = list(itertools.product(*axes.values()))
    if len(combinations) > LARGEST:
        raise BadInput(f"That would be {len(combinations)} runs: at most {LARGEST} are queued at once.")
    found = []
    for combination in combinations:
        chosen = dict(zip(axes, combination, strict=True))
        values = {name: value_of(type(config), name, text) for name, text in chosen.items() if name in shared}
        one = _changed(config, values)
        kind = ALGORITHMS[one.algorithm].config
        base = options if one.algorithm == config.algorithm else kind()
        foreign = [name for name in chosen if name not in shared | _names(kind)]
        if foreign:
            raise BadInput(
                f"There is no setting {flag_name(foreign[0])} of {one.algorithm}: a sweep varies a run's own."
            )
        more = {name: value_of(kind, name, text) for name, text in chosen.items() if name in _names(kind) - shared}
        title = ", ".join(f"{name} {text}" for name, text in chosen.items())
        found.append((title, one, _changed(base, more)))
    return found


def enqueue(
    project: Project, config: Any, options: Any, axes: Mapping[str, Sequence[str]], *, taken: object = None
) -> list[Job]:
    """Queue a run for every combination; all of them are checked before the first is queued. One that goes wrong ends
    as failed, so that it does not hold up the others. `taken` are settings of the project that the person took over."""
    runs = grid(wishes.from_here(_changed(config, {"on_trouble": "fail"})), options, axes)
    for _, one, _ in runs:
        preflight.check(project, one)
        wishes.choose(project, one, taken)
    return [
        queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(one, own), name=f"{SWEEP}{title}")
        for title, one, own in runs
    ]


def differences(jobs: Sequence[Run]) -> list[str]:
    """Names of the settings in which runs differ, in the order of the config; an option that
    only one algorithm has does not count. A setting that a run of an earlier version lacks has its default."""
    flat = [settings(job) for job in jobs]
    names = list(dict.fromkeys(name for values in flat for name in values))
    return [name for name in names if len({repr(values[name]) for values in flat if name in values}) > 1]


def settings(run: Run) -> dict[str, Any]:
    """All settings of a run by name, its algorithm's own too, and the learning rate and KL coefficient that were
    meant."""
    values = asdict(run.config)
    if isinstance(run, TrainPolicyJob) and run.options is not None:
        values |= asdict(run.options) | {"learning_rate": run.config.rate, "kl_coef": run.config.price}
    return values


def _names(kind: type[Any]) -> set[str]:
    return {item.name for item in documented(kind)}


def _changed(config: Any, values: dict[str, Any]) -> Any:
    return type(config)(**{item.name: values.get(item.name, getattr(config, item.name)) for item in documented(config)})
