"""What a process may use that does something with a stranger's file: one that may die of it, or one that must not."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from core.errors import is_out_of_memory

#: Seconds after which it is said again that they are over, which a library may have taken for an error of its own.
AGAIN = 1.0


class Exceeded(Exception):
    """What was done took more than it may; the text says of what."""


def limit_memory(most: int) -> None:
    """`most` bytes, where the system can: what is asked for beyond them is an error in this process alone."""
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_seconds(seconds: float) -> None:
    """Of computing from now on; 0 is no limit. Then it is killed. On Windows whoever waits for it has to do that."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


@contextmanager
def within(seconds: float, memory: int | None) -> Iterator[None]:
    """Raise `Exceeded` for what computes longer, or wants so many bytes of memory beyond those that this process has,
    which lives on.

    Heard between two steps of Python, not within a library's loop. Without the main thread, and on Windows, nothing is
    limited; elsewhere than on Linux only the seconds are.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    over, scarce = False, memory is not None and psutil.virtual_memory().available < memory

    def end(*_: object) -> None:
        nonlocal over
        over = True
        raise Exceeded(_seconds(seconds))

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        with _at_most(memory):
            yield
    except Exception as error:
        if memory is not None and is_out_of_memory(error) and not scarce:
            raise Exceeded(f"{memory / 1e9:.1f} GB of memory") from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, lambda *_: None)  # one that is on its way would end the process
    if over:
        raise Exceeded(_seconds(seconds))


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} seconds of computing"


@contextmanager
def _at_most(memory: int | None) -> Iterator[None]:
    """Bytes beyond those that the process holds. What is only reserved is not counted, of which CUDA takes a lot."""
    if memory is None or sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = psutil.Process().memory_info().data + memory
    if before[0] == resource.RLIM_INFINITY or most < before[0]:
        resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
