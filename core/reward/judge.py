"""Whatever gives a completion its reward, behind one door: a run of ours, or a reward model made elsewhere."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import torch

from core.config.training import TrainRewardJob
from core.errors import BadInput
from core.events import Event
from core.jobs import queue
from core.jobs.context import JobContext
from core.models.adapters import SharedModel
from core.models.load import base_of
from core.records import Job
from core.reward.external import ExternalReward, external_of
from core.reward.model import RewardModel, encode, load_run


@dataclass(frozen=True)
class Verdict:
    """On the N completions of one prompt. `wins` (N, N) is P(row beats column); `columns` are further criteria;
    `spread` is the standard deviation over an ensemble's members, empty for one model."""

    rewards: list[float]
    wins: list[list[float]]
    columns: dict[str, list[float]] = field(default_factory=dict)
    spread: list[float] = field(default_factory=list)


@dataclass
class Judge:
    """One of `model` (with the run that it came from) and `external`."""

    shared: SharedModel | None = None
    model: RewardModel | None = None
    job: TrainRewardJob | None = None
    external: ExternalReward | None = None

    def verdict(self, prompt: str, completions: Sequence[str]) -> Verdict:
        """Raises `BadInput` when a completion is longer than the model's context."""
        if self.external is not None:
            raw = torch.tensor(self.external.raw([prompt] * len(completions), completions))
            rewards = (raw - self.external.mean) / self.external.std
            return Verdict(rewards.tolist(), torch.sigmoid(raw[:, None] - raw[None, :]).tolist())
        assert self.model is not None
        ids, answers = encode(self.model.shared.base, prompt, completions)
        raw = self.model.raw_scores([ids], [answers])[0]  # (M, N, C)
        normal = self.model.normalised(raw)
        overall = raw[..., 0]
        wins = torch.sigmoid(overall[:, :, None] - overall[:, None, :]).mean(0)
        names = self.model.columns[1:]
        return Verdict(
            self.model.reward(raw).tolist(),
            wins.tolist(),
            {name: normal[..., place].mean(0).tolist() for place, name in enumerate(names, 1)},
            normal[..., 0].std(0, correction=0).tolist() if len(normal) > 1 else [],
        )

    @property
    def scaled_by(self) -> str:
        """Whose completions the scale was measured on: `reference`, `ranked` (of these prompts), or nobody's."""
        if self.external is not None:
            return "reference" if self.external.scaled else ""
        return self.model.scaled_by if self.model is not None else ""

    def close(self) -> None:
        if self.shared is not None:
            self.shared.close()


def judge_of(
    context: JobContext, *, reward_job: int = 0, reward_model: str = "", ensemble: str = "mean"
) -> Generator[Event, None, Judge]:
    """The judge: `reward_model` (made elsewhere), or the run `reward_job` (0 is the newest one)."""
    if reward_model:
        if reward_job:
            raise BadInput("Give either --reward-job or --reward-model, not both.")
        return Judge(external=(yield from external_of(context, reward_model)))
    job = queue.run_of(context.project, reward_job, TrainRewardJob)
    shared = SharedModel((yield from base_of(context, four_bit=four_bit(job))), report_status=context.report_status)
    try:
        model = load_run(shared, context.project, job.result.adapter, combine=ensemble)
    except BaseException:
        shared.close()
        raise
    return Judge(shared=shared, model=model, job=job)


def four_bit(job: Job) -> bool:
    """Was the reward model trained on a base in 4 bits? Then its scale holds on such a base alone."""
    return isinstance(job, TrainRewardJob) and job.config.base_bits == "4"
