"""Scoring texts: the reward of completions beside what the model says of them in detail."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.config.training import TrainRewardJob
from core.events import Event, Note
from core.jobs import queue
from core.jobs.context import JobContext
from core.models.adapters import SharedModel
from core.models.chat import Asked
from core.models.chat_tokens import ChatTokens
from core.models.load import base_of
from core.reward.model import RewardModel, encode
from core.reward.reward_function import RewardFunction, RewardSpec, Weights, on_four_bits, reward_function


@dataclass(frozen=True)
class Verdict:
    """On the N completions of one prompt. `wins` (N, N) is P(row beats column); `columns` are further criteria;
    `spread` is the standard deviation over an ensemble's members, empty for one model."""

    rewards: list[float]
    wins: list[list[float]]
    columns: dict[str, list[float]] = field(default_factory=dict)
    spread: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Judge:
    """A reward function with a model of ours on the base `shared`, or one made elsewhere."""

    reward: RewardFunction
    shared: SharedModel | None = None

    @property
    def model(self) -> RewardModel | None:
        return self.reward.model

    @property
    def job(self) -> TrainRewardJob | None:
        return self.reward.job

    def verdict(self, prompt: Asked, completions: Sequence[str]) -> Verdict:
        """Raises `BadInput` when a completion is longer than the model's context."""
        if (external := self.reward.external) is not None:
            said = external.raw([prompt] * len(completions), completions)
            rewards, raw = self._rewards(external.normalised(said)), torch.tensor(said)
            return Verdict(rewards, torch.sigmoid(raw[:, None] - raw[None, :]).tolist())
        assert self.model is not None
        ids, answers = encode(self.model.shared.base, prompt, completions)
        raw = self.model.raw_scores([ids], [answers])[0]  # (M, N, C)
        normal = self.model.normalised(raw)
        overall = raw[..., 0]
        wins = torch.sigmoid(overall[:, :, None] - overall[:, None, :]).mean(0)
        names = self.model.columns[1:]
        return Verdict(
            self._rewards(self.model.reward(raw)),
            wins.tolist(),
            {name: normal[..., place].mean(0).tolist() for place, name in enumerate(names, 1)},
            normal[..., 0].std(0, correction=0).tolist() if len(normal) > 1 else [],
        )

    def _rewards(self, learned: Tensor) -> list[float]:
        """The rewards of texts, which end where they end; a judge has no rules."""
        return list(self.reward.total(learned, torch.ones_like(learned, dtype=torch.bool)).tolist())

    @property
    def _chat(self) -> ChatTokens:
        if self.reward.external is not None:
            return self.reward.external.chat
        assert self.shared is not None
        return self.shared.base.chat

    @property
    def scaled_by(self) -> str:
        """Whose completions the scale was measured on: `reference`, `ranked` (of these prompts), or nobody's."""
        if self.reward.external is not None:
            return "reference" if self.reward.external.scaled else ""
        return self.model.scaled_by if self.model is not None else ""

    def told(self, *, last: bool = True) -> Iterator[Note]:
        """What was done to prompts on their way to the model."""
        for text in self._chat.notices.due(last=last):
            yield Note(text)

    def close(self) -> None:
        if self.shared is not None:
            self.shared.close()


def judge_of(
    context: JobContext, *, reward_job: int = 0, reward_model: str = "", ensemble: str = "mean",
    begun: Weights | None = None,
) -> Generator[Event, None, Judge]:  # fmt: skip
    """The judge: `reward_model` (made elsewhere), or the run `reward_job` (0 is the newest one). Raises `BadInput`
    where it is not of the weights with which something was `begun`."""
    spec = RewardSpec(reward_job, reward_model, ensemble)
    if reward_model:
        return Judge((yield from reward_function(context, spec, None, begun)))
    queue.run_of(context.project, reward_job, TrainRewardJob)  # before a model is loaded for nothing
    four_bit = on_four_bits(context.project, spec)
    shared = SharedModel((yield from base_of(context, four_bit=four_bit)), report_status=context.report_status)
    try:
        return Judge((yield from reward_function(context, spec, shared, begun)), shared)
    except BaseException:
        shared.close()
        raise
