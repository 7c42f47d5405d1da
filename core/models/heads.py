"""Scalar heads on hidden states: float32 linears that live outside peft, saved as safetensors."""

import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import ModelError


class ScalarHead(nn.Module):
    """hidden states (..., d) -> scores (...): `(w . h + b - mean) / std`, with `mean` and `std` set after training."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, 1)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))
        self.mean: Tensor
        self.std: Tensor

    def forward(self, hidden: Tensor) -> Tensor:
        raw = self.linear(hidden.float()).squeeze(-1)
        return (raw - self.mean) / self.std

    def initialise(self, seed: int) -> None:
        """Weights from N(0, 1/(d+1)) and no bias (Stiennon et al. 2020; Huang et al. 2024, detail 11)."""
        generator = torch.Generator().manual_seed(seed)
        size = self.linear.in_features
        with torch.no_grad():
            weight = torch.randn(1, size, generator=generator) / math.sqrt(size + 1)
            self.linear.weight.copy_(weight)
            self.linear.bias.zero_()

    @torch.no_grad()
    def normalise(self, mean: float, std: float) -> None:
        """From now on scores have mean 0 and standard deviation 1 where raw ones had `mean` and `std`."""
        self.mean.fill_(mean)
        self.std.fill_(max(std, 1e-6))

    def save(self, path: Path) -> None:
        save_file({name: value.contiguous().cpu() for name, value in self.state_dict().items()}, path)

    def restore(self, path: Path) -> None:
        """Raises `ModelError` if the file is missing or of another model."""
        try:
            self.load_state_dict(load_file(path))
        except Exception as error:
            raise ModelError(f"{path} is no head for this model: use the base model it was trained on.") from error
