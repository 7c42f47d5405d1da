"""The reward, built from a run's settings in one place: training, evaluation, Compare and scoring all ask it.

It is a weighted sum of what a model says (a run of ours, one made elsewhere, or a gold reward in its place), rules and
the user's own functions, less a penalty where a completion was cut off, or that penalty in its place.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from core.config.training import TrainPolicyConfig, TrainRewardJob
from core.errors import BadInput
from core.events import Event, Progress
from core.jobs import queue
from core.jobs.context import JobContext
from core.labeling import gold as golds
from core.labeling.gold import Gold
from core.models.adapters import SharedModel
from core.models.chat import Asked, conversation_of
from core.reward.external import ExternalReward, external_of
from core.reward.model import RewardModel, load_run
from core.store import Project


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

    @property
    def by_our_model(self) -> bool:
        """Is it a reward model of this project that scores?"""
        return not (self.reward_model or self.optimised_gold or self.rules_only)


class Scores(NamedTuple):
    reward: Tensor  # (B,)
    gold: list[float] | None  # (B) of the gold reward that is drawn beside, None without one


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

    @property
    def known(self) -> bool:
        """Is there anything that gives a score?"""
        return bool(self.model or self.external or self.optimised_gold or self.rules)

    @property
    def reward_job(self) -> int | None:
        return self.job.id if self.job else None

    def scores(self, learned: Tensor, prompts: Sequence[Asked], completions: Sequence[str], ended: Tensor) -> Scores:
        """Of completions, as they are judged: learned (B,) is what `model` says of each, and counts nowhere without
        one; ended (B,)."""
        gold = self._by(self.gold, prompts, completions)
        if self.external is not None:
            learned = self.external.score(prompts, completions).to(learned.device)
        elif self.optimised_gold is not None:
            same = self.optimised_gold is self.gold
            optimised = gold if same else self._by(self.optimised_gold, prompts, completions)
            learned = torch.tensor(optimised, device=learned.device)
        return Scores(self.total(learned, prompts, completions, ended), gold)

    def total(self, learned: Tensor, prompts: Sequence[Asked], completions: Sequence[str], ended: Tensor) -> Tensor:
        """The reward (B,): the learned scores (B,) times their weight, plus what the rules give; where a completion
        has not ended (B,), less the penalty, or minus the penalty alone."""
        whole = self.model_weight * learned + self.by_rules(prompts, completions).to(learned.device)
        if self.missing_end == "replace":
            return whole.masked_fill(~ended, -self.missing_end_penalty)
        if self.missing_end == "subtract":
            return whole - self.missing_end_penalty * (~ended).float()
        return whole

    def by_rules(self, prompts: Sequence[Asked], completions: Sequence[str]) -> Tensor:
        """What the rules give (B,), with their weights."""
        pairs = _pairs(prompts, completions)
        return torch.tensor([sum(weight * rule(*pair) for weight, rule in self.rules) for pair in pairs]).float()

    def _by(self, gold: Gold | None, prompts: Sequence[Asked], completions: Sequence[str]) -> list[float] | None:
        return gold and [gold(*pair) for pair in _pairs(prompts, completions)]


def _pairs(prompts: Sequence[Asked], completions: Sequence[str]) -> list[tuple[str, str]]:
    """As rules are given them: the prompt is a text."""
    texts = (conversation_of(prompt).text for prompt in prompts)
    return list(zip(texts, completions, strict=True))


def rules_of(project: Project, text: str) -> tuple[tuple[float, Gold], ...]:
    """`0.5*sentiment; -0.01*length` as (weight, rule) pairs. Raises `BadInput`; what a rule may be says `gold.HELP`."""
    return tuple((weight, golds.find(project, name)) for weight, name in golds.rules(text))


def on_four_bits(project: Project, spec: RewardSpec) -> bool:
    """Does the reward model that is asked for need its base in 4 bits? Its scale holds on such a base alone."""
    if not spec.by_our_model or (not spec.reward_job and queue.newest_run(project, TrainRewardJob) is None):
        return False
    job = queue.run_of(project, spec.reward_job, TrainRewardJob)
    return job.config.base_bits == "4"


def reward_function(
    context: JobContext, spec: RewardSpec, shared: SharedModel | None, *, needed: bool = True
) -> Generator[Event, None, RewardFunction]:
    """The reward that is asked for; loads our model's adapters into `shared`, or the model made elsewhere.

    Unless it is `needed`, there may be no model: an algorithm that learns from rankings has nothing to score. The gold
    reward that is drawn beside then scores, if there is one.
    """
    gold = golds.find(context.project, spec.gold) if spec.gold else None
    model, job, external, optimised, weight = None, None, None, None, spec.model_weight
    if spec.optimised_gold:
        optimised = gold if spec.optimised_gold == spec.gold else golds.find(context.project, spec.optimised_gold)
    elif spec.rules_only:
        pass
    elif spec.reward_model:
        external = yield from external_of(context, spec.reward_model)
    elif not needed and not spec.reward_job and queue.newest_run(context.project, TrainRewardJob) is None:
        optimised, weight = gold, 1.0
    else:
        assert shared is not None, "our model needs the base"
        job = queue.run_of(context.project, spec.reward_job, TrainRewardJob)
        yield Progress(0, 1, "Loading the reward model")
        queue.adapter_of(context.project, job)  # raises where its weights were damaged
        model = load_run(
            shared, context.project, job.result.adapter, combine=spec.ensemble, variance_weight=spec.variance_weight
        )
    rules = rules_of(context.project, spec.rules)
    return RewardFunction(
        model, job, external, optimised, gold, weight, rules, spec.missing_end_penalty, spec.missing_end
    )
