"""A run's metrics for other programs: a table as CSV, or an event file that TensorBoard shows."""

import csv
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from core.errors import BadInput
from core.jobs import queue
from core.spreadsheets import guarded
from core.store import Project
from core.store.files import beside
from core.store.runs import job_metrics


def _series(project: Project, job_id: int) -> dict[str, list[tuple[int, float]]]:
    series = job_metrics.series(project, job_id)
    if not series:
        raise BadInput(f"Job {job_id} has said no numbers: `jobs` shows the runs there are.")
    return series


def write_csv(project: Project, job_id: int, path: Path) -> None:
    """One row for each step, one column for each metric; empty where a step has none."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is no folder: choose another place for the table.")
    series = _series(project, job_id)
    steps = sorted({step for points in series.values() for step, _ in points})
    values = {name: dict(points) for name, points in series.items()}
    with beside.file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *map(guarded, series)])
        writer.writerows([[step, *(values[name].get(step, "") for name in series)] for step in steps])


def write_events(project: Project, job_id: int, folder: Path) -> None:
    """An event file in `folder`. Raises `BadInput` where TensorBoard's library is not installed."""
    if find_spec("tensorboard") is None:
        raise BadInput(
            "TensorBoard files need tensorboard: install Plumbline with the extra `tensorboard`, or use CSV."
        )
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    series = _series(project, job_id)
    taken = dict(series.get("time/step", []))
    job = queue.get(project, job_id)
    try:
        clock = datetime.fromisoformat(job.started_at or job.created_at).timestamp()
    except (ValueError, OverflowError):  # no time of ours
        clock = 0.0
    if folder.exists():
        raise BadInput(f"{folder} is there already: choose a new folder, or every curve would be drawn twice.")
    by_step: dict[int, list[tuple[str, float]]] = {}
    for name, points in series.items():
        for step, value in points:
            by_step.setdefault(step, []).append((name, value))
    with beside.folder(folder) as made:
        writer = EventFileWriter(str(made))
        for step, found in sorted(by_step.items()):
            clock += taken.get(step, 0.0)
            values = [Summary.Value(tag=name, simple_value=value) for name, value in found]
            writer.add_event(Event(step=step, wall_time=clock, summary=Summary(value=values)))
        writer.close()
