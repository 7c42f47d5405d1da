"""Ask for a sweep: up to three settings with their values, and how many runs that makes."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QGridLayout, QLineEdit, QWidget

from core.config.options import documented
from core.config.titles import setting_title
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import KnownError
from core.runs import sweep
from desktop.errors import worded
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, set_role, without_icons

ROWS = 3
#: Settings that are no matter of degree, or that a run needs to be comparable.
LEFT_OUT = (
    "algorithm",
    "reward_job",
    "reward_model",
    "gold",
    "train_on_gold",
    "rules_only",
    "eval_prompts",
    "checkpoint_every",
    "keep_checkpoints",
)
#: Settings that are swept most often come first.
OFTEN = ("learning_rate", "kl_coef")


class SweepDialog(QDialog):
    """`axes` is what was chosen, as `core.runs.sweep` wants it."""

    def __init__(self, config: TrainPolicyConfig, options: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Sweep")
        self.config, self.options = config, options
        own = [item.name for item in documented(ALGORITHMS[config.algorithm].config)]
        names = own + [item.name for item in documented(TrainPolicyConfig) if item.name not in LEFT_OUT]
        titles = sorted((setting_title(name), name) for name in names)
        titles.sort(key=lambda item: item[1] not in OFTEN)
        self.names: list[QComboBox] = []
        self.values: list[QLineEdit] = []
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        for place in range(ROWS):
            name, value = QComboBox(), QLineEdit()
            name.addItem("–", "")
            for title, each in titles:
                name.addItem(title, each)
            name.setAccessibleName(f"Setting {place + 1}")
            value.setAccessibleName(f"Values of setting {place + 1}")
            value.setPlaceholderText("values, separated by commas")
            value.setMinimumWidth(240)
            name.currentIndexChanged.connect(lambda _: self._count())
            value.textChanged.connect(lambda _: self._count())
            grid.addWidget(name, place, 0)
            grid.addWidget(value, place, 1)
            self.names.append(name)
            self.values.append(value)
        self.said = label("", "muted", wrap=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Queue")
        without_icons(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        text = "Every combination of the values becomes a run with the settings of the form otherwise."
        layout = column(label(text, "muted", wrap=True), grid, self.said, self.buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(layout)
        self.setMinimumWidth(520)
        self.names[0].setCurrentIndex(self.names[0].findData("kl_coef"))
        self.values[0].setFocus()
        self._count()

    @property
    def axes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in zip(self.names, self.values, strict=True):
            if name.currentData() and value.text().strip():
                found.setdefault(str(name.currentData()), []).extend(value.text().split(","))
        return {name: list(dict.fromkeys(filter(None, map(str.strip, values)))) for name, values in found.items()}

    def _count(self) -> None:
        """How many runs it is, or what is wrong with it."""
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        rows = zip(self.names, self.values, strict=True)
        if any(value.text().strip() and not name.currentData() for name, value in rows):
            self.said.setText("Choose the setting that takes these values.")
            set_role(self.said, "error")
            ok.setEnabled(False)
            return
        try:
            runs = len(sweep.grid(self.config, self.options, self.axes)) if self.axes else 0
            self.said.setText(
                f"{runs} run{'' if runs == 1 else 's'}" if runs else "Type some values, such as 0.02, 0.05."
            )
            set_role(self.said, "muted")
            ok.setEnabled(runs > 0)
        except KnownError as error:
            self.said.setText(worded(str(error)))
            set_role(self.said, "error")
            ok.setEnabled(False)
