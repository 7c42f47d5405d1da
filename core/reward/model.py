"""Scores from the base, the adapter `reward` and a scalar head, read at the end token of a completion."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.configs import LoraConfig
from core.models import chat
from core.models.adapters import SharedModel
from core.models.heads import ScalarHead
from core.models.rows import from_lists, hidden_states
from core.store import Project

ADAPTER = "reward"


class RewardModel:
    """Use `score` for text; `forward` for token ids inside `shared.role("reward")`."""

    def __init__(self, shared: SharedModel) -> None:
        self.shared = shared
        self.head = ScalarHead(shared.base.hidden_size).to(shared.base.device)

    @classmethod
    def fresh(cls, shared: SharedModel, config: LoraConfig, *, seed: int) -> "RewardModel":
        model = cls(shared)
        shared.add(ADAPTER, config, seed=seed)
        model.head.zero()
        return model

    @classmethod
    def load(cls, shared: SharedModel, folder: Path) -> "RewardModel":
        """From a run's folder, which holds `reward/` (PEFT) and `head.safetensors`."""
        model = cls(shared)
        shared.load(ADAPTER, folder / ADAPTER)
        model.head.restore(folder / "head.safetensors")
        return model

    def save(self, folder: Path) -> None:
        self.shared.save(ADAPTER, folder / ADAPTER)
        self.head.save(folder / "head.safetensors")

    def adapter_parameters(self) -> list[Any]:
        return self.shared.parameters(ADAPTER)

    def head_parameters(self) -> list[Any]:
        return list(self.head.linear.parameters())

    def forward(self, prompts: list[list[int]], answers: list[list[list[int]]]) -> Tensor:
        """Scores (B,) of each prompt's answers, which end with the end token; call it inside the role `reward`."""
        base = self.shared.base
        rows = from_lists(prompts, answers, base.pad_id, base.device)
        hidden = hidden_states(base.model, rows, through_end=True)
        return self.head(hidden[torch.arange(len(rows), device=base.device), rows.lengths])

    @torch.no_grad()
    def scores(self, prompts: list[list[int]], answers: list[list[list[int]]], *, at_once: int = 4) -> list[Tensor]:
        """Scores of each prompt's answers, on the CPU, `at_once` prompts of similar length at a time."""
        order = sorted(range(len(prompts)), key=lambda g: max(len(answer) for answer in answers[g]))
        found: dict[int, Tensor] = {}
        with self.shared.role(ADAPTER):
            for start in range(0, len(order), at_once):
                chunk = order[start : start + at_once]
                flat = self.forward([prompts[g] for g in chunk], [answers[g] for g in chunk]).cpu()
                found |= dict(zip(chunk, flat.split([len(answers[g]) for g in chunk]), strict=True))
        return [found[g] for g in range(len(prompts))]

    def score(self, prompt: str, completions: list[str]) -> list[float]:
        """Scores of completions of one prompt, in standard deviations of the reference's completions."""
        base = self.shared.base
        answers = [chat.completion_ids(base, text) for text in completions]
        ids = chat.fit(chat.prompt_ids(base, prompt), max(answers, key=len), base.context)
        return [float(value) for value in self.scores([ids], [answers])[0]]


def load_run(shared: SharedModel, project: Project, adapter: str) -> RewardModel:
    """The reward model of a finished `train-reward` run; `adapter` is as its result names it."""
    return RewardModel.load(shared, project.folder / adapter)
