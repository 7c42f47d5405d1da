"""The answers that a run of supervised tuning learns, and those that it is measured on: as they were when it began."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from core.config.algorithms import SFT
from core.config.options import as_stored
from core.config.training import TrainPolicyConfig, TrainPolicyJob
from core.conversation import Conversation
from core.jobs import queue
from core.jobs.context import MOST_PINNED, JobContext
from core.preferences.judged_groups import JudgedGroup, best_of, judged_groups
from core.reward.examples import draw_of, heldout_prompts
from core.runs import origins
from core.store import Project, cells, completions, demonstrations
from core.store.files import plain

#: The file in a run's folder that pins them.
PINNED = "demonstrations.json"


@dataclass(frozen=True)
class Demonstration:
    """A prompt with an answer to learn; `messages` are the prompt's turns as they are stored."""

    completion_id: int = 0
    prompt_id: int = 0
    prompt: str = ""
    messages: str | None = None
    split: str = "train"
    text: str = ""
    ended: bool = True
    """False where it was cut off when it was drawn: nobody wrote an end there."""

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


def demonstrations_of(project: Project, wanted: str) -> list[Demonstration]:
    """The answers that `wanted` names (see the option `answers`), each once, in the order in which they came.

    Of what stands beside others only what was ranked best counts, whoever wrote it; or, where nobody's order counts,
    what a person wrote here. The rejected answer of an imported pair is none, whatever becomes of its ranking, and what
    any of the labelers flagged is none.
    """
    judged = {group.group_id: group for group in judged_groups(project, criteria=False)}
    found: list[Demonstration] = []
    if wanted != "best-ranked":
        alone = demonstrations.alone(project)
        found += [
            Demonstration(each.completion_id, each.prompt_id, each.prompt, each.messages, each.split, each.text)
            for each in demonstrations.written(project)
            if (
                each.completion_id in best_of(judged[each.group_id])
                if each.group_id in judged
                else each.by_hand or each.group_id in alone
            )
        ]
    if wanted != "written":
        found += [each for group in judged.values() for each in _best(group)]
    cut_off, flagged = completions.unended(project), demonstrations.flagged(project)
    fit = sorted((each for each in found if each.completion_id not in flagged), key=lambda each: each.completion_id)
    different = {(each.prompt_id, each.text): each for each in fit}
    return [replace(each, ended=each.completion_id not in cut_off) for each in different.values()]


def _best(group: JudgedGroup) -> list[Demonstration]:
    best = best_of(group)
    return [
        Demonstration(number, group.prompt_id, group.prompt, group.messages, group.split, text)
        for number, text in zip(group.completion_ids, group.completions, strict=True)
        if number in best
    ]


class Parts(NamedTuple):
    """`known` counts the held-out answers that are not measured, because what the run begins from learnt them."""

    learnt: list[Demonstration]
    measured: list[Demonstration]
    known: int = 0


def pinned(context: JobContext, options: SFT) -> Parts:
    """The answers with which the run began: people go on writing and ranking meanwhile."""
    kept = context.pinned(PINNED, lambda: _stored(parted(context.project, context.config, options)))
    return _parts(kept, context.config, options)


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
    """The prompts whose answers a run learnt by supervised tuning, or the runs that it began from, as far as these are
    there."""
    found = set[int]()
    for number in origins.line(project, job_id):
        run, path = queue.get(project, number), project.run_file(number, PINNED)
        if isinstance(run, TrainPolicyJob) and isinstance(run.options, SFT) and path.is_file():
            parts = _parts(plain.parsed(path, MOST_PINNED), run.config, run.options)
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
