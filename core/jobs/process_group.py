"""The processes that work on one job together. Here is the group of one; `core.models.processes` has several.

Every process runs the same job and sees the same events. What differs is the share of a batch that each computes;
what they find is put together before anything is decided, so that all of them decide the same.
"""

from collections.abc import Iterable
from typing import Any


class LocalProcessGroup:
    """The only process."""

    rank = 0
    size = 1
    sharded = False
    """Does each process hold only a part of the base?"""

    @property
    def main(self) -> bool:
        """Is this the process that writes to the project?"""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of `count` things, in the order of the processes."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def spread(self, model: Any, device: Any) -> None:
        """Bring a frozen model to a device: all of it, or this process's part."""
        model.to(device)

    def agreed(self, value: Any) -> Any:
        """The main process's value, in every process."""
        return value

    def gathered(self, value: Any) -> list[Any]:
        """Every process's value, in every process."""
        return [value]

    def add_gradients(self, weights: Iterable[Any]) -> None:
        """Let each weight's gradient be the sum over the processes."""

    def summed(self, numbers: dict[str, float]) -> dict[str, float]:
        """The sum over the processes of the numbers of each name."""
        parts = self.gathered(numbers)
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


LOCAL = LocalProcessGroup()
