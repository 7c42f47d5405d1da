"""Heads on hidden states: float32 linears that live outside peft."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import ModelError


class RewardHead(nn.Module):
    """hidden states (..., d) -> raw scores (..., C), one column for each criterion; and the tie parameter of each.

    There is no bias: only differences of scores are learnt, and transformers' classification heads have none, so that
    the weights load there as they are. `normalised` gives scores in standard deviations of the reference's completions.
    `per_token` (C,) is what each token of a completion takes off its scores: 0 until `core.reward.length` measures it.
    """

    def __init__(self, hidden_size: int, columns: int = 1) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, columns, bias=False)
        self.tie = nn.Parameter(torch.zeros(columns))
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("std", torch.ones(columns))
        self.register_buffer("per_token", torch.zeros(columns), persistent=False)
        self.mean: Tensor
        self.std: Tensor
        self.per_token: Tensor

    def forward(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """`tokens` (...) are the completions' lengths, with the end token."""
        return self.linear(hidden.float()) - tokens[..., None] * self.per_token

    def normalised(self, raw: Tensor) -> Tensor:
        """(raw - mean) / std, with the numbers of the reference's completions; raw is (..., C), on any device."""
        return (raw - self.mean.to(raw.device)) / self.std.to(raw.device)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Weights from N(0, 1/(d+1)), as in the summarisation work (Stiennon et al. 2020, Huang et al. 2024)."""
        size = self.linear.weight.shape
        self.linear.weight.copy_(torch.randn(size, generator=generator) / (size[1] + 1) ** 0.5)

    @torch.no_grad()
    def zero(self) -> None:
        """Every score is 0, so a pair's loss starts at exactly ln 2.

        There is no noise to unlearn: a 135M model had a held-out log loss of 0.649 from here and of 0.683 from drawn
        weights on 48 prompts of 6 completions; the guide's page on the reward model has the table.
        """
        self.linear.weight.zero_()

    @torch.no_grad()
    def normalise(self, mean: Tensor, std: Tensor) -> None:
        """From now on normalised scores have mean 0 and standard deviation 1 where raw ones had `mean` and `std`."""
        self.mean.copy_(mean)
        self.std.copy_(std.clamp(min=1e-6))


class ScalarHead(nn.Module):
    """hidden states (..., d) -> values (...), saved as safetensors."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.linear(hidden.float()).squeeze(-1)

    @torch.no_grad()
    def zero(self) -> None:
        """Every value is 0."""
        self.linear.weight.zero_()
        self.linear.bias.zero_()

    def save(self, path: Path) -> None:
        save_file({name: value.contiguous().cpu() for name, value in self.state_dict().items()}, path)

    def restore(self, path: Path) -> None:
        """Raises `ModelError` if the file is missing or of another model."""
        try:
            self.load_state_dict(load_file(path))
        except Exception as error:
            raise ModelError(f"{path} is no head for this model: use the base model it was trained on.") from error
