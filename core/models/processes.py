"""Several processes on one job, by Accelerate: `accelerate launch main.py train-policy ...`.

Each holds the adapters and the base, or with `--use_fsdp` a part of the base. Rollouts are drawn and scored in shares,
put together, and every process then learns from the whole batch: it computes the gradient of its share, and the sum
over all is what each steps down. The same seeds draw the same tokens however many processes there are.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from core.errors import KnownError
from core.jobs.process_group import LocalProcessGroup
from core.models.devices import placement
from core.models.sharding import BACKWARD, FORWARD, NOTHING, Turns, shard

#: How long one waits for another, which may be fetching a model.
PATIENCE = timedelta(hours=12)
GONE = "Another process of this run has ended, and its output says why: resume the run, it goes on from its checkpoint."


@contextmanager
def others() -> Iterator[None]:
    """Say what a connection that was closed means."""
    try:
        yield
    except RuntimeError as error:
        raise KnownError(GONE) from error


class Processes(LocalProcessGroup):
    """What `accelerate launch` started. Raises `KnownError` when one of the others is gone."""

    def __init__(self) -> None:
        self.state = PartialState(cpu=placement().device.type == "cpu", timeout=PATIENCE)
        self.rank, self.size = self.state.process_index, self.state.num_processes
        self.sharded = os.environ.get("ACCELERATE_USE_FSDP") == "true"
        self.turns: Turns | None = None

    def spread(self, model: Any, device: Any) -> None:
        if self.sharded:
            self.turns = shard(model, device, self.size, self._due)
        model.to(device)

    def _due(self, wanted: int) -> int:
        """What all processes do next: forward if one wants that, else backward, and nothing when none wants either."""
        wishes = torch.tensor([wanted == FORWARD, wanted == BACKWARD], dtype=torch.int32, device=self.state.device)
        with others():
            torch.distributed.all_reduce(wishes, torch.distributed.ReduceOp.MAX)
        forward, backward = wishes.tolist()
        return FORWARD if forward else BACKWARD if backward else NOTHING

    def _together(self) -> None:
        """Wait here until all processes do, and help them meanwhile."""
        if self.turns:
            self.turns.take(NOTHING)

    def agreed(self, value: Any) -> Any:
        self._together()
        with others():
            return broadcast_object_list([value])[0]

    def gathered(self, value: Any) -> list[Any]:
        self._together()
        with others():
            return list(gather_object([value]))

    def add_gradients(self, weights: Iterable[Any]) -> None:
        everything = list(weights)
        has = self.gathered([weight.grad is not None for weight in everything])
        learns = [weight for number, weight in enumerate(everything) if any(part[number] for part in has)]
        flat = torch.cat([(torch.zeros_like(x) if x.grad is None else x.grad).flatten() for x in learns])
        with others():
            torch.distributed.all_reduce(flat)
        for weight, part in zip(learns, flat.split([weight.numel() for weight in learns]), strict=True):
            weight.grad = part.view_as(weight).clone()

    def close(self) -> None:
        self.state.destroy_process_group()
