"""Work on the window's thread in small steps: in between the window paints, and heeds keys."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from desktop.widgets.basics import column


class Turns(QObject):
    """Takes a step in each turn of the event loop. What was begun last comes first: somebody looks at it."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._begun: dict[int, Iterator[None]] = {}
        self._forgotten = 0
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._step)

    def __contains__(self, number: int) -> bool:
        return number in self._begun

    def begin(self, number: int, steps: Iterator[None]) -> None:
        """Take these steps; `number` is what they are known by."""
        self._begun[number] = steps
        self._timer.start()

    def finish(self, number: int) -> None:
        """Take all steps that are left of it now."""
        for _ in self._begun.pop(number, ()):
            pass

    def forget(self) -> None:
        """Take no further step."""
        self._timer.stop()
        self._begun.clear()
        self._forgotten += 1

    def _step(self) -> None:
        if not self._begun:
            return
        number, steps = self._begun.popitem()
        before = self._forgotten
        try:
            for _ in steps:
                if self._forgotten == before:
                    self._begun.setdefault(number, steps)  # unless the step itself has begun it anew
                break
        finally:  # what fails is told as any error is, and the others go on
            if self._begun:
                self._timer.start()


def placing(page: QWidget, place: QWidget) -> Iterator[None]:
    """The last steps of a page that is built: it is put into its place, and shown there."""
    yield
    page.hide()
    place.setLayout(column(page))
    yield
    page.show()
