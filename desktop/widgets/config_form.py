"""A form from a config dataclass: each documented field becomes a control with its bounds, default and help."""

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field
from textwrap import wrap
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent, QValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.config.options import documented, title_of
from desktop.actions import MORE_SETTINGS, Action
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import label as label_of
from desktop.widgets.basics import set_role, turn_only_with_focus, unmarked
from desktop.widgets.bound import bind
from desktop.widgets.drafts import MOST_LETTERS
from desktop.widgets.strangers import Label
from desktop.widgets.text_box import TextBox

#: Letters in a line of what explains a field.
LINE = 76


class ConfigForm(QWidget):
    """Controls for the documented fields of one or more config classes; advanced ones behind a button.

    `actions`, by field name, let the palette lead to the fields. `words` are shown instead of choices; where it is
    `explained`, what a tooltip says stands below each field, too. The fields in `lines` hold texts of several lines.
    """

    def __init__(
        self,
        *kinds: type[Any],
        leave_out: tuple[str, ...] = (),
        values: dict[str, Any] | None = None,
        titles: dict[str, str] | None = None,
        words: dict[str, str] | None = None,
        lines: tuple[str, ...] = (),
        explained: bool = False,
        actions: Mapping[str, Action] | None = None,
        more: Action = MORE_SETTINGS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._words = words or {}
        self._lines = lines
        self._read: dict[str, Callable[[], Any]] = {}
        self._write: dict[str, Callable[[Any], None]] = {}
        self.fields: dict[str, QWidget] = {}
        """The controls by field name."""
        self._rows: dict[str, tuple[QFormLayout, QWidget]] = {}
        self._labels: list[Label] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        first, second = _form(), _form()
        if explained:
            first.setVerticalSpacing(SPACE // 2)
        labels = self._labels
        titles = titles or {}
        for kind in kinds:
            for item in _ordered(kind):
                if item.name in leave_out:
                    continue
                control = self._control(item, (values or {}).get(item.name, item.default))
                self.fields[item.name] = control
                named = actions[item.name].title if actions is not None else title_of(item)
                label = label_of(titles.get(item.name, named))
                label.setBuddy(control)
                label.setToolTip(control.toolTip())
                labels.append(label)
                control.setAccessibleName(label.text())
                if actions is not None:
                    bind(actions[item.name], control)
                form = second if item.metadata["advanced"] else first
                form.addRow(label, control)
                self._rows[item.name] = form, control
                if explained:
                    first.addRow("", explanation(control))
        widest = max((label.sizeHint().width() for label in labels), default=0)
        for label in labels:
            label.setMinimumWidth(widest)  # both forms have their fields in one column
        layout.addLayout(first)
        if second.rowCount():
            self._more = QWidget()
            self._more.setLayout(second)
            self._more.hide()
            toggle = bind(more, QPushButton())
            toggle.setCheckable(True)
            toggle.setProperty("role", "link")
            toggle.toggled.connect(self._more.setVisible)
            toggle.toggled.connect(lambda on: toggle.setText("Fewer settings" if on else more.title))
            layout.addWidget(toggle, 0, Qt.AlignmentFlag.AlignLeft)
            layout.addWidget(self._more)
        theme.notifier.changed.connect(self._grow)

    def showEvent(self, event: QShowEvent) -> None:
        self._fit()
        super().showEvent(event)

    def _fit(self) -> None:
        for label in self._labels:
            label.setMinimumHeight(label.buddy().sizeHint().height())  # else it stands higher than its field

    def _grow(self) -> None:
        """Text has another size."""
        for label in self._labels:
            label.setMinimumSize(0, 0)  # else it counts as what the text takes
        widest = max((label.sizeHint().width() for label in self._labels), default=0)
        for label in self._labels:
            label.setMinimumWidth(widest)
        self._fit()

    def hide_fields(self, names: Collection[str]) -> None:
        """Show all fields but these; what they hold stays."""
        for name, (form, control) in self._rows.items():
            form.setRowVisible(control, name not in names)

    def values(self) -> dict[str, Any]:
        """What the controls hold, by field name."""
        return {name: read() for name, read in self._read.items()}

    def value(self, name: str) -> Any:
        """What one control holds; the others are left alone, in which somebody may be typing."""
        return self._read[name]()

    def show_values(self, values: dict[str, Any]) -> None:
        """Put these into the controls, by field name; the others stay."""
        for name, value in values.items():
            if name in self._write:
                self._write[name](value)

    def config(self, kind: type[Any]) -> Any:
        """A config of `kind` from the controls. Raises `BadInput` naming what is out of bounds."""
        names = {item.name for item in documented(kind)}
        return kind(**{name: value for name, value in self.values().items() if name in names})

    def _control(self, item: Field[Any], value: Any) -> QWidget:
        meta = item.metadata
        control: Any
        if isinstance(value, bool):
            control = QCheckBox()
            control.setChecked(value)
            self._read[item.name], self._write[item.name] = control.isChecked, control.setChecked
        elif meta["choices"]:
            control = QComboBox()
            for choice in meta["choices"]:
                control.addItem(self._words.get(choice, choice), choice)
            control.setCurrentIndex(control.findData(value))
            self._read[item.name] = control.currentData
            self._write[item.name] = lambda value: control.setCurrentIndex(
                control.findData(value) if value in meta["choices"] else control.currentIndex()
            )
        elif isinstance(value, int):
            control = QSpinBox()
            control.setRange(int(meta["low"] or 0), int(meta["high"] or 1_000_000_000))
            control.setValue(value)
            self._read[item.name], self._write[item.name] = control.value, control.setValue
        elif isinstance(value, float):
            high = meta["high"] if meta["high"] is not None else 1e9
            control = FloatBox(meta["low"] or 0.0, high, value, zero=meta["zero"], special=meta["special"])
            self._read[item.name], self._write[item.name] = control.entered, control.setValue
        elif item.name in self._lines:
            control = TextBox(str(value))
            self._read[item.name], self._write[item.name] = control.text, control.show_text
        else:
            control = QLineEdit()
            control.setMaxLength(MOST_LETTERS)
            control.setText(str(value))
            control.setPlaceholderText(meta["zero"])
            self._read[item.name] = lambda: control.text().strip()
            self._write[item.name] = lambda value: control.setText(str(value))
        control.setToolTip(f"{help_of(item)}\n{default_of(item, self._words)}")
        if isinstance(control, QSpinBox):
            control.setSpecialValueText(meta["zero"])
        if isinstance(control, QSpinBox | QDoubleSpinBox):
            # The style sheet's padding does not reach the field inside.
            control.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        control.setMinimumWidth(96)
        if not isinstance(control, QLineEdit | QCheckBox | TextBox):
            turn_only_with_focus(control)
        return control


def _ordered(kind: type[Any]) -> list[Field[Any]]:
    """A config's fields; the advanced ones that it shares with others, such as the adapter's, come last."""
    own = inspect.get_annotations(kind)
    return sorted(documented(kind), key=lambda item: item.metadata["advanced"] and item.name not in own)


def help_of(item: Field[Any]) -> str:
    """The sentence that documents a choice, what is typed in it between quotation marks."""
    return unmarked(item.metadata["help"])


def explanation(control: QWidget) -> Label:
    """What a control's tooltip says, in small print whose lines are of one length in every window."""
    lines = [part for line in control.toolTip().splitlines() for part in wrap(f"{line.rstrip('.')}.", LINE)]
    found = label_of("\n".join(lines), "small")
    found.setContentsMargins(0, 0, 0, SPACE)
    return found


def default_of(item: Field[Any], words: dict[str, str] | None = None) -> str:
    """`Default: 0.05; from 0 to 10` in a person's words."""
    value, zero, special = item.default, item.metadata["zero"], item.metadata["special"]
    if isinstance(value, bool):
        return f"Default: {'on' if value else 'off'}"
    said = f"Default: {(words or {}).get(str(value), value) if value != '' else zero or 'none'}"
    if zero and value != "":
        said = f"Default: {zero} ({special:g})" if value == special else f"{said}; {special:g} means {zero}"
    low, high = item.metadata["low"], item.metadata["high"]
    if low is not None and high is not None:
        return f"{said}; from {low:,g} to {high:,g}"
    return said if low is None else f"{said}; at least {low:,g}"


class FloatBox(QDoubleSpinBox):
    """Shows 0.0003 as 0.0003, and 0, or what is `special`, by the word for it; steps by about a tenth of the value.

    1e-4 and 0,0001 can be typed, too. What is no number within the bounds cannot be entered: the field then shows again
    what it held, and is marked until it does.
    """

    def __init__(self, low: float, high: float, value: float, *, zero: str = "", special: float = 0) -> None:
        super().__init__()
        self.zero, self.special = zero, special
        self.setDecimals(8)
        self.setKeyboardTracking(False)  # the beginning of a number is not yet the number
        self.setRange(low, high)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setValue(value)

        self.lineEdit().textChanged.connect(lambda _: self._mark())
        self.editingFinished.connect(self._mark)

    def textFromValue(self, value: float) -> str:
        named = self.zero and value == self.special
        return self.zero if named else f"{value:.8f}".rstrip("0").rstrip(".") or "0"

    def valueFromText(self, text: str) -> float:
        return self.special if self.zero and text == self.zero else number(text) or 0.0

    def validate(self, text: str, place: int) -> tuple[QValidator.State, str, int]:
        found = self.special if self.zero and text == self.zero else number(text)
        acceptable = found is not None and self.minimum() <= found <= self.maximum()
        return QValidator.State.Acceptable if acceptable else QValidator.State.Intermediate, text, place

    def entered(self) -> float:
        """The value, with what is being typed if it is one."""
        self.interpretText()
        return self.value()

    def _mark(self) -> None:
        set_role(self, "" if self.hasAcceptableInput() else "invalid")


def number(text: str) -> float | None:
    """What a person typed as a number, None if it is none."""
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(2 * SPACE)
    form.setVerticalSpacing(SPACE)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
