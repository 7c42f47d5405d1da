"""What a project of a million completions and 200,000 rankings takes: each line in a process of its own, through the
doors that people use, with its processor time and its peak memory.

`--keep` names a folder where the project is left, and found again. Processor time is what can be told on a machine
that does other things, too; for the window it is that of its own thread, which is what a person waits for.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.collector import uncollected
from core.config.training import TrainRewardConfig
from core.events import Metrics
from core.jobs.context import JobContext
from core.labeling import pack
from core.projects import archive
from core.store import DATABASE, Project, open_project, pairs, prompts
from core.trust import gate
from tests.benchmarks import scale_project
from tests.jobs import add_job
from tests.tiny import make_tiny_model

COMPLETIONS, RANKINGS = 1_000_000, 200_000
#: Rankings of the other project, whose training is followed for so many steps.
FLAT, STEPS = 60_000, 80
#: Tokens that the tiny model reads, to which a letter is one.
CONTEXT = 4096
SEARCHED = ("ban kest", "99", "nuver to mi", "zzz", "tag7", "ke", "e")
Lines = dict[str, float]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as passing:
        place = options.keep or Path(passing)
        os.environ["PLUMBLINE_DATA"] = str(place / "data")
        found: dict[str, Any] = {"completions": COMPLETIONS, "rankings": RANKINGS}
        for name, size in {"large": (COMPLETIONS, RANKINGS), "flat": (FLAT * 4, FLAT)}.items():
            if not (place / name).exists():
                build(place / name, place / "tiny", *size)
        found["megabytes"] = (place / "large" / DATABASE).stat().st_size / 1e6
        for name in STEPS_OF:
            found |= in_a_process(name, place / ("flat" if name == "flat" else "large"))
        return found


def build(folder: Path, model: Path, completions: int, rankings: int) -> None:
    if not model.exists():
        make_tiny_model(model)
        config = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": CONTEXT}))
    with closing(scale_project.build(folder, completions=completions, rankings=rankings)) as project:
        project.set_setting("model", str(model))
        gate.made_here(project)
    print(f"built {completions:,} completions and {rankings:,} rankings", file=sys.stderr)


def in_a_process(name: str, folder: Path) -> Lines:
    """What a step says of itself, and what its process took."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scale", name, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr}")
    found: Lines = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in found.items()), file=sys.stderr)
    return {f"{name}_{key}": value for key, value in found.items()}


# --- the steps -----------------------------------------------------------------------------------------------------


def timed(step: Callable[[], object], clock: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """Processor time and wall time of a step, in seconds."""
    began, at = clock(), time.perf_counter()
    step()
    return clock() - began, time.perf_counter() - at


def opening(folder: Path) -> Lines:
    cpu, wall = timed(lambda: open_project(folder).close())
    return {"cpu_seconds": cpu, "seconds": wall}


def counting(folder: Path) -> Lines:
    with closing(open_project(folder)) as project:
        cpu, wall = timed(lambda: pairs.counts(project))
        return {"cpu_seconds": cpu, "seconds": wall}


def searching(folder: Path) -> Lines:
    """The slowest of some searches, with the rows that are painted first."""

    def search(project: Project, text: str) -> None:
        prompts.lines(project, prompts.ids(project, search=text)[:128])

    with closing(open_project(folder)) as project:
        found = [timed(lambda text=text: search(project, text)) for text in SEARCHED]
    return {"cpu_ms": 1000 * max(cpu for cpu, _ in found), "ms": 1000 * max(wall for _, wall in found)}


def training(folder: Path) -> Lines:
    """Until the first step of a reward model is done; the model is a tiny one, so that this is what the rankings
    take."""
    with closing(open_project(folder)) as project:
        cpu, wall = timed(lambda: next(_metrics(project)))
        return {"cpu_seconds": cpu, "seconds": wall}


def flat(folder: Path) -> Lines:
    """Resident memory a tenth into the steps, and at their end."""
    import psutil

    with closing(open_project(folder)) as project:
        memory = []
        for step in _metrics(project):
            if step in (STEPS // 10, STEPS):
                memory.append(psutil.Process().memory_info().rss / 1e6)
            if step == STEPS:
                break
    return {"megabytes_early": memory[0], "megabytes_late": memory[1]}


def _metrics(project: Project) -> Iterator[int]:
    """The steps of a run of `train-reward` with all defaults, as they are done."""
    with uncollected():  # as the worker does
        from core.reward import train_job

    config = TrainRewardConfig()
    job = add_job(project, config, status="stopped")
    for event in train_job.run(JobContext(project, job.id, config)):
        if isinstance(event, Metrics):
            yield event.step


def packing(folder: Path) -> Lines:
    with closing(open_project(folder)) as project, tempfile.TemporaryDirectory() as out:
        cpu, wall = timed(lambda: pack.pack(project, Path(out) / "one.plumbline-pack", "labeler 1"))
        return {"cpu_seconds": cpu, "seconds": wall}


def archiving(folder: Path) -> Lines:
    with closing(open_project(folder)) as project, tempfile.TemporaryDirectory() as out:
        cpu, wall = timed(lambda: archive.archive(project, Path(out) / "one.plumbline.zip"))
        return {"cpu_seconds": cpu, "seconds": wall}


def exporting(folder: Path) -> Lines:
    """Into the formats that hold all of it, and pairs."""
    from core import data

    found: Lines = {}
    with closing(open_project(folder)) as project, tempfile.TemporaryDirectory() as out:
        for name in ("plumbline", "trl"):
            cpu, wall = timed(lambda name=name: data.export(project, Path(out) / f"{name}.jsonl", name))
            found |= {f"{name}_cpu_seconds": cpu, f"{name}_seconds": wall}
    return found


def window(folder: Path) -> Lines:
    """How long the window's thread is away while the project opens and each page is opened first, and the prompts are
    searched."""
    from PySide6.QtTest import QTest

    from core.jobs import launch
    from desktop import user_settings
    from desktop.app import build as build_window
    from desktop.app import read_ahead
    from desktop.background import busy
    from desktop.places import TABS, PageId, TabId

    launch.ensure_worker = lambda *_, **__: None  # type: ignore[assignment]
    user_settings.set_labeler_name("labeler 1")
    app, shell = build_window([])
    shell.resize(1280, 800)
    shell.show()
    app.processEvents()
    read_ahead(shell)

    def settle() -> None:
        while busy():
            QTest.qWait(10)

    def away(step: Callable[[], object]) -> float:
        def both() -> None:
            step()
            app.processEvents()

        cpu, _ = timed(both, time.thread_time)
        settle()
        return 1000 * cpu

    settle()
    found = {"open_ms": away(lambda: shell.workspace.open(folder, looked_through=True))}
    for kind in TABS:
        found[f"{kind.title.lower().replace(' ', '_')}_ms"] = away(lambda kind=kind: shell.open_tab(kind.id))
    review = shell.tabs[TabId.REVIEW]
    shell.open_tab(TabId.REVIEW)
    for page in (PageId.AGREEMENT, PageId.BIAS, PageId.LABELERS):
        found[f"{page.label.lower()}_ms"] = away(lambda page=page: review.pages.open(page))
    shell.open_tab(TabId.INSTRUCTIONS)
    instructions = shell.tabs[TabId.INSTRUCTIONS]
    found["prompts_ms"] = away(lambda: instructions.pages.setCurrentIndex(1))
    for text in SEARCHED:
        instructions.prompts.search.setText(text)
        found["search_ms"] = max(found.get("search_ms", 0.0), away(instructions.prompts.search_now))
    shell.close()
    while shell.isVisible():
        QTest.qWait(10)
    return found


STEPS_OF: dict[str, Callable[[Path], Lines]] = {
    "open": opening, "count": counting, "search": searching, "window": window, "train": training, "flat": flat,
    "pack": packing, "archive": archiving, "export": exporting,
}  # fmt: skip


if __name__ == "__main__":
    said = STEPS_OF[sys.argv[1]](Path(sys.argv[2]))
    said["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps(said))
