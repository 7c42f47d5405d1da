"""`python -m desktop.film OUT.webp`: the window at work on the demo as a moving picture, for the README.

Two prompts are ranked by keys; then the demo's run of PPO comes in once more, step by step, as its worker wrote it.
Every frame is the real window. Needs Pillow, of the extra `test`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PySide6.QtCore import QBuffer, QEventLoop, QIODevice, Qt, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest

from core import demo
from core.config.jobs import JobKind
from core.config.training import TrainPolicyJob
from core.events import Metrics, Progress, Result, Sample, Samples
from core.jobs import lock, queue
from core.jobs.recorder import Recorder
from core.store import Project, jobs, open_project
from core.store.runs import job_metrics, job_samples
from desktop.app import build, leave
from desktop.places import TabId
from desktop.policy.tab import Tab as PolicyTab
from desktop.rank.tab import Tab as RankTab
from desktop.window import Window

SIZE, SHOWN = (1280, 800), (960, 600)
#: Of lossy WebP, of a hundred: letters stay sharp at this, and the film stays below a megabyte and a half.
QUALITY = 70
LABELER = "me"
#: Best first, in both prompts.
ORDERS = ("DBFACE", "BEADFC")
#: Milliseconds in which a click, a key or a step is on the screen; the session looks for news as often.
SETTLING = 700
#: How long frames are seen: a page to read, a key, a step of the run, and the end.
READ, KEY, STEP, END = 1500, 350, 450, 3000


@dataclass(frozen=True)
class Frame:
    picture: QPixmap
    milliseconds: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m desktop.film", description=__doc__)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = demo.install(Path(folder) / "demo")
        window = build([])[1]
        window.resize(*SIZE)
        window.show()
        frames = list(film(window, project))
        leave(window)
    write(frames, options.out)
    return 0


def film(window: Window, folder: Path) -> Iterator[Frame]:
    """Ranks, then lets the newest run come in anew, as a run of its own."""
    with closing(open_project(folder)) as project, closing(lock.take_over(folder) or sys.exit("A worker is at work.")):
        window.workspace.open(folder)
        assert window.session is not None
        window.session.labeler_name = LABELER
        yield from ranked(window)
        run = queue.listed(project, TrainPolicyJob)[0]
        again = queue.enqueue(project, JobKind.TRAIN_POLICY, jobs.config_values(project, run.id), name=run.name)
        tune = window.open_tab(TabId.TUNE)
        assert isinstance(tune, PolicyTab)
        wait()
        tune.runs.select(again.id)
        yield frame(window, READ)
        jobs.begin(project, again.id)
        record = Recorder(project, again.id).record
        steps = recorded(project, run.id)
        for done, events in enumerate(steps, 1):
            for event in (*events, Progress(done, len(steps), "Tuning")):
                record(event)
            yield frame(window, STEP)
        record(Result(run.result))
        jobs.end(project, again.id, "done")
        yield frame(window, END)


def ranked(window: Window) -> Iterator[Frame]:
    rank = window.open_tab(TabId.RANK)
    assert isinstance(rank, RankTab)
    rank.board.setFocus()
    yield frame(window, READ)
    for order in ORDERS:
        for letter in order:
            QTest.keyClicks(rank.board, letter)
            yield frame(window, KEY)
        QTest.keyClick(rank.board, Qt.Key.Key_Return)
        yield frame(window, READ)


def recorded(project: Project, run: int) -> list[tuple[Metrics, Samples]]:
    """What a run wrote at each of its steps."""
    values: dict[int, dict[str, float]] = {}
    for name, curve in job_metrics.series(project, run).items():
        for step, value in curve:
            values.setdefault(step, {})[name] = value
    return [
        (Metrics(step, numbers), Samples(step, tuple(map(sample, job_samples.listed(project, run, step=step)))))
        for step, numbers in sorted(values.items())
        if "objective/scores" in numbers
    ]


def sample(row: dict[str, Any]) -> Sample:
    return Sample(**{each.name: row[each.name] for each in fields(Sample)})


def frame(window: Window, milliseconds: int) -> Frame:
    """The window as it is once what was done to it is shown."""
    wait()
    return Frame(window.grab(), milliseconds)


def wait() -> None:
    loop = QEventLoop()
    QTimer.singleShot(SETTLING, loop.quit)
    loop.exec()


def write(frames: list[Frame], out: Path) -> None:
    """As one WebP that begins anew for ever."""
    pictures = [image(each.picture) for each in frames]
    times = [each.milliseconds for each in frames]
    pictures[0].save(
        out,
        save_all=True,
        append_images=pictures[1:],
        duration=times,
        loop=0,
        quality=QUALITY,
        method=6,
        minimize_size=True,
    )
    print(f"{out}: {len(frames)} frames, {sum(times) / 1000:.0f} s, {out.stat().st_size / 1e6:.2f} MB")  # noqa: T201


def image(picture: QPixmap) -> Image.Image:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    return Image.open(BytesIO(buffer.data().data())).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sys.exit(main())
