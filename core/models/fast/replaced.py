"""Modules that compute with another `forward` than their own, until it is taken back."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor, nn


class Replaced:
    """Remembers what each module had before. Holds no module: those that are thrown away meanwhile are forgotten."""

    def __init__(self) -> None:
        self._before: WeakKeyDictionary[nn.Module, Any] = WeakKeyDictionary()

    def __contains__(self, module: nn.Module) -> bool:
        return module in self._before

    def replace(self, module: Any, forward: Callable[..., Tensor]) -> None:
        self._before.setdefault(module, vars(module).get("forward"))
        module.forward = forward

    def undo(self) -> None:
        """Let each compute as it did before: as its class does, or as somebody else had told it to."""
        for module, before in self._before.items():
            if before is None:
                vars(module).pop("forward")
            else:
                vars(module)["forward"] = before
        self._before.clear()
