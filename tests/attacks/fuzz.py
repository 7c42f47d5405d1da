"""`python -m tests.attacks.fuzz [--minutes 60] [TARGET ...]`: hostile files for as long as one likes.

With atheris (`pip install atheris`, on Linux and macOS) new bytes are made from what reached new lines of the program;
without it, they are drawn. Each new kind of failure is printed with the bytes that make it again: give them to
`--bytes`. The exit code is 1 if there was one.
"""

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None
LONGEST = 400
HINT = "Without atheris bytes are only drawn, and reach less: `pip install atheris` brings it."


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("targets", nargs="*", metavar="TARGET", help="imports, archive, pack, texts, project, rows")
    found.add_argument("--minutes", type=float, default=60.0, help="For all targets together.")
    found.add_argument("--seed", type=int, default=int(time.time()), help="What is drawn.")
    found.add_argument("--bytes", help="Instead: try these, in hexadecimal, once.")
    found.add_argument("--drawn", action="store_true", help="Do without atheris.")
    return found


def main() -> int:
    options = parser().parse_args()
    root = Path(tempfile.mkdtemp(prefix="plumbline-fuzz-"))
    os.environ |= {"PLUMBLINE_DATA": str(root / "data"), "HOME": str(root / "home"), "HF_HUB_OFFLINE": "1"}
    coverage = atheris is not None and not options.drawn and options.bytes is None
    if coverage:
        with atheris.instrument_imports(include=["core"]):
            from tests.attacks import fuzz_targets
    else:
        from tests.attacks import fuzz_targets
    sandbox = fuzz_targets.Sandbox(root).make()
    fuzz_targets.seeds()
    names = options.targets or list(fuzz_targets.TARGETS)
    if options.bytes is not None:
        for name in names:
            fuzz_targets.try_one(name, bytes.fromhex(options.bytes), sandbox)
        return 0
    found, kept = set[str](), root / "found.txt"
    kept.touch()

    def attempt(name: str, data: bytes) -> None:
        try:
            fuzz_targets.try_one(name, data, sandbox)
        except fuzz_targets.Failed as error:
            if (where := place(error)) not in found:
                found.add(where)
                again = f"python -m tests.attacks.fuzz {name} --bytes {data.hex() or '00'}"
                with kept.open("a") as file:
                    print(f"{error}\n  at {where}\n  {again}", file=file)
                print(f"{error}\n  at {where}\n  {again}", flush=True)

    if coverage:
        guided(names, attempt, options)
    else:
        print(HINT, file=sys.stderr)
        drawn(names, attempt, options)
    print(f"What was found is in {kept}." if kept.stat().st_size else "Nothing was found.")
    return int(kept.stat().st_size > 0)


def place(error: BaseException) -> str:
    """Which failure it is: the last line of the program that it came through."""
    trace = traceback.extract_tb((error.__cause__ or error).__traceback__)
    ours = [frame for frame in trace if "/core/" in frame.filename and "/cli/guarding" not in frame.filename]
    return f"{ours[-1].filename}:{ours[-1].lineno}" if ours else str(error)[:60]


def drawn(names: list[str], attempt: Callable[[str, bytes], None], options: argparse.Namespace) -> None:
    """Bytes by chance, short ones more often: few changes keep most of a file readable."""
    chance, count, began = random.Random(options.seed), 0, time.monotonic()
    while time.monotonic() - began < 60 * options.minutes:
        attempt(chance.choice(names), chance.randbytes(min(int(chance.expovariate(1 / 20)), LONGEST)))
        count += 1
    print(f"{count} files in {(time.monotonic() - began) / 60:.1f} minutes, seed {options.seed}.")


def guided(names: list[str], attempt: Callable[[str, bytes], None], options: argparse.Namespace) -> None:
    """The first byte chooses the target. libFuzzer ends its process, which is a child therefore."""
    if child := os.fork():
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.exit("The fuzzer broke off, of a fault in tests/attacks/fuzz_targets.py or a crash: see above.")
        return
    words = [sys.argv[0], f"-max_total_time={int(60 * options.minutes)}", f"-max_len={LONGEST}"]
    words += [f"-seed={options.seed % 2**31}", "-timeout=0", "-len_control=0", "-verbosity=0"]
    atheris.Setup(words, lambda data: attempt(names[(data[:1] or b"\0")[0] % len(names)], data[1:]))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
