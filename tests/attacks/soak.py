"""What a process takes while it works for long: memory, open files and threads, which are to stay flat."""

import gc
import os
from dataclasses import dataclass, field

import psutil

MEGABYTE = 1 << 20
#: Growth that is none: caches fill, and the allocator gives nothing back.
SLACK = 40 * MEGABYTE


def taken() -> tuple[int, int, int]:
    """Bytes of memory, open files and threads of this process."""
    gc.collect()
    process = psutil.Process()
    files = process.num_fds() if os.name == "posix" else process.num_handles()
    return process.memory_info().rss, files, process.num_threads()


@dataclass
class Watch:
    """What is taken, at each call; `grown` compares what was taken once all is warm with the end."""

    seen: list[tuple[int, int, int]] = field(default_factory=list)

    def look(self) -> None:
        self.seen.append(taken())

    def grown(self) -> str:
        """What grew, in words; empty where nothing did."""
        early, late = self.seen[len(self.seen) // 4], self.seen[-1]
        grew = [
            f"memory by {(late[0] - early[0]) / MEGABYTE:.0f} MB" if late[0] - early[0] > SLACK else "",
            f"files by {late[1] - early[1]}" if late[1] > early[1] + 2 else "",
            f"threads by {late[2] - early[2]}" if late[2] > early[2] + 2 else "",
        ]
        return ", ".join(filter(None, grew))
