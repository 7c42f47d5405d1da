"""The tiny model, made once, and a way to run a job in this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, KnownError
from core.records import Job, Prompt
from core.store import Project, create_project, prompts
from tests.conftest import copied
from tests.core.kept_bases import kept_base
from tests.stranger import Stranger
from tests.tiny import make_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_llama(tiny_model: Path) -> Path:
    return tiny_model


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("gpt2"), architecture="gpt2")


ARCHITECTURES = ("llama", "gpt2")


@pytest.fixture(params=ARCHITECTURES)
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both architectures: the second has absolute positions, so it sees wrong position ids."""
    return loaded(request, monkeypatch)


def loaded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tiny model of the architecture that is asked for."""
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")  # where the tests' own tensors are; jobs run on a GPU if there is one
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    return kept_base(request.getfixturevalue(f"tiny_{request.param}"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    """Runs programs in a process that has transformers and peft, and nothing of ours."""
    if not hasattr(os, "fork"):
        pytest.skip("children are forked, which this system cannot")
    found = Stranger(tmp_path_factory.mktemp("stranger"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def asking_project(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A project with the tiny model and prompts, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("asking") / "project"
    found = create_project(folder, model=str(tiny_model))
    texts = [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(12)]
    prompts.add(found, texts)
    found.close()
    return folder


@pytest.fixture
def asking(asking_project: Path, tmp_path: Path) -> Iterator[Project]:
    """A project with the tiny model, nine prompts to train on and three held out."""
    with copied(asking_project, tmp_path / "project") as found:
        yield found


@pytest.fixture
def run_job(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Callable[..., Job]:
    """Queue a job as a person does in a project of their own, and run it here, as the worker would."""
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    return runner(tiny_model)


def runner(model: Path) -> Callable[..., Job]:
    """`run_job`, for what several tests share, too. Of `model` it has the base that a worker keeps between jobs."""
    cache: dict[str, Any] = {}

    def run(project: Project, kind: str, config: Any, options: Any = None) -> Job:
        from core import worker
        from core.config.jobs import config_values
        from core.jobs import queue
        from core.runs import wishes
        from core.trust import gate
        from core.trust.registry import ProjectFile
        from core.trust.wish import allow

        if not gate.is_trusted(project):
            gate.made_here(project)
        with suppress(BadInput):  # the worker says it, too
            allow(ProjectFile.of(project), wishes.base(project))
            wishes.choose(project, config)
        if "base" not in cache and project.setting("model") == str(model):
            with suppress(KnownError):  # the job says it
                cache["base"] = kept_base(model)
        job = queue.enqueue(project, kind, config_values(config, options))
        claimed = worker.claim(project)
        assert claimed is not None
        worker.run_job(project, claimed, cache)
        return queue.get(project, job.id)

    return run


@contextmanager
def made_once(folder: Path, model: Path) -> Iterator[tuple[Project, Callable[..., Job]]]:
    """A new project that tests copy, and a way to run jobs in it, with a data folder that nobody else has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_DATA", str(folder / "data"))
        patch.setenv("PLUMBLINE_DTYPE", "float32")
        patch.setenv("HF_HUB_OFFLINE", "1")
        found = create_project(folder / "project", model=str(model))
        yield found, runner(model)
        found.close()
