"""What is being typed, on disk while it is typed: no fault costs more than the last second of it."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from core.errors import known
from core.store import Project
from desktop.widgets.strangers import wrapping

MILLISECONDS = 400
MOST_LETTERS = 100_000


class Throttle(QObject):
    """Calls `write` soon after the first of many touches, and again while they go on."""

    def __init__(self, parent: QWidget, write: Callable[[], object]) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, singleShot=True, interval=MILLISECONDS)
        self._timer.timeout.connect(lambda: write())

    @property
    def waiting(self) -> bool:
        """Is there something that is not written yet?"""
        return self._timer.isActive()

    def touch(self) -> None:
        if not self._timer.isActive():  # a timer that began anew with each key would wait for a pause
            self._timer.start()

    def rest(self) -> None:
        self._timer.stop()


class Draft(QObject):
    """Texts of some fields that nothing was done with yet, in the project's setting `key`; they are there again when
    the page is made. Fields that are empty are no draft."""

    def __init__(
        self, project: Project, key: str, fields: Mapping[str, QPlainTextEdit | QLineEdit], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._project, self._key, self._fields = project, key, fields
        self._throttle = Throttle(parent, self.keep)
        self._put_back(project.setting(key))
        for field in fields.values():
            field.textChanged.connect(self._throttle.touch)

    def keep(self) -> None:
        """Write what is in the fields now. Where nothing can be written, typing goes on all the same."""
        self._throttle.rest()
        found = {name: _text(field) for name, field in self._fields.items()}
        kept = found if any(found.values()) else None
        try:
            if self._project.setting(self._key) != kept:
                self._project.set_setting(self._key, kept)
        except Exception as error:
            if known(error) is None:
                raise

    def leave(self) -> None:
        """The project is about to close."""
        if self._throttle.waiting:
            self.keep()

    def _put_back(self, kept: object) -> None:
        """A project may come from elsewhere: what nobody could have typed is left where it is."""
        for name, text in kept.items() if isinstance(kept, dict) else ():
            field = self._fields.get(name)
            if not isinstance(text, str) or len(text) > MOST_LETTERS:
                continue
            if isinstance(field, QLineEdit):
                field.setText(text)
            elif field is not None:
                field.setWordWrapMode(wrapping(text))
                field.setPlainText(text)


def _text(field: QPlainTextEdit | QLineEdit) -> str:
    return field.text() if isinstance(field, QLineEdit) else field.toPlainText()
