"""While a million small objects are made that hold no circles, the collector would look through all of them, and
through what the libraries hold, time and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_objects() -> Iterator[None]:
    """What is made inside is not looked through for circles before it is left."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
