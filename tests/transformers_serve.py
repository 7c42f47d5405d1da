"""A real server of OpenAI's chat API, `transformers serve`, for the tests that may take a minute."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.endpoints.address import parse
from core.endpoints.server import Server
from core.errors import KnownError
from core.machine import base_models

SERVE = "from transformers.cli.transformers import main; import sys; sys.argv[0] = 'transformers'; main()"
STARTING = 240
#: Looked up before a test has a data folder of its own, in which no model lies.
EMBEDDED = base_models.parse(base_models.EMBEDDED).folder


def embedded() -> Path:
    """The folder of the embedded model of whoever runs the tests; skips where they have none."""
    if not any(EMBEDDED.glob("*.safetensors")):
        pytest.skip(f"the embedded model is not in {EMBEDDED}: bring it there with the command `fetch-model`")
    return EMBEDDED


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """The address of a server of this model, once it answers."""
    for needed in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(needed, reason="`transformers serve` needs transformers[serving]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["serve", str(model), "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen([sys.executable, "-c", SERVE, *arguments], env=os.environ | {"HF_HUB_OFFLINE": "1"})
    address = f"http://127.0.0.1:{port}/v1"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING
    with Server(parse(address)) as server:
        while not _answers(server):
            assert process.poll() is None and time.monotonic() < deadline, "`transformers serve` does not come up"
            time.sleep(0.2)


def _answers(server: Server) -> bool:
    try:
        return bool(server.models())
    except KnownError:
        return False
