"""Kill -9 at a chosen call to the file system or to SQLite, for whatever can be called.

The operation runs in a child of this process, which dies before its n-th such call, without a word: no `finally` runs,
nothing is flushed. Whoever calls this must have closed what the child opens: a child shares no lock of SQLite's.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Operation = Callable[[], object]

#: Modules whose calls count, and those of their calls that change nothing.
MODULES = {"posix", "nt", "_io", "io", "safetensors_rust"}
LOOKING = {
    "stat", "lstat", "listdir", "scandir", "fspath", "getpid", "close", "fstat", "getcwd", "access", "readlink",
    "urandom", "text_encoding", "isatty", "get_terminal_size", "waitstatus_to_exitcode", "getenv", "umask", "fileno",
}  # fmt: skip
#: What else counts, by the type that it is called on.
METHODS = {
    "Connection": {"execute", "executemany", "close", "commit", "rollback"},
    "BufferedWriter": {"write", "flush", "close"},
    "BufferedRandom": {"write", "flush", "close", "truncate"},
    "TextIOWrapper": {"write", "flush", "close"},
    "FileIO": {"write", "close"},
}
KILLED = 137


def _counts(called: Any) -> bool:
    name = getattr(called, "__name__", "")
    owner = type(getattr(called, "__self__", None)).__name__
    if owner in METHODS:
        return name in METHODS[owner]
    return getattr(called, "__module__", "") in MODULES and name not in LOOKING


def _child(operation: Operation, at: int | None, tell: int) -> None:
    """Never returns."""
    seen = 0

    def watch(frame: Any, event: str, called: Any) -> None:
        nonlocal seen
        if event == "c_call" and _counts(called):
            seen += 1
            if seen == at:
                os._exit(KILLED)

    code = 1
    try:
        sys.setprofile(watch)
        operation()
        sys.setprofile(None)
        os.write(tell, str(seen).encode())
        code = 0
    except BaseException as error:
        sys.setprofile(None)
        os.write(tell, f"{type(error).__name__}: {error}".encode(errors="replace"))
    finally:
        os._exit(code)


def _run(operation: Operation, at: int | None) -> tuple[int, str]:
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(read)
        _child(operation, at, write)
    os.close(write)
    said = b"".join(iter(lambda: os.read(read, 4096), b"")).decode()
    os.close(read)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def count(operation: Operation) -> int:
    """How many calls it makes before which it can be killed, when it is let run to its end."""
    code, said = _run(operation, None)
    assert code == 0, f"it failed although nobody killed it: {said}"
    return int(said)


def killed(operation: Operation, at: int) -> bool:
    """Run it in a child that dies before its `at`-th call; False if it had come to its end by then."""
    code, said = _run(operation, at)
    assert code in (0, KILLED), f"killed before its call {at}, it failed first: {said}"
    return code == KILLED


def moments(chance: random.Random, total: int, most: int | None = None) -> list[int]:
    """Some of the moments 1 to `total`, or all of them."""
    every = range(1, total + 1)
    return list(every) if most is None else sorted(chance.sample(every, min(most, total)))


def tree(*folders: Path) -> dict[str, bytes | None]:
    """Every file with its content, every folder with None, whatever hides there."""
    return {str(path): path.read_bytes() if path.is_file() else None for folder in folders for path in _below(folder)}


def _below(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        yield from (Path(base, name) for name in (*folders, *names))
