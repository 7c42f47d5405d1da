"""What a process may use that does something with a stranger's file, and may die of it."""

import signal
import sys
from contextlib import suppress


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
