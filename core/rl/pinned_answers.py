"""The answers that a run of supervised tuning learns, and those that it is measured on: as they were when it began.
And the prompts whose answers any run learnt, which whatever begins from it is not measured on.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from core.config.algorithms import KTO, SFT, LearnsFrom
from core.config.options import as_stored
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyJob
from core.conversation import Conversation
from core.jobs import queue
from core.jobs.context import MOST_PINNED, JobContext
from core.preferences.judged_groups import JudgedGroup, best_of, judged_groups
from core.reward import examples
from core.reward.examples import draw_of, heldout_prompts
from core.runs import origins
from core.store import Project, cells, completions, demonstrations, verdicts
from core.store.files import plain

#: The files in a run's folder that pin them, the verdicts that KTO learns and is measured on, and the prompts whose
#: answers were learnt before the run began.
PINNED, VERDICTS, BEFORE = "demonstrations.json", "verdicts.json", "learnt.json"


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
    what a person wrote here. The rejected answer of an imported pair is none, whatever becomes of its ranking, nor is
    one that came with a bad verdict until somebody calls it good; and what any of the labelers flagged or calls bad is
    none.
    """
    said = verdicts.counting(project)
    bad = {each.completion_id for each in said if not each.good}
    judged = {group.group_id: group for group in judged_groups(project, criteria=False)}
    found: list[Demonstration] = []
    if wanted != "best-ranked":
        alone = demonstrations.alone(project)
        doubted = verdicts.ever_doubted(project).difference(each.completion_id for each in said)
        found += [
            Demonstration(each.completion_id, each.prompt_id, each.prompt, each.messages, each.split, each.text)
            for each in demonstrations.written(project)
            if (
                each.completion_id in best_of(judged[each.group_id])
                if each.group_id in judged
                else each.by_hand or (each.group_id in alone and each.completion_id not in doubted)
            )
        ]
    if wanted != "written":
        found += [each for group in judged.values() for each in _best(group)]
    cut_off, unfit = completions.unended(project), bad | verdicts.flagged(project)
    fit = sorted((each for each in found if each.completion_id not in unfit), key=lambda each: each.completion_id)
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
    found, before = demonstrations_of(project, options.answers), learnt_before(project, config)
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
    """The prompts whose answers a run itself learnt, good or bad; not those that it only answered."""
    learns_from, options = ALGORITHMS[run.config.algorithm].learns_from, run.options
    if learns_from is LearnsFrom.RANKINGS and (kept := _kept(project, run.id, examples.PINNED)):
        return {int(group["prompt_id"]) for group in kept[0]}
    if isinstance(options, SFT) and (kept := _kept(project, run.id, PINNED)):
        return {each.prompt_id for each in _parts(kept, run.config, options).learnt}
    if isinstance(options, KTO) and (kept := _kept(project, run.id, VERDICTS)):
        rows = _read(kept["judged"])
        held = heldout_prompts(rows, options.heldout_fraction, set(kept["before"]))
        return {each.prompt_id for each in rows if each.prompt_id not in held}
    return set()


def _kept(project: Project, number: int, name: str) -> Any:
    path = project.run_folder(number) / name
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
