"""The settings of a run of the policy: which algorithm, what all of them share, and its own."""

from dataclasses import asdict
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStackedWidget, QWidget

from core.config.training import ALGORITHMS, TrainPolicyConfig
from desktop.policy import actions
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, turn_only_with_focus
from desktop.widgets.bound import bind
from desktop.widgets.config_form import ConfigForm


class PolicyForm(QWidget):
    """Emits `changed` when another algorithm or another kind of reward is chosen; what was typed for the other
    algorithms is kept."""

    changed = Signal()

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.taken: TrainPolicyConfig | None = None
        """The run whose settings were put in here: what they name was not typed."""
        self.algorithm = QComboBox()
        bind(actions.ALGORITHM, self.algorithm)
        turn_only_with_focus(self.algorithm)
        for kind in ALGORITHMS.values():
            self.algorithm.addItem(kind.title, kind.name)
        self.summary = label("", "small", wrap=True)
        self.shared = ConfigForm(
            TrainPolicyConfig, leave_out=("algorithm",), values=values, actions=actions.SETTINGS, more=actions.MORE
        )
        self.own = QStackedWidget()
        self._forms: dict[str, ConfigForm] = {}
        whole = column(label("Algorithm", "small"), self.algorithm, self.summary, self.shared, self.own)
        whole.setSpacing(SPACE)
        self.setLayout(whole)
        self.algorithm.currentIndexChanged.connect(lambda _: self._show())
        for name, how in (("rules_only", "toggled"), ("train_on_gold", "toggled"), ("reward_model", "textChanged")):
            getattr(self.shared.fields[name], how).connect(lambda _: self.changed.emit())
        self._show()

    @property
    def name(self) -> str:
        return str(self.algorithm.currentData())

    @property
    def without_a_model(self) -> bool:
        """Are rules or a gold reward the whole reward?"""
        return bool(self.shared.value("rules_only") or self.shared.value("train_on_gold"))

    @property
    def asks_our_model(self) -> bool:
        """Does it take a reward model of this project?"""
        by_reward = not ALGORITHMS[self.name].offline
        return by_reward and not self.without_a_model and not self.shared.value("reward_model")

    @property
    def form(self) -> ConfigForm:
        """The chosen algorithm's own settings; made when it is first chosen."""
        if self.name not in self._forms:
            kind = ALGORITHMS[self.name]
            self._forms[self.name] = ConfigForm(
                kind.config, actions=actions.OWN[self.name], more=actions.MORE_OF[self.name]
            )
            self.own.addWidget(self._forms[self.name])
        return self._forms[self.name]

    def _show(self) -> None:
        kind, form = ALGORITHMS[self.name], self.form
        rate = f" Learning rate {kind.learning_rate:g} unless you choose one." if kind.learning_rate else ""
        self.summary.setText(kind.summary[:1].upper() + kind.summary[1:] + rate)
        self.own.setCurrentWidget(form)
        self.shared.hide_fields(kind.unused)
        for each in self._forms.values():  # the stack is as high as the form that is shown
            policy = QSizePolicy.Policy.Preferred if each is form else QSizePolicy.Policy.Ignored
            each.setSizePolicy(policy, policy)
        self.own.adjustSize()
        self.changed.emit()

    def show_run(self, config: TrainPolicyConfig, options: Any) -> None:
        """Take over a run's settings; `options` are its algorithm's own, None where that is not known any more."""
        self.taken = config
        self.algorithm.setCurrentIndex(max(0, self.algorithm.findData(config.algorithm)))
        self.shared.show_values(asdict(config))
        if options is not None:
            self.form.show_values(asdict(options))

    def values(self) -> dict[str, Any]:
        return self.shared.values() | {"algorithm": self.name} | self.form.values()

    def run(self) -> tuple[TrainPolicyConfig, Any]:
        """The run's config, in which what means nothing to its algorithm is at its default, and the algorithm's own
        options. Raises `BadInput` naming what is out of bounds."""
        kind = ALGORITHMS[self.name]
        meant = {name: value for name, value in self.shared.values().items() if name not in kind.unused}
        return TrainPolicyConfig(**meant | {"algorithm": self.name}), self.form.config(kind.config)
