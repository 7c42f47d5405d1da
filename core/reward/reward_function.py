"""The reward, built from a run's settings in one place: training, evaluation, Compare and scoring all ask it.

It is a weighted sum of what a model says (a run of ours, one made elsewhere, or a gold reward in its place), rules and
the user's own functions, less a penalty where a completion was cut off, or that penalty in its place.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from core.config.training import TrainPolicyConfig, TrainPolicyJob, TrainRewardJob
from core.errors import BadInput
from core.events import Event, Note, Progress
from core.jobs import queue
from core.jobs.context import JobContext
from core.labeling import gold as golds
from core.labeling.gold import Gold
from core.labeling.own_reward import Lost, OwnReward, StepRewards
from core.models.adapters import SharedModel
from core.models.chat import Asked, conversation_of
from core.models.fingerprint import files_hash
from core.reward.external import ExternalReward, external_of
from core.reward.model import RewardModel, load_run
from core.store import Project

OTHER_WEIGHTS = (
    "The reward model is not the one with which this began: its files have changed since. Put them back and resume, or "
    "begin anew with the reward model as it is now."
)


@dataclass(frozen=True)
class RewardSpec:
    """What a reward is made of, as a run's settings name it; see the fields of the same names in `TrainPolicyConfig`.

    `optimised_gold` is the gold reward that stands in the model's place, `gold` the one that is only drawn beside.
    Raises `BadInput` when two models are named.
    """

    reward_job: int = 0
    reward_model: str = ""
    ensemble: str = "mean"
    model_weight: float = 1.0
    rules: str = ""
    missing_end_penalty: float = 0.0
    gold: str = ""
    optimised_gold: str = ""
    missing_end: str = "subtract"
    variance_weight: float = 1.0
    rules_only: bool = False

    def __post_init__(self) -> None:
        if self.reward_model and self.reward_job:
            raise BadInput("Give either --reward-job or --reward-model, not both.")

    @classmethod
    def of(cls, config: TrainPolicyConfig) -> "RewardSpec":
        if config.train_on_gold or config.rules_only:
            model, job, optimised = "", 0, "" if config.rules_only else config.gold
        else:
            model, job, optimised = config.reward_model, config.reward_job, ""
        return cls(
            job, model, config.ensemble, config.model_weight, config.rules, config.missing_end_penalty, config.gold,
            optimised, config.missing_end, config.variance_weight, config.rules_only,
        )  # fmt: skip

    @classmethod
    def of_run(cls, run: TrainPolicyJob) -> "RewardSpec":
        """By the very model that the run was tuned with, or for 0 the newest one where it knew none."""
        found = cls.of(run.config)
        return replace(found, reward_job=run.result.reward_job or 0) if found.by_our_model else found

    @property
    def by_our_model(self) -> bool:
        """Is it a reward model of this project that scores?"""
        return not (self.reward_model or self.optimised_gold or self.rules_only)

    def with_run(self, number: int | None) -> "RewardSpec":
        """Scored by that run of ours; for None by no model, but by the gold reward that is drawn beside, if any."""
        if number is not None:
            return replace(self, reward_job=number)
        return replace(self, optimised_gold=self.gold, model_weight=1.0, rules_only=not self.gold)


@dataclass(frozen=True)
class Weights:
    """Which weights score: the hash of their files and, of a model made elsewhere, its scale (mean, std) here."""

    sha256: str = ""
    scale: tuple[float, float] | None = None


class Scores(NamedTuple):
    reward: Tensor  # (B,) nan where it is lost
    gold: list[float | None] | None  # (B) of the gold reward that is drawn beside, None without one
    lost: list[str]  # (B) why a function of the person's own gave a completion no reward, empty where there is one
    steps: list[list[tuple[int, float]]]  # (B) the parts of a reward that belong to its steps, see `StepRewards`


@dataclass(frozen=True)
class RewardFunction:
    """At most one of `model` (with the `job` that it came from), `external` and `optimised_gold` is there."""

    model: RewardModel | None = None
    job: TrainRewardJob | None = None
    external: ExternalReward | None = None
    optimised_gold: Gold | None = None
    gold: Gold | None = None
    model_weight: float = 1.0
    rules: tuple[tuple[float, Gold], ...] = ()
    missing_end_penalty: float = 0.0
    missing_end: str = "subtract"
    weights: Weights = Weights()

    @property
    def known(self) -> bool:
        """Is there anything that gives a score?"""
        return bool(self.model or self.external or self.optimised_gold or self.rules)

    @property
    def reward_job(self) -> int | None:
        return self.job.id if self.job else None

    def scores(self, learned: Tensor, prompts: Sequence[Asked], completions: Sequence[str], ended: Tensor) -> Scores:
        """Of completions, as they are judged: learned (B,) is what `model` says of each, and counts nowhere without
        one; ended (B,). Raises `BadInput` where a function of the person's own cannot be asked any more."""
        pairs = _pairs(prompts, completions)
        gold = golds.values(self.gold, pairs) if self.gold else None
        rules = [(weight, golds.values(rule, pairs)) for weight, rule in self.rules]
        known = [*rules]
        if self.external is not None:
            learned = self.external.score(prompts, completions).to(learned.device)
        elif self.optimised_gold is not None:
            same = gold if self.optimised_gold is self.gold else None
            optimised = same or golds.values(self.optimised_gold, pairs)
            known.append((self.model_weight, optimised))
            learned = torch.tensor(list(map(_number, optimised)), device=learned.device)
        reward = self.total(learned, ended, _weighted(rules, len(pairs)).to(learned.device))
        rows = _rows([values for _, values in known], len(pairs))
        lost = [next((str(each) for each in row if isinstance(each, Lost)), "") for row in rows]
        drawn = None if gold is None else [None if isinstance(each, Lost) else float(each) for each in gold]
        steps = [_steps([weight for weight, _ in known], row) for row in rows]
        if self.missing_end == "replace":  # nothing of its score is left
            steps = [found if is_whole else [] for found, is_whole in zip(steps, ended.tolist(), strict=True)]
        return Scores(reward, drawn, lost, steps)

    def total(self, learned: Tensor, ended: Tensor, rules: Tensor | float = 0.0) -> Tensor:
        """The reward (B,): the learned scores (B,) times their weight, plus what the rules give (B,); of a completion
        that has not ended (B,), less the penalty, or minus the penalty alone."""
        whole = self.model_weight * learned + rules
        if self.missing_end == "replace":
            return whole.masked_fill(~ended, -self.missing_end_penalty)
        if self.missing_end == "subtract":
            return whole - self.missing_end_penalty * (~ended).float()
        return whole

    @property
    def own(self) -> list[OwnReward]:
        """The person's own functions in it, and the one that is drawn beside."""
        named = [self.gold, self.optimised_gold, *(rule for _, rule in self.rules)]
        return list(dict.fromkeys(each for each in named if isinstance(each, OwnReward)))

    def told(self) -> Iterator[Note]:
        """What is to be said since this was last asked of completions without a value."""
        for function in self.own:
            for text in function.told():
                yield Note(text)


def _rows(known: Sequence[Sequence[float | Lost]], count: int) -> list[tuple[float | Lost, ...]]:
    """What the functions say of each of `count` completions."""
    return list(zip(*known, strict=True)) if known else [()] * count


def _steps(weights: Sequence[float], values: Sequence[float | Lost]) -> list[tuple[int, float]]:
    """What the functions say of a completion's steps, weighted."""
    return [
        (end, weight * reward)
        for weight, value in zip(weights, values, strict=True)
        if isinstance(value, StepRewards)
        for end, reward in value.steps
    ]


def _number(value: float | Lost) -> float:
    return math.nan if isinstance(value, Lost) else value


def _weighted(rules: Sequence[tuple[float, Sequence[float | Lost]]], count: int) -> Tensor:
    """The weighted sum (B,) of what the rules give, nan where a value is lost."""
    rows = _rows([list(map(_number, values)) for _, values in rules], count)
    weights = [weight for weight, _ in rules]
    return torch.tensor([sum(w * _number(v) for w, v in zip(weights, row, strict=True)) for row in rows]).float()


def _pairs(prompts: Sequence[Asked], completions: Sequence[str]) -> list[tuple[str, str]]:
    """As rules are given them: the prompt is a text."""
    texts = (conversation_of(prompt).text for prompt in prompts)
    return list(zip(texts, completions, strict=True))


def rules_of(find: Callable[[str], Gold], text: str) -> tuple[tuple[float, Gold], ...]:
    """`0.5*sentiment; -0.01*length` as (weight, rule) pairs. Raises `BadInput`; what a rule may be says `gold.HELP`."""
    return tuple((weight, find(name)) for weight, name in golds.rules(text))


def newest_if_any(project: Project, spec: RewardSpec) -> RewardSpec:
    """Of an algorithm that learns from answers or rankings, and needs no score: by the run that is asked for, the
    newest one where none is, or by no model where there is none."""
    if not spec.by_our_model or spec.reward_job:
        return spec
    run = queue.newest_run(project, TrainRewardJob)
    return spec.with_run(run.id if run else None)


def on_four_bits(project: Project, spec: RewardSpec) -> bool:
    """Does the reward model that is asked for need its base in 4 bits? Its scale holds on such a base alone."""
    return spec.by_our_model and queue.run_of(project, spec.reward_job, TrainRewardJob).config.base_bits == "4"


def reward_function(
    context: JobContext, spec: RewardSpec, shared: SharedModel | None, begun: Weights | None = None
) -> Generator[Event, None, RewardFunction]:
    """The reward that is asked for; loads our model's adapters into `shared`, or the model made elsewhere.

    Raises `BadInput` where it is not of the weights with which something was `begun`.
    """
    begun = begun or Weights()

    @cache
    def find(name: str) -> Gold:  # one process for a function, wherever it is named
        return golds.find(context.project, name)

    gold = find(spec.gold) if spec.gold else None
    model, job, external, optimised, weights = None, None, None, None, Weights()
    if spec.optimised_gold:
        optimised = find(spec.optimised_gold)
    elif spec.reward_model:
        external = yield from external_of(context, spec.reward_model, begun.scale)
        weights = Weights(files_hash([external.folder]), external.scale)
    elif spec.by_our_model:
        assert shared is not None, "our model needs the base"
        job = queue.run_of(context.project, spec.reward_job, TrainRewardJob)
        yield Progress(0, 1, "Loading the reward model")
        folder = queue.adapter_of(context.project, job)  # raises where its weights were damaged
        model = load_run(
            shared, context.project, job.result.adapter, combine=spec.ensemble, variance_weight=spec.variance_weight
        )
        weights = Weights(files_hash(folder / member.adapter for member in model.members))
    if begun.sha256 not in ("", weights.sha256):
        raise BadInput(OTHER_WEIGHTS)
    rules = rules_of(find, spec.rules)
    return RewardFunction(
        model, job, external, optimised, gold, spec.model_weight, rules, spec.missing_end_penalty, spec.missing_end,
        weights,
    )  # fmt: skip
