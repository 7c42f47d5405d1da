"""Scalar heads on hidden states: float32 linears that live outside peft, saved as safetensors."""

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

    @torch.no_grad()
    def zero(self) -> None:
        """Every score is 0, so a pair's loss starts at exactly ln 2.

        Huang et al. 2024 (detail 11) draw the weights from N(0, 1/(d+1)) instead. With the few hundred
        rankings of a workstation that noise has to be unlearnt first: a 135M model that saw 48 rankings of 8
        completions twice ordered 0.65 of the held-out pairs (its first loss was 0.94) where this start
        gave 0.72, all else equal (one seed).
        """
        self.linear.weight.zero_()
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
