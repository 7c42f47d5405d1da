"""Widgets that nobody holds any more go in the window's thread."""

import gc
import threading

from PySide6.QtWidgets import QWidget

from desktop.background import busy, in_background
from desktop.shell.gc import Collector


class Gone(QWidget):
    """In a cycle with itself; says in which thread it was collected."""

    def __init__(self, threads: list[threading.Thread]) -> None:
        super().__init__()
        self.threads, self.itself = threads, self

    def __del__(self) -> None:
        self.threads.append(threading.current_thread())


def allocate() -> None:
    for _ in range(20 * gc.get_threshold()[0]):
        own: list[object] = []
        own.append(own)


def test_a_thread_that_allocates_collects_no_widgets_but_the_window_does(qtbot):
    owner, threads = QWidget(), []
    qtbot.addWidget(owner)
    collector = Collector(owner)
    for _ in range(10):
        Gone(threads)
    in_background(owner, allocate, lambda _: None)
    qtbot.waitUntil(lambda: not busy())
    assert threads == []
    qtbot.waitUntil(lambda: len(threads) == 10)
    assert set(threads) == {threading.main_thread()}
    collector.deleteLater()
