"""Python's cycle collector, kept to the window's thread.

Left to itself it runs in whichever thread allocates when it is due, and destroys the widgets and timers that a closed
page has left in a cycle there. Qt's objects must go in the thread they live in: a timer that is destroyed elsewhere
ticks on for an object that is gone, and the program crashes.
"""

import gc

from PySide6.QtCore import QObject, QTimer

LOOK_MILLISECONDS = 1000


class Collector(QObject):
    """Collects what is due, youngest first, a generation at a look."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=LOOK_MILLISECONDS)
        self._timer.timeout.connect(collect)
        self._timer.start()


def collect() -> None:
    due = [own > limit for own, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if any(due):
        gc.collect(max(number for number, is_due in enumerate(due) if is_due))
