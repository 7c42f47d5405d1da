"""Whether a work is still wanted: who begins it says how that is found out, and what reads at length asks."""

from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context

Ask = Callable[[], object]

_ask: ContextVar[Ask] = ContextVar("_ask", default=lambda: None)


def heed() -> None:
    """Raise what the work is to end with, where it is not wanted any more."""
    _ask.get()()


def heeding(ask: Ask) -> Context:
    """What is `run` in it, step by step as a generator needs, heeds `ask`, which raises to end it, and whoever was
    heeded before."""
    outer, made = _ask.get(), copy_context()

    def both() -> None:
        outer()
        ask()

    made.run(_ask.set, both)
    return made
