"""The answers that a run of supervised tuning learns, or another one mixes in, and those that it is measured on: as
they were when it began."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from core.config.algorithms import SFT
from core.config.options import as_stored
from core.config.training import TrainPolicyConfig, TrainPolicyJob
from core.jobs import queue
from core.jobs.context import MOST_PINNED, JobContext
from core.preferences.demonstrated import Demonstration, demonstrations_of, to_learn
from core.reward.examples import draw_of, heldout_prompts
from core.runs import origins
from core.store import Project
from core.store.files import plain

#: The file in a run's folder that pins them.
PINNED = "demonstrations.json"


class Parts(NamedTuple):
    """`known` counts the held-out answers that are not measured, because what the run begins from learnt them."""

    learnt: list[Demonstration]
    measured: list[Demonstration]
    known: int = 0


def pinned(context: JobContext, options: SFT) -> Parts:
    """The answers with which the run began: people go on writing and ranking meanwhile."""
    kept = context.pinned(PINNED, lambda: _stored(parted(context.project, context.config, options)))
    return _parts(kept, context.config, options)


def mixed_in(context: JobContext) -> list[Demonstration]:
    """The answers that a run of another algorithm mixes in, as they were when it began."""
    config: TrainPolicyConfig = context.config
    kept = context.pinned(PINNED, lambda: _stored(Parts(to_learn(context.project, config.ptx_answers), [])))
    return _read(kept["learnt"])


def parted(project: Project, config: TrainPolicyConfig, options: SFT) -> Parts:
    """What a run that begins now learns and is measured on; what it begins from learnt none of the latter."""
    found = demonstrations_of(project, options.answers)
    start = origins.run_named(config.start_from)
    before = learnt_by(project, start) if start is not None else set[int]()
    held = heldout_prompts(found, options.heldout_fraction, before)
    measured = sorted((each for each in found if each.prompt_id in held), key=lambda each: draw_of(each.prompt_id))
    fresh = [each for each in measured if each.prompt_id not in before]
    return Parts([each for each in found if each.prompt_id not in held], fresh, len(measured) - len(fresh))


def learnt_by(project: Project, job_id: int) -> set[int]:
    """The prompts whose answers a run learnt by supervised tuning or had mixed in, or the runs that it began from, as
    far as these are there."""
    found = set[int]()
    for number in origins.line(project, job_id):
        run, path = queue.get(project, number), project.run_file(number, PINNED)
        if isinstance(run, TrainPolicyJob) and path.is_file():
            options = run.options if isinstance(run.options, SFT) else SFT()
            parts = _parts(plain.parsed(path, MOST_PINNED), run.config, options)
            found |= {each.prompt_id for each in parts.learnt}
    return found


def _stored(parts: Parts) -> dict[str, Any]:
    return {"learnt": list(map(asdict, parts.learnt)), "measured": list(map(asdict, parts.measured)),
            "known": parts.known}  # fmt: skip


def _parts(kept: Any, config: TrainPolicyConfig, options: SFT) -> Parts:
    if isinstance(kept, list):
        return _by_seed(_read(kept), config, options)
    return Parts(_read(kept["learnt"]), _read(kept["measured"]), int(kept["known"]))


def _read(rows: Sequence[dict[str, Any]]) -> list[Demonstration]:
    return [as_stored(Demonstration, each) for each in rows]


def _by_seed(found: list[Demonstration], config: TrainPolicyConfig, options: SFT) -> Parts:
    """As runs of earlier versions drew what they hold out, by their own seed."""
    held = {each.prompt_id for each in found if each.split == "heldout"}
    ids = sorted({each.prompt_id for each in found})
    if not held and ids:
        count = min(round(len(ids) * options.heldout_fraction), len(ids) - 1)
        held = set(random.Random(config.seed).sample(ids, count))
    measured = [each for each in found if each.prompt_id in held]
    random.Random(f"{config.seed}/measured").shuffle(measured)
    return Parts([each for each in found if each.prompt_id not in held], measured)
