"""Optimizer state as safetensors: enough to go on bit for bit, and no pickle."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def save_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Write every tensor of the optimizer's state, named by parameter number and field."""
    state = optimizer.state_dict()["state"]
    tensors = {
        f"{number}.{name}": torch.as_tensor(value).detach().contiguous().cpu()
        for number, fields in state.items()
        for name, value in fields.items()
    }
    save_file(tensors, path)


def load_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Restore what `save_optimizer` wrote; the optimizer must hold the same parameters in the same order."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in load_file(path).items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def adamw(
    *groups: tuple[list[Any], float], betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-5
) -> torch.optim.AdamW:
    """AdamW over (parameters, learning rate) groups, without weight decay and unless told otherwise with eps 1e-5, as
    in the summarisation work (Huang et al. 2024, detail 16)."""
    found = [{"params": parameters, "lr": rate, "peak_lr": rate} for parameters, rate in groups]
    return torch.optim.AdamW(found, betas=betas, eps=eps, weight_decay=0.0)


def scale_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to `factor` times its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
