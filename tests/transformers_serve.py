"""A real server of OpenAI's chat API, `transformers serve`, for the tests that may take a minute."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.records import Job

SERVE = "from transformers.cli.transformers import main; import sys; sys.argv[0] = 'transformers'; main()"
STARTING = 240


@contextmanager
def serving(model: object) -> Iterator[tuple[str, Callable[[Callable[[], Job]], Job]]]:
    """Its address, and what asks for a job again and again until it is up."""
    for needed in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(needed, reason="`transformers serve` needs transformers[serving]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["serve", str(model), "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-c", SERVE, *arguments], env=os.environ | {"HF_HUB_OFFLINE": "1"})

    def until_done(ask: Callable[[], Job]) -> Job:
        deadline = time.monotonic() + STARTING
        while (job := ask()).status != "done":
            assert process.poll() is None and time.monotonic() < deadline, job.error
            time.sleep(1)
        return job

    try:
        yield f"http://127.0.0.1:{port}/v1", until_done
    finally:
        process.terminate()
        process.wait()
