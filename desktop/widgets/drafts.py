"""What is being typed, on disk while it is typed: no fault costs more than the last second of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from core.errors import known
from core.store import Project
from core.store.typed import Typed, forget, kept_at
from desktop.widgets.strangers import Editing, wrapping

MILLISECONDS = 400
#: After a write that failed, which may have waited for somebody else.
AGAIN_MILLISECONDS = 2000
#: Of a text that is put back; a longer one stays where it is, and is told of (`LeftBehind`).
MOST_LETTERS = 1_000_000


@contextmanager
def typing_goes_on() -> Iterator[None]:
    """What is typed is written within; where nothing can be written, that is no reason to stop."""
    try:
        yield
    except Exception as error:
        if known(error) is None:
            raise


class Throttle(QObject):
    """Calls `write` soon after the first of many touches, and again while they go on. Where nothing can be written,
    that is no reason to stop typing: it `failed`, waits on, and is tried again soon."""

    tried = Signal()
    """It was written, could not be, or need not be any more."""

    def __init__(self, parent: QWidget, write: Callable[[], object]) -> None:
        super().__init__(parent)
        self._write = write
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.now)
        self.why = ""
        """What stands in the way of writing, as a sentence."""
        self.beside: Callable[[], bool] = lambda: False
        """Does what was written lie beside what another window typed (`Typed.beside`)?"""

    @property
    def failed(self) -> bool:
        """Could it not be written when that was tried last?"""
        return bool(self.why)

    @property
    def waiting(self) -> bool:
        """Is there something that is not written yet?"""
        return self._timer.isActive() or self.failed

    def touch(self) -> None:
        if not self._timer.isActive():  # a timer that began anew with each key would wait for a pause
            self._timer.start(MILLISECONDS)

    def rest(self) -> None:
        """Nothing is to be written any more."""
        self._timer.stop()
        if self.failed:
            self.why = ""
            self.tried.emit()

    def now(self) -> None:
        """Write it, whether anything waits or not."""
        self._timer.stop()
        self.why = self._failure()
        if self.failed:
            self._timer.start(AGAIN_MILLISECONDS)
        self.tried.emit()

    def _failure(self) -> str:
        try:
            self._write()
        except Exception as error:
            if (sentence := known(error)) is None:
                self.why = ""
                raise
            return str(sentence)
        return ""

    def flush(self) -> None:
        """Something else is done now: what waits is written."""
        if self.waiting:
            self.now()

    def end(self) -> None:
        """The project is about to close: what waits is written, for the last time. What could not be stays said."""
        self.flush()
        self._timer.stop()
        self.why = ""


class Draft(QObject):
    """Texts of some fields that nothing was done with yet, in the project's setting `key`; they are there again when
    the page is made. Fields that are empty are no draft. What another window typed there stays (`Typed`)."""

    def __init__(self, project: Project, key: str, fields: Mapping[str, Editing | QLineEdit], parent: QWidget) -> None:
        super().__init__(parent)
        self._typed, self._fields = Typed(project, key), fields
        self._project = project
        self._left = {at: kept for at, kept in kept_at(project, key) if _is_texts(kept) and not _is_typed(kept)}
        self.throttle = Throttle(parent, self._write)
        self.throttle.beside = lambda: self._typed.beside
        self._put_back(self._typed.read(_is_typed))
        for field in fields.values():
            field.textChanged.connect(self.throttle.touch)

    def keep(self) -> None:
        """Write what is in the fields now."""
        self.throttle.now()

    def _write(self) -> None:
        found = {name: field.text() for name, field in self._fields.items()}
        self._typed.keep(found if any(found.values()) else None)

    def leave(self) -> None:
        """The project is about to close."""
        self.throttle.end()
        with typing_goes_on():
            self._typed.keep_again()

    @property
    def left_behind(self) -> str:
        """What was typed before and is too long to be put back; empty for nothing."""
        return "\n\n".join(text for kept in self._left.values() for text in kept.values() if text)

    def forget_left_behind(self) -> None:
        """It is elsewhere by now. What is another since stays."""
        with typing_goes_on(), self._project.write():
            for key, kept in self._left.items():
                if self._project.setting(key) == kept:
                    forget(self._project, key)
        self._left = {}

    def _put_back(self, kept: dict[str, str] | None) -> None:
        for name, text in (kept or {}).items():
            field = self._fields.get(name)
            if isinstance(field, QLineEdit):
                field.setText(text)
            elif field is not None:
                field.setWordWrapMode(wrapping(text))
                field.setPlainText(text)


def _is_texts(kept: Any) -> bool:
    """A project may come from elsewhere: what nobody could have typed is left where it is."""
    return isinstance(kept, dict) and all(isinstance(text, str) for text in kept.values())


def _is_typed(kept: Any) -> bool:
    return _is_texts(kept) and all(len(text) <= MOST_LETTERS for text in kept.values())
