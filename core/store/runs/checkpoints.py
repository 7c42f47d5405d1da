"""The checkpoints of runs: folders below the project's, of which rows say that they were written whole.

Where one lies is computed from its run and step; what a row says of its folder is for older versions, and never read.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from core.config.sampling import LONGEST_STEP
from core.config.training import Run
from core.errors import BadInput
from core.store import Project, now


def folder_of(project: Project, job_id: int, step: int) -> Path:
    """Where the checkpoint of a step lies, or will."""
    return project.run_folder(job_id) / f"step-{step:06d}"


def add(project: Project, job_id: int, step: int, *, best: bool) -> None:
    """In place of one of the same step. The `best` one of a run is the last that was called so."""
    relative = folder_of(project, job_id, step).relative_to(project.folder).as_posix()
    with project.write() as database:
        database.execute("delete from checkpoints where job_id = ? and step = ?", (job_id, step))
        database.execute(
            "insert into checkpoints (job_id, step, folder, best, created_at) values (?, ?, ?, ?, ?)",
            (job_id, step, relative, int(best), now()),
        )


def listed(project: Project, job_id: int) -> list[dict[str, Any]]:
    """The checkpoints of a run that are kept, as `step` and whether it is the `best`."""
    best = best_step(project, job_id)
    return [{"step": step, "best": int(step == best)} for step, _ in reversed(written(project, job_id))]


def folders(project: Project) -> list[tuple[int, str]]:
    """Number and folder of all there are, oldest first."""
    return [
        (row["id"], row["folder"]) for row in project.database.rows("select id, folder from checkpoints order by id")
    ]


def everywhere(project: Project) -> list[Path]:
    """Where those of all runs lie, whether they are there or not."""
    found = []
    for row in project.database.rows("select job_id, step from checkpoints"):
        with suppress(BadInput):  # a link instead of a run's folder
            found.append(folder_of(project, row["job_id"], row["step"]))
    return found


def written(project: Project, job_id: int) -> list[tuple[int, Path]]:
    """Step and folder of a run's checkpoints, newest first, whether their folders are there or not."""
    steps = project.database.column("select step from checkpoints where job_id = ? order by step desc", job_id)
    return [(step, folder_of(project, job_id, step)) for step in steps]


def on_disk(project: Project, job_id: int) -> list[tuple[int, Path]]:
    """Step and folder of those that are there, newest first."""
    return [(step, folder) for step, folder in written(project, job_id) if folder.is_dir()]


def kept(project: Project, run: Run) -> list[int]:
    """The steps of a run's checkpoints that are there, the first one first; a project that was packed brings them
    without their rows."""
    named = (step_of(folder) for folder in (run.result.best, run.result.adapter) if folder)
    steps = {step for step, _ in written(project, run.id)}.union(named)
    return sorted(step for step in steps if folder_of(project, run.id, step).is_dir())


def step_of(folder: str) -> int:
    """The step in the name of a checkpoint's folder; 0 for a folder of another name."""
    digits = folder.rpartition("step-")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST_STEP else 0


def best_step(project: Project, job_id: int) -> int | None:
    """The step of the best one of a run, if it keeps one."""
    found = project.database.value("select max(step) from checkpoints where job_id = ? and best", job_id)
    return None if found is None else int(found)


def older_than(project: Project, job_id: int, kept: int) -> list[tuple[int, Path]]:
    """Number and folder of those that came before the `kept` newest ones beside the best one. That is none of them, nor
    is what was the best when one of the newest was written: the run may go back there."""
    rows = project.database.rows("select id, step, best from checkpoints where job_id = ? order by step desc", job_id)
    were_best = [row["step"] for row in rows if row["best"]]
    stay = {*were_best[:1], *[row["step"] for row in rows if row["step"] not in were_best[:1]][:kept]}
    stay |= {next((best for best in were_best if best <= step), step) for step in stay}
    return [(row["id"], folder_of(project, job_id, row["step"])) for row in rows if row["step"] not in stay]


def after(project: Project, job_id: int, step: int) -> list[Path]:
    """Folders of those of later steps."""
    return [folder for later, folder in written(project, job_id) if later > step]


def forget(project: Project, checkpoint_id: int) -> None:
    with project.write() as database:
        database.execute("delete from checkpoints where id = ?", (checkpoint_id,))


def forget_after(project: Project, job_id: int, step: int) -> None:
    with project.write() as database:
        database.execute("delete from checkpoints where job_id = ? and step > ?", (job_id, step))
