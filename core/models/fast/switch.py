"""The one switch of the hand-written speed-ups of the models.

Each of them is another way to the same numbers. With the switch off, transformers' and peft's own code computes
everything; `tests/core/models/test_switch.py` compares the two. Whoever suspects a speed-up sets `PLUMBLINE_FAST=0`.

| module | instead of | what it saves |
| --- | --- | --- |
| `fused_ops` | peft's LoRA, RMSNorm, softmax over whole logits | passes over memory |
| `varlen` | padded batches with a key-value cache | computing padding, and a prompt for each of its answers |
| `prepacked_linear` | torch's linear layers, while drawing on a CPU | bringing weights into order at each token |
| `cuda_graph` | a token read and drawn kernel by kernel on a GPU | the time of asking for each |
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from core.models.fast.fused_ops import Casts, Scratch, fuse_lora, fuse_norms
from core.models.fast.replaced import Replaced
from core.models.fast.varlen import use_layouts, use_sdpa

#: The environment variable that turns all of them off when it is 0.
VARIABLE = "PLUMBLINE_FAST"


class SpeedUps:
    """What is faster on one model, and the memory that this uses again and again."""

    def __init__(self) -> None:
        self.scratch, self.casts = Scratch(), Casts()
        self.replaced = Replaced()
        self.reads_varlen: bool | None = None
        """Does it give the same states without padding? None while nobody has tried."""


_models: WeakKeyDictionary[Any, SpeedUps] = WeakKeyDictionary()


def enabled() -> bool:
    return os.environ.get(VARIABLE) != "0"


def speed_ups_of(model: Any) -> SpeedUps | None:
    """The speed-ups of a causal model, or None where plain code is to run."""
    return _models.get(model) if enabled() else None


def speed_up(model: Any) -> None:
    """Let a causal model compute faster from now on, if the switch is on. Its weights are frozen and all here."""
    own = _models.setdefault(model, SpeedUps())
    if enabled():
        use_layouts(model)
        fuse_norms(model, own.replaced)


def speed_up_adapters(model: Any) -> None:
    """The same for the adapters that were put on such a model since."""
    if own := speed_ups_of(model):
        fuse_lora(model, own.replaced, own.casts)


@contextmanager
def casts_kept(model: Any) -> Iterator[None]:
    """While this is open, whoever multiplies without gradients casts each of the adapters' weights once: nothing
    learns."""
    own = speed_ups_of(model)
    with own.casts.kept() if own else nullcontext():
        yield


@contextmanager
def disabled() -> Iterator[None]:
    """Plain code while this is open, on the models that are loaded too."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "0"
    for model, own in _models.items():
        use_sdpa(model)
        own.replaced.undo()
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        for model in list(_models):
            speed_up(model)
            speed_up_adapters(model)
