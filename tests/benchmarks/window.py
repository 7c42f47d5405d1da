"""How long the window's thread is away while a real job runs and somebody goes from page to page.

A timer notes when it is late: that is how long a click would have waited. The first look at a page, which is made then,
may take `FIRST` milliseconds in all; no other wait may be longer than `OTHER`: what is over a limit is printed. The job
is a PPO run on the demo, in a worker process as always.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from core.machine import base_models
from tests.benchmarks.machine import python

STEPS = 8
FIRST, OTHER = 250, 50
CODE = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from PySide6.QtCore import QEventLoop, QTimer, Qt
from core import demo
from core.config.jobs import JobKind
from core.config.training import ALGORITHMS
from desktop.app import build, leave, read_ahead
from desktop.background import busy
from desktop.shell.gc import Collector
from desktop.places import TABS

app, window = build([])
Collector(app)
window.resize(1280, 800)
window.show()
read_ahead(window)  # as the program does after its first frame
folder = demo.install(Path(sys.argv[1]) / "demo")
window.workspace.open(folder)

def wait(milliseconds):
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()

def settle():
    wait(200)
    while busy():
        wait(50)

settle()
config = replace(demo.POLICY, steps=int(sys.argv[2]))
job = window.session.start(JobKind.TRAIN_POLICY, config, ALGORITHMS["ppo"].config())
gaps, where, first, other = [], [], [], []
last = [time.perf_counter()]

def tick():
    now = time.perf_counter()
    gaps.append(1000 * (now - last[0]))
    last[0] = now

timer = QTimer(interval=2, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(tick)
timer.start()
seen = set()

NOTICED = 10

def look(number, page=None):
    before = len(gaps)
    if page is None:
        window.open_tab(TABS[number].id)
    else:
        window.tabs[TABS[number].id].pages.setCurrentIndex(page)
    wait(700)
    place, new = (TABS[number].title, page or 0), gaps[before:]
    if place in seen:
        other.extend(new)
        where.append((max(new, default=0.0), *place))
    else:
        first.append((sum(gap for gap in new if gap > NOTICED), max(new, default=0.0), *place))
        seen.add(place)

ended = None
while ended is None:
    for number, kind in enumerate(TABS):
        look(number)
        pages = window.tabs[kind.id].pages
        for page in range(pages.count() if pages is not None else 0):
            look(number, page)
    now = window.session.job(job.id)
    ended = now if now.status not in ("queued", "running", "paused") else None
timer.stop()
other.sort()
print(json.dumps({
    "status": ended.status, "looks": len(other),
    "median_ms": other[len(other) // 2], "p999_ms": other[int(len(other) * 0.999)], "max_ms": other[-1],
    "first_look_max_ms": max(first)[0], "first": sorted(first), "worst": sorted(where)[-6:],
}))
settle()
leave(window)
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    platform = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
    models = base_models.models_folder()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to(models)
        environment = platform | {"PLUMBLINE_DATA": folder}
        found = json.loads(python(CODE, folder, str(STEPS), environment=environment).splitlines()[-1])
    found["platform"] = platform.get("QT_QPA_PLATFORM", "screen")
    firsts, others = found.pop("first"), found.pop("worst")
    for in_all, longest, *place in firsts:
        over = "OVER THE LIMIT" if in_all > FIRST else ""
        print(f"first look {in_all:5.0f} ms in all, {longest:4.0f} at once  {place} {over}", file=sys.stderr)
    for longest, *place in others:
        print(f"later wait {longest:5.0f} ms  {place} {'OVER THE LIMIT' if longest > OTHER else ''}", file=sys.stderr)
    return found
