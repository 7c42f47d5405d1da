"""Python's garbage collector, kept from looking for circles while it would only be in the way: while a million small
objects are made that hold none, or a CUDA graph is captured, which the end of another one would break."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """What is made inside is not looked through for circles before it is left."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
