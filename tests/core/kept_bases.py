"""Base models that tests share: each is loaded once, and anew after a test that left it otherwise than it was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config.chat import DEFAULT
from core.machine import base_models


@dataclass(frozen=True)
class Kept:
    """A base, and what it was when it came from its files."""

    base: Any
    weights: dict[str, Any]
    shape: Any

    @property
    def is_as_it_was(self) -> bool:
        import torch

        now = dict(self.base.model.named_parameters())
        return (
            now.keys() == self.weights.keys()
            and _shape(self.base.model) == self.shape
            and all(torch.equal(weight, self.weights[name]) for name, weight in now.items())
        )


_kept: dict[Any, Kept] = {}


def kept_base(folder: Path) -> Any:
    """The model of a folder whose files no test changes, where and as the surroundings ask for it now."""
    from core.models.devices import placement
    from core.models.load import load

    spec = base_models.parse(str(folder))
    key = (spec, placement())
    if key not in _kept or not _kept[key].is_as_it_was:
        base = load(spec)
        weights = {name: weight.detach().clone() for name, weight in base.model.named_parameters()}
        _kept[key] = Kept(base, weights, _shape(base.model))
    return _kept[key].base.with_settings(DEFAULT)


def _shape(model: Any) -> Any:
    """All but the numbers that a test might leave changed."""
    from core.models.fast.switch import speed_ups_of

    modules = [(name, type(module), sorted(vars(module)), module.training) for name, module in model.named_modules()]
    learns = [weight.requires_grad or weight.grad is not None for weight in model.parameters()]
    own = speed_ups_of(model)
    return modules, learns, model.config.to_dict(), None if own is None else own.reads_varlen
