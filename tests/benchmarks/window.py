"""How long the window's thread is away while a real job runs and somebody goes from page to page.

A timer notes when it is late: that is how long a click would have waited, up to 10 ms of it the measuring itself, which
sleeps so long between two looks at the events. Every tab has been shown once before
the job begins; how long that took is reported apart. The job is a PPO run on the demo, in a worker process as always.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from core import catalogue
from tests.benchmarks.machine import python

STEPS = 8
CODE = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from PySide6.QtCore import QTimer, Qt
from PySide6.QtTest import QTest
from core import configs, demo
from desktop.app import build
from desktop.background import busy
from desktop.tabs import TABS

app, window = build([])
window.resize(1280, 800)
window.show()
folder = demo.install(Path(sys.argv[1]) / "demo")
window.open_project(folder)

def settle():
    QTest.qWait(200)
    while busy():
        QTest.qWait(50)

first = {}
for number, kind in enumerate(TABS):
    began = time.perf_counter()
    window.show_tab(number)
    app.processEvents()
    first[kind.title] = round(1000 * (time.perf_counter() - began))
    settle()
pages = [(number, page) for number, tab in enumerate(window.tabs)
         for page in range(tab.pages.count() if hasattr(tab, "pages") else 1)]
for number, page in pages:  # each page once, too
    window.show_tab(number)
    if hasattr(window.tabs[number], "pages"):
        window.tabs[number].pages.setCurrentIndex(page)
    settle()

config = replace(demo.POLICY, steps=int(sys.argv[2]))
job = window.session.start("train-policy", config, configs.ALGORITHMS["ppo"].config())
gaps, where = [], []
last = [time.perf_counter()]

def tick():
    now = time.perf_counter()
    gaps.append(1000 * (now - last[0]))
    last[0] = now

timer = QTimer(interval=2, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(tick)
timer.start()
turn, steps, ended = 0, 0, None
while ended is None:
    turn += 1
    number, page = pages[turn % len(pages)]
    before = len(gaps)
    window.show_tab(number)
    if hasattr(window.tabs[number], "pages"):
        window.tabs[number].pages.setCurrentIndex(page)
    QTest.qWait(700)
    where.append((max(gaps[before:], default=0.0), TABS[number].title, page))
    now = window.session.job(job.id)
    ended = now if now.status not in ("queued", "running", "paused") else None
timer.stop()
gaps.sort()
print(json.dumps({
    "first_show_ms": first, "status": ended.status, "looks": len(gaps),
    "median_ms": gaps[len(gaps) // 2], "p999_ms": gaps[int(len(gaps) * 0.999)], "max_ms": gaps[-1],
    "over_50_ms": sum(gap > 50 for gap in gaps), "worst": sorted(where)[-3:],
}))
settle()
window.leave()
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    platform = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
    models = catalogue.models_folder()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to(models)
        environment = platform | {"PLUMBLINE_DATA": folder}
        found = json.loads(python(CODE, folder, str(STEPS), environment=environment).splitlines()[-1])
    found["platform"] = platform.get("QT_QPA_PLATFORM", "screen")
    print(found.pop("first_show_ms"), found.pop("worst"), file=sys.stderr)
    return found
