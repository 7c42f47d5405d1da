"""A form over documented choices, each explained below its field and kept as soon as it is made."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QSpinBox, QWidget

from core.errors import KnownError
from desktop import errors
from desktop.widgets.basics import column
from desktop.widgets.config_form import ConfigForm
from desktop.widgets.text_box import TextBox


class KeepingForm(QWidget):
    """Calls `keep(name, value)` for each change and emits `changed` with the name when it is kept. The fields in
    `lines` hold texts of several lines."""

    changed = Signal(str)

    def __init__(
        self, kind: type[Any], values: dict[str, Any], keep: Callable[[str, Any], object], titles: dict[str, str],
        words: dict[str, str], lines: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self._keep = keep
        self.form = ConfigForm(kind, values=values, titles=titles, words=words, lines=lines, explained=True)
        self.setLayout(column(self.form))
        for name, control in self.form.fields.items():
            kept = partial(self._changed, name)
            if isinstance(control, QComboBox):
                control.currentIndexChanged.connect(kept)
            elif isinstance(control, TextBox):
                control.left.connect(kept)
            elif isinstance(control, QLineEdit):
                control.editingFinished.connect(kept)
            else:
                if isinstance(control, QSpinBox):
                    control.setKeyboardTracking(False)  # the beginning of a number is not yet the number
                control.valueChanged.connect(kept)  # type: ignore[attr-defined]

    def _changed(self, name: str, *_: object) -> None:
        control = self.form.fields[name]
        if isinstance(control, QLineEdit | TextBox):
            control.setModified(False)
        try:
            self._keep(name, self.form.values()[name])
        except (KnownError, OSError) as error:
            errors.show(error, self)
            return
        self.changed.emit(name)

    def finish(self) -> None:
        """Keep what is being typed, too."""
        for name, control in self.form.fields.items():
            if isinstance(control, QAbstractSpinBox):
                control.interpretText()
            elif isinstance(control, QLineEdit | TextBox) and control.isModified():
                self._changed(name)
