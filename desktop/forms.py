"""A form from a config dataclass: each documented field becomes a control with its bounds, default and help."""

from collections.abc import Callable
from dataclasses import Field
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.options import documented
from desktop.theme import SPACE
from desktop.widgets.parts import turn_only_with_focus

#: Words of field names as people write them.
WORDS = {
    "kl": "KL",
    "lora": "LoRA",
    "ppo": "PPO",
    "vf": "value",
    "coef": "coefficient",
    "lam": "lambda",
    "cliprange": "clip range",
    "eval": "evaluation",
}


def title_of(name: str) -> str:
    """`max_new_tokens` -> `Max new tokens`."""
    words = " ".join(WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


class ConfigForm(QWidget):
    """Controls for the documented fields of one or more config classes; advanced ones behind a button."""

    def __init__(
        self,
        *kinds: type[Any],
        leave_out: tuple[str, ...] = (),
        values: dict[str, Any] | None = None,
        titles: dict[str, str] | None = None,
        more: str = "More settings",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._read: dict[str, Callable[[], Any]] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        first, second = _form(), _form()
        labels: list[QLabel] = []
        titles = titles or {}
        for kind in kinds:
            for item in documented(kind):
                if item.name in leave_out:
                    continue
                control = self._control(item, (values or {}).get(item.name, item.default))
                label = QLabel(titles.get(item.name, title_of(item.name)))
                label.setBuddy(control)
                label.setToolTip(control.toolTip())
                label.setMinimumHeight(control.sizeHint().height())  # else it stands higher than its field
                labels.append(label)
                control.setAccessibleName(label.text())
                (second if item.metadata["advanced"] else first).addRow(label, control)
        widest = max((label.sizeHint().width() for label in labels), default=0)
        for label in labels:
            label.setMinimumWidth(widest)  # both forms have their fields in one column
        layout.addLayout(first)
        if second.rowCount():
            self._more = QWidget()
            self._more.setLayout(second)
            self._more.hide()
            toggle = QPushButton(more)
            toggle.setCheckable(True)
            toggle.setProperty("role", "link")
            toggle.toggled.connect(self._more.setVisible)
            toggle.toggled.connect(lambda on: toggle.setText("Fewer settings" if on else more))
            layout.addWidget(toggle, 0, Qt.AlignmentFlag.AlignLeft)
            layout.addWidget(self._more)

    def values(self) -> dict[str, Any]:
        """What the controls hold, by field name."""
        return {name: read() for name, read in self._read.items()}

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
            self._read[item.name] = control.isChecked
        elif meta["choices"]:
            control = QComboBox()
            control.addItems(meta["choices"])
            control.setCurrentText(value)
            self._read[item.name] = control.currentText
        elif isinstance(value, int):
            control = QSpinBox()
            control.setRange(int(meta["low"] or 0), int(meta["high"] or 1_000_000_000))
            control.setValue(value)
            self._read[item.name] = control.value
        elif isinstance(value, float):
            control = FloatBox(meta["low"] or 0.0, meta["high"] if meta["high"] is not None else 1e9, value)
            self._read[item.name] = control.value
        else:
            control = QLineEdit(str(value))
            self._read[item.name] = lambda: control.text().strip()
        control.setToolTip(f"{meta['help']}\nDefault: {item.default if item.default != '' else 'none'}")
        if isinstance(control, QSpinBox | QDoubleSpinBox):
            control.setSpecialValueText(meta["zero"])
            # The style sheet's padding does not reach the field inside.
            control.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        control.setMinimumWidth(96)
        if not isinstance(control, QLineEdit | QCheckBox):
            turn_only_with_focus(control)
        return control


class FloatBox(QDoubleSpinBox):
    """Shows 0.0003 as 0.0003 and steps by about a tenth of the value."""

    def __init__(self, low: float, high: float, value: float) -> None:
        super().__init__()
        self.setDecimals(8)
        self.setRange(low, high)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setValue(value)

    def textFromValue(self, value: float) -> str:
        return f"{value:.8f}".rstrip("0").rstrip(".") or "0"


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(2 * SPACE)
    form.setVerticalSpacing(SPACE)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
