"""Fixtures for all tests: nobody's own data is touched, nothing reaches for a network."""

import gc
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from core.events import NewCompletion
from core.records import Prompt
from core.store import Project, completions, create_project, guidelines, open_project, prompts
from core.trust import gate, registry
from tests.loopback_hub import hub as hub

# Two test processes share two cores: threads of torch that wait for each other would take them all. Set before torch
# is imported, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where Python was told to keep no compiled files, each of the many processes that tests start would compile all of the
# program anew, and each run all of the tests: a minute of two.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The tests make thousands of small files, and the program waits until each is on disk: in memory that is a third of the
# time. What is killed here is a process, never the machine, so that nothing is tested less.
MEMORY, ROOM = Path("/dev/shm"), 4e9
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# What is read before the first test stays: to look through all of it for garbage again and again takes seconds.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


TEXTS = ("a short answer", "a much longer and kinder answer for you", "no", "perhaps you could try again tomorrow")


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own for each test, and no hub, nor a token for one."""
    data = tmp_path_factory.mktemp("data")
    (data / "models").mkdir()
    checked = tmp_path_factory.getbasetemp() / "checked"  # which tokenizers were read: the same few in all tests
    checked.mkdir(exist_ok=True)
    (data / "models" / ".checked").symlink_to(checked)
    monkeypatch.setenv("PLUMBLINE_DATA", str(data))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # A worker that a test runs in this process would leave it, and all tests after it, the last to get a core.
    monkeypatch.setattr(os, "nice", lambda _: 0, raising=False)
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("HF_TOKEN_PATH", os.devnull)


@pytest.fixture
def chance() -> random.Random:
    """Draws that differ from run to run. A failure shows the seed; `PLUMBLINE_TEST_SEED` draws the same again."""
    seed = int(os.environ.get("PLUMBLINE_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"PLUMBLINE_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("projects") / "empty"
    create_project(folder, "Test project").close()
    return folder


@pytest.fixture(scope="session")
def filled_project(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with guidelines, prompts and completions, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("projects") / "filled"
    shutil.copytree(empty_project, folder)
    found = open_project(folder)
    guidelines.save(
        found,
        criteria="Be kind.",
        ties="Rarely.",
        flags="- unsafe: harms somebody\n- broken: garbled",
        examples="None.",
    )
    prompts.add(found, [Prompt(0, f"question {i}?", ("test",), "heldout" if i > 4 else "train") for i in range(1, 7)])
    for prompt in prompts.listed(found):
        rows = tuple(NewCompletion(f"{text} {prompt.id}", len(text.split()), True, 0) for text in TEXTS)
        completions.add_group(found, prompt.id, rows)
    found.close()
    return folder


@contextmanager
def copied(source: Path, folder: Path) -> Iterator[Project]:
    """An open copy of a project. It waits for no disk: tests kill processes, and never cut the power."""
    shutil.copytree(source, folder)
    found = open_project(folder, synchronous="OFF")
    with pytest.MonkeyPatch.context() as patch:  # nobody else is in this data folder yet
        patch.setattr(registry, "_alone", nullcontext)
        patch.setattr(registry, "_write", _write)
        gate.made_here(found)
    yield found
    found.close()


def _write(path: Path, values: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """An open project of the test's own: empty, unless the test asks for `filled`, too, which is the same one then."""
    source = "filled_project" if "filled" in request.fixturenames else "empty_project"
    with copied(request.getfixturevalue(source), tmp_path / "project") as found:
        yield found


@pytest.fixture
def filled(project: Project) -> Project:
    """Guidelines with two flags, six prompts (two held out), four completions for each; nothing ranked."""
    return project


@pytest.fixture
def plumbline(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process, which starts no worker; returns (exit code, stdout, stderr)."""
    from core import cli
    from core.jobs import launch

    monkeypatch.setattr(launch, "ensure_worker", lambda folder, **_: None)

    def run(*arguments: object) -> tuple[int, str, str]:
        exit_code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exit_code, captured.out, captured.err

    return run
