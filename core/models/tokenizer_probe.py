"""`python -m core.models.tokenizer_probe FILE`: reads a tokenizer, and a text with it, in a process that may die of it.

A `tokenizer.json` is a program too: its replacements may grow a letter to more than any memory holds, its patterns may
take for ever.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tokenizers import Tokenizer

from core.errors import ModelError, first_line
from core.jobs.launch import ROOT
from core.jobs.limits import limit_memory, limit_seconds
from core.machine import base_models
from core.models import tokenizer_rules

PATIENCE = 60.0
#: Another number when more is refused than before.
RULES = 3
#: What a tokenizer may use, for itself and for each byte of its file. The largest published ones stay below a third.
SECONDS, SECONDS_A_BYTE = 0.8, 5e-7
MEMORY, MEMORY_A_BYTE = 800_000_000, 40
SAMPLE = "".join(map(chr, range(32, 0x250))) + "a" * 200 + " " * 200 + "1" * 200 + "\n" * 20


def check(folder: Path) -> None:
    """Raise a `ModelError` if the folder's tokenizer cannot be read, or reads a text without end.

    That a file was read is remembered by what the file system knows of it, so that a model loads as fast as ever.
    """
    path = folder / "tokenizer.json"
    if path.is_file():
        _check(path, base_models.identity(path), str(path))


def check_made(tokenizer: Tokenizer, folder: Path) -> None:
    """The same for one that was made of the folder's other files, which are only looked at by whoever made it."""
    text = tokenizer.to_str()
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        path = Path(scratch, "tokenizer.json")
        path.write_text(text, "utf-8")
        _check(path, hashlib.sha256(text.encode()).hexdigest(), f"The tokenizer in {folder}")


def _check(path: Path, identity: str, title: str) -> None:
    known = base_models.models_folder() / ".checked" / f"{identity}-{RULES}"
    if known.exists():
        return
    try:
        done = subprocess.run(
            [sys.executable, "-m", "core.models.tokenizer_probe", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | {"TOKENIZERS_PARALLELISM": "false"},
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout.decode(errors="replace").strip() if done.returncode == 1 else ""
        why = said or "it does not end or needs too much memory"
    except subprocess.TimeoutExpired:
        why = "it does not end"
    else:
        if done.returncode == 0:
            with suppress(OSError):
                known.parent.mkdir(parents=True, exist_ok=True)
                known.touch()
            return
    raise ModelError(f"{title} cannot be used ({why}): fetch the model again, or choose another.")


def main() -> int:
    path = Path(sys.argv[1])
    size = path.stat().st_size
    limit_memory(MEMORY + size * MEMORY_A_BYTE)
    limit_seconds(SECONDS + size * SECONDS_A_BYTE)
    try:
        tokenizer = Tokenizer.from_file(str(path))
        parts = json.loads(tokenizer.to_str())
        why = tokenizer_rules.refusal(parts)
        if why is None:
            _try(tokenizer, tokenizer_rules.letters(parts))
    except BaseException as error:  # a panic in it is not an `Exception`
        why = first_line(error)[:200]
    sys.stdout.write(why or "")
    return 1 if why else 0


def _try(tokenizer: Tokenizer, letters: list[str]) -> None:
    for text in (SAMPLE, *(letter * 400 for letter in letters)):
        tokenizer.decode(tokenizer.encode(text).ids)
    tokenizer.encode(SAMPLE, SAMPLE)


if __name__ == "__main__":
    sys.exit(main())
