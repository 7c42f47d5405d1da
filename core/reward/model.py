"""Scores from the base with LoRA adapters and a head on each, read at the end token of a completion.

Usually there is one adapter, `reward`. An ensemble has `reward1`, `reward2` ... beside it, on the same base; they see
the same data in another order from other starts, and where they disagree nothing is known (Coste et al. 2023,
arXiv 2310.02743). Each column of the head is a criterion; the first is the overall one, and it is the reward.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.config.training import LoraConfig
from core.errors import ModelError, is_out_of_memory
from core.machine.model_files import read_json
from core.models import chat, devices
from core.models.adapters import SharedModel
from core.models.chat import Asked
from core.models.fingerprint import tokenizer_hash
from core.models.heads import RewardHead
from core.models.load import Base
from core.models.rows import Ids
from core.models.seeds import generator
from core.models.states import last_states
from core.preferences.judged_groups import OVERALL
from core.store import Project
from core.store.files.inside import check_own, inside

ADAPTER = "reward"
ABOUT = "reward.json"
#: An adapter's name, which is also its folder's, and never that of another role.
MEMBER = re.compile(r"(reward|curve)\d*")
MOST_MEMBERS = 1000
#: A spread that can be divided by.
SMALLEST_STD = 1e-6
#: A score that can be computed with.
LARGEST = 1e18
WORDS = {"tokenizer": "tokenizer", "base": "base model", "weights": "base model"}
#: Tokens in one forward pass where nothing has to be kept for a backward pass.
TOKENS = 2048

LESS_VARIANCE = "mean-minus-variance"
#: Ways to make one reward (B,) of the members' normalised scores (M, B), and of the weight of their variance.
COMBINE: dict[str, Callable[[Tensor, float], Tensor]] = {
    "mean": lambda scores, _: scores.mean(0),
    "worst": lambda scores, _: scores.amin(0),
    LESS_VARIANCE: lambda scores, weight: scores.mean(0) - weight * scores.var(0, correction=0),
}
#: The scale of the members' variance stands beside those of the ways.
VARIANCE = "variance"


@dataclass(frozen=True)
class Member:
    adapter: str
    head: RewardHead


class RewardModel:
    """`raw_scores` reads texts; `reward` makes one reward of them, on the scale of the reference's completions."""

    def __init__(
        self, shared: SharedModel, columns: Sequence[str] = (OVERALL,), *, combine: str = "mean",
        variance_weight: float = 1.0,
    ) -> None:  # fmt: skip
        self.shared = shared
        self.columns = tuple(columns)
        self.combine, self.variance_weight = combine, variance_weight
        self.members: list[Member] = []
        self.scaled_by = ""
        self.combined: dict[str, tuple[float, float]] = {}

    @cached_property
    def identity(self) -> dict[str, str]:
        """What tells its tokenizer and its base from others."""
        base = self.shared.base
        return {"tokenizer": tokenizer_hash(base.tokenizer), **asdict(base.identity)}

    def add(self, adapter: str, config: LoraConfig, *, seed: int, head_init: str = "normal") -> Member:
        """A fresh member."""
        self.shared.add(adapter, config, seed=seed)
        member = Member(adapter, self._head())
        if head_init == "zero":
            member.head.zero()
        else:
            member.head.draw(generator(seed, "head"))
        self.members.append(member)
        return member

    def _head(self) -> RewardHead:
        return RewardHead(self.shared.base.hidden_size, len(self.columns)).to(self.shared.base.device)

    @classmethod
    def load(
        cls, shared: SharedModel, folder: Path, *, combine: str = "mean", variance_weight: float = 1.0
    ) -> "RewardModel":
        """From a run's folder, which holds one PEFT folder for each member.

        Raises `ModelError` if it is damaged, of an older kind, or of another base or tokenizer.
        """
        about = _about(folder / ADAPTER)
        model = cls(shared, about["columns"], combine=combine, variance_weight=variance_weight)
        for what, known in model.identity.items():
            if about.get(what) not in (None, known):
                raise ModelError(
                    f"The reward model in {folder} was trained with another {WORDS[what]} than that of this project, "
                    f"{shared.base.spec.title}: choose the base model it was trained on, or train it again."
                )
        model.scaled_by = about.get("scaled_by", "")
        model.combined = {name: (found[0], found[1]) for name, found in about.get("combined", {}).items()}
        if combine == LESS_VARIANCE and variance_weight != 1 and model.combined and VARIANCE not in model.combined:
            raise ModelError(
                f"The ensemble in {folder} comes from a version that measured its scale for a variance weight of 1 "
                "alone: leave --variance-weight at 1, or train it again."
            )
        for adapter in about["members"]:
            model.load_member(adapter, inside(folder, adapter))
        return model

    def load_member(self, adapter: str, folder: Path) -> Member:
        about = _about(folder)
        weight = self.shared.load(adapter, folder)
        head = self._head()
        if weight is None or weight.shape != head.linear.weight.shape:
            raise ModelError(f"The head in {folder} does not fit this model: use the base model it was trained on.")
        with torch.no_grad():
            head.linear.weight.copy_(weight)
            head.tie.copy_(torch.tensor(about["tie"]))
            head.normalise(torch.tensor(about["mean"]), torch.tensor(about["std"]))
            head.per_token.copy_(torch.tensor(about.get("per_token", [0.0] * len(self.columns))))
        member = Member(adapter, head)
        self.members.append(member)
        return member

    def save(self, folder: Path) -> None:
        """Each member as a PEFT folder for sequence classification, with what is known of it in `reward.json`."""
        for member in self.members:
            self.shared.save(member.adapter, folder / member.adapter, head=member.head.linear.weight)
            about = {
                "columns": self.columns,
                "members": [item.adapter for item in self.members],
                "mean": member.head.mean.tolist(),
                "std": member.head.std.tolist(),
                "tie": member.head.tie.tolist(),
                "per_token": member.head.per_token.tolist(),
                "scaled_by": self.scaled_by,
                "combined": self.combined,
                "title": self.shared.base.spec.title,
            } | self.identity
            (folder / member.adapter / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    def state(self, member: Member) -> dict[str, Tensor]:
        """All that a member has learnt; see `restore`."""
        head = {f"head.{key}": value for key, value in member.head.state_dict().items()}
        return self.shared.state(member.adapter) | head

    def restore(self, member: Member, state: dict[str, Tensor]) -> None:
        """Go back to what `state` gave."""
        head = {key.removeprefix("head."): value for key, value in state.items() if key.startswith("head.")}
        member.head.load_state_dict(head)
        self.shared.restore(member.adapter, {k: v for k, v in state.items() if not k.startswith("head.")})

    def parameters(self, member: Member) -> tuple[list[Any], list[Any]]:
        """Weights of the adapter, and of the head."""
        return self.shared.parameters(member.adapter), list(member.head.parameters())

    def raw(self, member: Member, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]]) -> Tensor:
        """Raw scores (B, C) of each prompt's answers, which end with the end token; call it in the member's role."""
        base = self.shared.base
        tokens = torch.tensor([len(answer) for group in answers for answer in group], device=base.device)
        return member.head(last_states(base.model, prompts, answers, base.pad_id, base.device), tokens)

    @torch.no_grad()
    def raw_scores(
        self, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], *, only: Member | None = None
    ) -> list[Tensor]:
        """Raw scores (M, N, C) of each prompt's N answers by every member (or `only` one), on the CPU."""
        lengths = [len(prompt) + sum(map(len, group)) for prompt, group in zip(prompts, answers, strict=True)]
        found: dict[int, list[Tensor]] = {}
        for member in [only] if only else self.members:
            with self.shared.role(member.adapter):
                parts = by_length(lengths, TOKENS)
                for number, part in enumerate(parts, start=1):
                    self.shared.report_status("Scoring completions", "part", number, len(parts))
                    for g, scores in zip(part, self._some(member, prompts, answers, part), strict=True):
                        found.setdefault(g, []).append(scores)
        return [torch.stack(found[g]) for g in range(len(prompts))]

    def _some(
        self, member: Member, prompts: Sequence[Ids], answers: Sequence[Sequence[Ids]], part: list[int]
    ) -> list[Tensor]:
        """Raw scores (N, C) of the prompts in `part`; half of them at a time where memory does not suffice."""
        try:
            flat = self.raw(member, [prompts[g] for g in part], [answers[g] for g in part]).cpu()
            return list(flat.split([len(answers[g]) for g in part]))
        except Exception as error:
            if not is_out_of_memory(error) or len(part) == 1:
                raise
        devices.release(self.shared.base.device)
        half = len(part) // 2
        return [
            *self._some(member, prompts, answers, part[:half]),
            *self._some(member, prompts, answers, part[half:]),
        ]

    def reward(self, raw: Tensor) -> Tensor:
        """The reward (..., N), normalised and combined over members, of raw scores (M, ..., N, C) on any device."""
        mean, std = self._scale()
        return (COMBINE[self.combine](self.normalised(raw)[..., 0], self.variance_weight) - mean) / std

    def _scale(self) -> tuple[float, float]:
        """Mean and standard deviation of combined rewards.

        Those of mean - w variance follow for any w from what was measured of the two and, which gives their covariance,
        at w = 1: Var(a - w b) = Var a + w^2 Var b - 2 w Cov(a, b).
        """
        combined, w = self.combined, self.variance_weight
        if self.combine != LESS_VARIANCE or w == 1 or not combined:
            return combined.get(self.combine, (0.0, 1.0))
        (a, a_std), (b, b_std), (_, both) = (combined[name] for name in ("mean", VARIANCE, LESS_VARIANCE))
        twice_covariance = a_std**2 + b_std**2 - both**2
        variance = a_std**2 + w**2 * b_std**2 - w * twice_covariance
        return a - w * b, max(variance, SMALLEST_STD**2) ** 0.5

    def measure_combined(self, raw: Tensor) -> None:
        """Put an ensemble's combined rewards on the same scale, by raw scores (M, B, C) of the same completions."""
        if len(self.members) > 1:
            overall = self.normalised(raw)[..., 0]
            found = {name: combine(overall, 1.0) for name, combine in COMBINE.items()}
            for name, values in (found | {VARIANCE: overall.var(0, correction=0)}).items():
                self.combined[name] = (float(values.mean()), max(float(values.std(correction=0)), SMALLEST_STD))

    def normalised(self, raw: Tensor) -> Tensor:
        """Scores (M, ..., C) in standard deviations of the reference's completions, member by member."""
        return torch.stack([member.head.normalised(scores) for member, scores in zip(self.members, raw, strict=True)])


def by_length(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices in bins of similar length with at most `tokens` in each, or a single one that is longer."""
    bins: list[list[int]] = []
    filled = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not bins or filled + lengths[index] > tokens:
            bins.append([])
            filled = 0
        bins[-1].append(index)
        filled += lengths[index]
    return bins


def encode(base: Base, prompt: Asked, completions: Sequence[str], name: int | None = None) -> tuple[Ids, list[Ids]]:
    """Token ids of a prompt and what is judged of its completions, in the model's context: the prompt loses turns where
    that is too small.

    Raises `BadInput` when a completion alone is too long.
    """
    answers = [chat.judged_ids(base, text) for text in completions]
    return chat.beside(base, prompt, max(map(len, answers)), base.context, name), answers


def load_run(
    shared: SharedModel, project: Project, adapter: str, *, combine: str = "mean", variance_weight: float = 1.0
) -> RewardModel:
    """The reward model of a finished `train-reward` run; `adapter` is as its result names it."""
    folder = check_own(project.folder, adapter)
    return RewardModel.load(shared, folder, combine=combine, variance_weight=variance_weight)


def _about(folder: Path) -> dict[str, Any]:
    """What a reward model's folder says of it. Raises `ModelError` unless it is of the kind that `save` writes."""
    try:
        about = read_json(folder / ABOUT)
        columns, members = about["columns"], about["members"]
        plain = all(isinstance(name, str) for name in columns) and all(MEMBER.fullmatch(name) for name in members)
        numbers = [about[name] for name in ("tie", "mean", "std")]
        numbers.append(about.get("per_token", [0.0] * len(columns)))
        numbers += [[mean, std] for mean, std in about.get("combined", {}).values()]
        plain = plain and all(isinstance(number, int | float) for row in numbers for number in row)
        plain = plain and all(abs(number) < LARGEST for row in numbers for number in row)
        plain = plain and all(number > 0 for number in (*about["std"], *(row[1] for row in numbers[4:])))
        plain = plain and isinstance(about.get("scaled_by", ""), str)
        few = 0 < len(members) <= MOST_MEMBERS and len(columns) <= MOST_MEMBERS and len(set(members)) == len(members)
        if not plain or not few or any(len(row) != len(columns) for row in numbers[:4]):
            raise ValueError("its description is of another kind")
        return about
    except (ModelError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{folder} holds no reward model that this version can read: train one again, or choose another run."
        ) from error
