"""Scores from the base, the adapter `reward` and a scalar head, read at the end token of a completion."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.configs import LoraConfig
from core.models import chat
from core.models.adapters import SharedModel
from core.models.heads import ScalarHead
from core.models.sampling import left_pad, positions
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
        model.head.initialise(seed)
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

    def parameters(self) -> list[Any]:
        return [*self.shared.parameters(ADAPTER), *self.head.linear.parameters()]

    def forward(self, rows: list[list[int]]) -> Tensor:
        """Scores (B,) of rows that end with the end token; left-padded, so the last position is the end."""
        base = self.shared.base
        ids, mask = left_pad(rows, base.pad_id, base.device)
        hidden = self.shared.hidden(ids, mask, positions(mask))
        return self.head(hidden[:, -1])

    @torch.no_grad()
    def score_rows(self, rows: list[list[int]], *, batch: int = 16) -> Tensor:
        """Scores (B,) on the CPU, computed in batches of rows of similar length."""
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        scores = torch.zeros(len(rows))
        with self.shared.role(ADAPTER):
            for start in range(0, len(order), batch):
                chunk = order[start : start + batch]
                scores[chunk] = self.forward([rows[index] for index in chunk]).float().cpu()
        return scores

    def score(self, prompt: str, completions: list[str], *, longest: int | None = None) -> list[float]:
        """Scores of completions of one prompt, in standard deviations of the reference's completions."""
        base = self.shared.base
        ids = chat.prompt_ids(base, prompt)
        limit = longest or base.context
        rows = [chat.fit(ids, chat.completion_ids(base, text), limit) for text in completions]
        return [float(value) for value in self.score_rows(rows)]


def load_run(shared: SharedModel, project: Project, adapter: str) -> RewardModel:
    """The reward model of a finished `train-reward` run; `adapter` is as its result names it."""
    return RewardModel.load(shared, project.folder / adapter)
