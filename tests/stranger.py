"""A Python that holds torch, transformers and peft and has never heard of Plumbline, in a fork for each program.

Programs that must run in a fresh process share it: to import these three takes seconds.
"""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn


class Stranger:
    def __init__(self, folder: Path) -> None:
        """`folder` is for what the programs print."""
        self._printed = folder / "printed"
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )

    def run(self, program: str, *arguments: object, folder: Path) -> str:
        """What `python -c PROGRAM ARGUMENTS` prints in `folder`. Raises `AssertionError` with it if that fails."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {
            "program": program,
            "arguments": list(map(str, arguments)),
            "folder": str(folder),
            "environment": dict(os.environ),
            "printed": str(self._printed),
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        code = self._process.stdout.readline().strip()
        said = self._printed.read_text(encoding="utf-8")
        assert code == "0", said
        return said

    def close(self) -> None:
        self._process.kill()  # to leave by itself takes it seconds, too
        self._process.communicate()


def _serve() -> None:
    import peft  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(asked: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        printed = os.open(asked["printed"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ |= asked["environment"]
        sys.argv, sys.path[0] = ["-c", *asked["arguments"]], ""
        exec(compile(asked["program"], "<program>", "exec"), {"__name__": "__main__"})
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
