"""The answers that a run of supervised tuning learns, or another one mixes in, and those that it is measured on: as
they were when it began. And the prompts whose answers any run learnt, which whatever begins from it is not measured on.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from core.config.algorithms import KTO, SFT, LearnsFrom
from core.config.options import as_stored
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.jobs import queue
from core.jobs.context import MOST_PINNED, JobContext
from core.preferences.demonstrated import Demonstration, demonstrations_of, to_learn
from core.reward import pinned_groups
from core.reward.examples import draw_of, heldout_prompts
from core.runs import origins
from core.store import Project
from core.store.files import plain

#: The files in a run's folder that pin them, the verdicts that KTO learns and is measured on, and the prompts whose
#: answers were learnt before the run began.
PINNED, VERDICTS, BEFORE = "demonstrations.json", "verdicts.json", "learnt.json"


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
    whose = config.rankings_of
    kept = context.pinned(PINNED, lambda: _stored(Parts(to_learn(context.project, config.ptx_answers, whose), [])))
    return _read(kept["learnt"])


def parted(project: Project, config: TrainPolicyConfig, options: SFT) -> Parts:
    """What a run that begins now learns and is measured on; what it begins from learnt none of the latter."""
    found = demonstrations_of(project, options.answers, config.rankings_of)
    before = learnt_before(project, config)
    held = heldout_prompts(found, options.heldout_fraction, before)
    measured = sorted((each for each in found if each.prompt_id in held), key=lambda each: draw_of(each.prompt_id))
    fresh = [each for each in measured if each.prompt_id not in before]
    return Parts([each for each in found if each.prompt_id not in held], fresh, len(measured) - len(fresh))


def learnt_before(project: Project, config: TrainPolicyConfig) -> set[int]:
    """The prompts whose answers were learnt by the run that these settings begin from, or by those before it."""
    start = origins.run_named(config.start_from)
    found = set[int]()
    for number in () if start is None else origins.line(project, start):
        run = queue.get(project, number)
        if isinstance(run, TrainPolicyJob):
            found |= _learnt_by(project, run) | set(_kept(project, number, BEFORE) or ())
    return found


def keep_learnt_before(context: JobContext) -> None:
    """For what begins from this run: by then those that it began from may be removed."""
    context.pinned(BEFORE, lambda: sorted(learnt_before(context.project, context.config)), came_later=True)


def _learnt_by(project: Project, run: TrainPolicyJob) -> set[int]:
    """The prompts whose answers a run itself learnt, good or bad, or had mixed in; not those that it only answered."""
    learns_from, options = ALGORITHMS[run.config.algorithm].learns_from, run.options
    if learns_from is LearnsFrom.RANKINGS and (path := project.run_file(run.id, pinned_groups.PINNED)).is_file():
        return {group.prompt_id for group in pinned_groups.read(path)[0]}
    if isinstance(options, KTO) and (kept := _kept(project, run.id, VERDICTS)):
        rows = _read(kept["judged"])
        held = heldout_prompts(rows, options.heldout_fraction, set(kept["before"]))
        return {each.prompt_id for each in rows if each.prompt_id not in held}
    if kept := _kept(project, run.id, PINNED):
        own = options if isinstance(options, SFT) else SFT()
        return {each.prompt_id for each in _parts(kept, run.config, own).learnt}
    return set()


def _kept(project: Project, number: int, name: str) -> Any:
    path = project.run_file(number, name)
    return plain.parsed(path, MOST_PINNED) if path.is_file() else None


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
