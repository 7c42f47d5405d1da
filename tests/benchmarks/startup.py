"""Time from `python main.py` to the window's first painted frame, in fresh interpreters with warm files."""

import argparse
import json
import os
from typing import Any

from tests.benchmarks.machine import median, python

CODE = """
import time
began = time.perf_counter()
import json, resource, sys
from desktop.app import build
from PySide6.QtCore import QEvent, QObject, QTimer

class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not found:
            found.append(time.perf_counter() - began)
            QTimer.singleShot(0, app.quit)
        return False

found = []
app, window = build([])
watcher = FirstPaint()
app.installEventFilter(watcher)
window.show()
app.exec()
heavy = [name for name in ("torch", "transformers", "peft", "pyqtgraph", "numpy") if name in sys.modules]
print(json.dumps([found[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, heavy]))
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    platform = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
    found = [json.loads(python(CODE, environment=platform).splitlines()[-1]) for _ in range(options.runs)]
    return {
        "first_frame_seconds_median": median([item[0] for item in found]),
        "first_frame_seconds_max": max(item[0] for item in found),
        "peak_gb": max(item[1] for item in found),
        "heavy_imports": ", ".join(found[0][2]) or "none",
        "platform": platform.get("QT_QPA_PLATFORM", "screen"),
        "runs": options.runs,
    }
