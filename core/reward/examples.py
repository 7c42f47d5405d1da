"""From judged groups to what the model learns from: token ids and ranks, split by prompt, nothing dropped unsaid."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

from core.config.training import TrainRewardConfig
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models import chat
from core.models.load import Base
from core.models.rows import Ids
from core.preferences.judged_groups import OVERALL, JudgedGroup, Judgement, gives_pairs, judged_groups
from core.runs import learnt_rankings

#: The file in a run's folder that pins what it learns from and what it is tested on.
PINNED = "rankings.json"


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
    def pairs(self) -> int:
        """Overall pairs, each labeler's counted."""
        return sum(
            int((order.ranks[:, None] < order.ranks[None, :]).sum()) for order in self.orders if order.column == 0
        )


def group_of(values: dict[str, Any]) -> JudgedGroup:
    """A judged group from its JSON."""
    judgements = tuple(Judgement(**item | {"ranks": tuple(item["ranks"])}) for item in values["judgements"])
    tuples = {name: tuple(values[name]) for name in ("completion_ids", "completions")}
    return JudgedGroup(**values | tuples | {"judgements": judgements})


Split = Callable[[list[JudgedGroup]], tuple[list[JudgedGroup], list[JudgedGroup]]]


def pinned(context: JobContext, split: Split, *, criteria: bool = False) -> tuple[list[JudgedGroup], list[JudgedGroup]]:
    """What a run learns from and is tested on: the rankings as they were when it began, also after a resume.

    They are kept beside its checkpoints, because people go on ranking meanwhile: a prompt that was trained on must
    never become a held-out one. `split` parts them.
    """

    def begin() -> list[list[dict[str, Any]]]:
        whose = context.config.rankings_of
        parts = split(judged_groups(context.project, criteria=criteria, whose=whose))
        return [[asdict(group) for group in part] for part in parts]

    train, heldout = context.pinned(PINNED, begin)
    return [group_of(item) for item in train], [group_of(item) for item in heldout]


def keep_learnt(context: JobContext, train: Sequence[Example], heldout: Sequence[Example]) -> None:
    """For whoever asks where a number came from: the rankings of these examples, which a run learns from and is tested
    on. Runs that earlier versions began do not know them."""
    parts = [{order.ranking_id for example in part for order in example.orders} for part in (train, heldout)]
    if not any(0 in part for part in parts):
        learnt_rankings.keep(context, *parts)


def columns_of(groups: Sequence[JudgedGroup]) -> tuple[str, ...]:
    """The overall order first, then the criteria by name."""
    found = {judgement.criterion for group in groups for judgement in group.judgements} - {OVERALL}
    return (OVERALL, *sorted(found))


def split(groups: list[JudgedGroup], config: TrainRewardConfig) -> tuple[list[JudgedGroup], list[JudgedGroup]]:
    """Groups to learn from and groups to test on, with no prompt in both.

    Prompts marked held-out are the test; if none is ranked, `heldout_fraction` of the prompts are drawn. Raises
    `NothingToDo` when nothing is left to learn from.
    """
    if not groups:
        raise NothingToDo("There are no pairs to train on: rank the completions of some prompts first.")
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


def encode(
    base: Base,
    groups: list[JudgedGroup],
    longest: int,
    columns: Sequence[str],
    hint: str = "",
    *,
    whole: bool = False,
) -> tuple[list[Example], list[str]]:
    """Examples, and what had to be cut or left out, one sentence for each kind with the prompts it befell.

    A prompt that is too long loses its oldest turns; a completion that is too long by itself is left out of its
    rankings, never cut, because its end decides the score. `hint` says what could be done about that. Completions are
    `whole`, or what is judged of them.
    """
    ids_of = chat.completion_ids if whole else chat.judged_ids
    examples: list[Example] = []
    dropped: list[int] = []
    lost: list[int] = []
    for group in groups:
        answers = [ids_of(base, text) for text in group.completions]
        fits = [number for number, answer in enumerate(answers) if len(answer) < longest]
        dropped += [group.prompt_id] * (len(answers) - len(fits))
        orders = tuple(
            Order(
                columns.index(judgement.criterion),
                torch.tensor(ranks, dtype=torch.float32),
                judgement.ties,
                judgement.ranking_id,
            )
            for judgement in group.judgements
            if gives_pairs(ranks := tuple(judgement.ranks[number] for number in fits))
        )
        if not any(order.column == 0 for order in orders):
            lost.append(group.prompt_id)
            continue
        kept = tuple(answers[number] for number in fits)
        prompt = chat.beside(base, group.conversation, max(map(len, kept)), longest, group.prompt_id)
        examples.append(
            Example(group.prompt_id, prompt, kept, tuple(group.completion_ids[number] for number in fits), orders)
        )
    notes = [note.text for note in chat.told(base, last=True)]
    if dropped:
        notes.append(
            f"{len(dropped)} completions are longer than {longest} tokens and were left out of their rankings: "
            f"{prompts_named(dropped)} concerned{hint}."
        )
    if lost:
        notes.append(f"{prompts_named(lost)} left out: no pair remained of completions that fit into {longest} tokens.")
    return examples, notes


def prompts_named(ids: list[int]) -> str:
    """`2 prompts (7, 9) were`, at most five of them named."""
    different = sorted(set(ids))
    shown = ", ".join(map(str, different[:5])) + (", …" if len(different) > 5 else "")
    noun, verb = ("prompt", "was") if len(different) == 1 else ("prompts", "were")
    return f"{len(different)} {noun} ({shown}) {verb}"
