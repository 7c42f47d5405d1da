"""What a reward model learns from: the judged groups that are pinned when a run begins, split by prompt, and what the
model is shown of one."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import torch

from core.collector import uncollected
from core.config.training import TrainRewardConfig
from core.errors import BadInput, NothingToDo
from core.jobs.context import JobContext
from core.models.rows import Ids
from core.preferences.judged_groups import JudgedGroup, one_by_one
from core.reward import pinned_groups
from core.reward.pinned_groups import PINNED, PinnedGroups, Starts
from core.runs import learnt_rankings
from core.store import labelers, pairs
from core.store.pairs import JudgedHead

NO_PAIRS = "There are no pairs to train on: rank the completions of some prompts first."


@dataclass(frozen=True)
class Order:
    """One labeler's ranks (N,) in one column of the head; see `core.reward.loss.ranking_loss`."""

    column: int
    ranks: torch.Tensor
    ties: bool
    ranking_id: int = 0


@dataclass(frozen=True)
class Example:
    """One prompt with N answers, which end with the end token, and everybody's orders over them."""

    prompt_id: int
    prompt: Ids
    answers: tuple[Ids, ...]
    completion_ids: tuple[int, ...]
    orders: tuple[Order, ...]

    @property
    def tokens(self) -> int:
        return len(self.prompt) + sum(map(len, self.answers))

    @property
    def ranking_ids(self) -> tuple[int, ...]:
        return tuple(order.ranking_id for order in self.orders)


T = TypeVar("T", bound="OfPrompt")
Split = Callable[[Sequence[T]], tuple[list[T], list[T]]]
Look = Callable[[JudgedGroup, bool], object]
"""At a group, and whether a run is tested on it."""


def pinned(
    context: JobContext, split: Split[JudgedHead], look: Look, *, criteria: bool = False
) -> tuple[PinnedGroups, PinnedGroups]:
    """What a run learns from and is tested on: the rankings as they were when it began, also after a resume.

    They are kept beside its checkpoints, because people go on ranking meanwhile: a prompt that was trained on must
    never become a held-out one. `split` parts them, and `look` is shown each group once, as it is written, or read
    where it was written before: to read a large project twice takes as long as to write it.
    """
    project, whose = context.project, context.config.rankings_of
    starts: Starts | None = None

    def chosen(is_tested: Mapping[int, bool]) -> Iterator[tuple[bool, JudgedGroup]]:
        for group in one_by_one(project, criteria=criteria, whose=whose):
            if group.group_id in is_tested:
                look(group, is_tested[group.group_id])
                yield is_tested[group.group_id], group

    def begin(made: Path) -> None:
        nonlocal starts
        with project.reading(), uncollected():
            parts = split(pairs.groups(project, labelers.ids_of(project, whose)))
            is_tested = {head.group_id: bool(number) for number, part in enumerate(parts) for head in part}
            starts = pinned_groups.write(made, chosen(is_tested))

    path = context.pinned_file(PINNED, begin)
    if starts is not None:
        learnt, tested = (PinnedGroups(path, each) for each in starts)
        return learnt, tested
    try:
        found = pinned_groups.read(path)
    except BadInput as error:
        raise context.damaged(path) from error
    with uncollected():
        for number, part in enumerate(found):
            for group in part:
                look(group, bool(number))
    return found


def refuse_without_pairs(context: JobContext) -> None:
    """Before a model is fetched: raises `NothingToDo` where a run that begins has nothing to learn from."""
    whose = labelers.ids_of(context.project, context.config.rankings_of)
    if not context.has_begun and not pairs.are_there(context.project, whose):
        raise NothingToDo(NO_PAIRS)


class Learnt(Protocol):
    @property
    def ranking_ids(self) -> tuple[int, ...]: ...


def keep_learnt(context: JobContext, train: Iterable[Learnt], heldout: Iterable[Learnt]) -> None:
    """For whoever asks where a number came from: the rankings of these examples, which a run learns from and is tested
    on. Runs that earlier versions began do not know them."""
    parts = [{number for each in part for number in each.ranking_ids} for part in (train, heldout)]
    if not any(0 in part for part in parts):
        learnt_rankings.keep(context, *parts)


def split(groups: Sequence[T], config: TrainRewardConfig) -> tuple[list[T], list[T]]:
    """Groups to learn from and groups to test on, with no prompt in both.

    Prompts marked held-out are the test; if none is ranked, `heldout_fraction` of the prompts are drawn. Raises
    `NothingToDo` when nothing is left to learn from.
    """
    if not groups:
        raise NothingToDo(NO_PAIRS)
    chosen = heldout_prompts(groups, config.heldout_fraction)
    train = [group for group in groups if group.prompt_id not in chosen]
    if not train:
        raise NothingToDo("Every ranked prompt is held out: rank some training prompts, or change their split.")
    return train, [group for group in groups if group.prompt_id in chosen]


class OfPrompt(Protocol):
    """What answers a prompt."""

    @property
    def prompt_id(self) -> int: ...
    @property
    def split(self) -> str: ...


def heldout_prompts(items: Sequence[OfPrompt], fraction: float, learnt: Collection[int] = ()) -> set[int]:
    """The prompts to test on: those that are marked held-out, or if none is, a fraction that is drawn; never all, and
    none that was `learnt` before. It is the same draw in every run, whatever its seed."""
    chosen = {item.prompt_id for item in items if item.split == "heldout"}
    prompt_ids = {item.prompt_id for item in items}
    if chosen or not prompt_ids:
        return chosen
    count = min(round(len(prompt_ids) * fraction), len(prompt_ids) - 1)
    return set(sorted(prompt_ids.difference(learnt), key=draw_of)[:count])


def draw_of(prompt_id: int) -> bytes:
    """A prompt's place among those that may be held out: the first ones are."""
    return hashlib.sha256(f"held out {prompt_id}".encode()).digest()


def prompts_named(ids: list[int]) -> str:
    """`2 prompts (7, 9) were`, at most five of them named."""
    different = sorted(set(ids))
    shown = ", ".join(map(str, different[:5])) + (", …" if len(different) > 5 else "")
    noun, verb = ("prompt", "was") if len(different) == 1 else ("prompts", "were")
    return f"{len(different)} {noun} ({shown}) {verb}"
