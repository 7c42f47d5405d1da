"""Rotary positions of a model's config, and the factors that GGUF keeps for Llama 3.1 and later."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Values = Mapping[str, Any]
#: Gemma 3 has one setting for the layers that see all, and one for those that see a window.
WHOLE, LOCAL = "full_attention", "sliding_attention"


def whole(values: Values) -> dict[str, Any]:
    """The positions' settings in layers that see the whole text; empty for a model without rotary positions."""
    found: dict[str, Any] = values.get("rope_parameters") or {}
    settings: dict[str, Any] = found.get(WHOLE, found)
    return settings


def local(values: Values) -> dict[str, Any] | None:
    """Those of layers that see a window, where they have their own."""
    return (values.get("rope_parameters") or {}).get(LOCAL)


def kinds(values: Values) -> set[str]:
    return {str(each.get("rope_type", "default")) for each in (whole(values), local(values) or {})}


def factors(values: Values, head: int) -> Tensor | None:
    """By what each frequency (head / 2) is divided (Llama 3.1's: long waves by `factor`, short ones not at all, those
    between smoothly); None for plain positions."""
    settings = whole(values)
    if settings.get("rope_type", "default") != "llama3":
        return None
    frequencies = settings["rope_theta"] ** -(torch.arange(0, head, 2, dtype=torch.float64) / head)
    turns = settings["original_max_position_embeddings"] * frequencies / (2 * math.pi)
    low, high = settings["low_freq_factor"], settings["high_freq_factor"]
    share = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 / (share + (1 - share) / settings["factor"])).float()
