"""One order for each criterion of the guidelines, and the overall one: which is on the cards now."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from core.labeling.ordering import Ordering
from core.preferences.judged_groups import OVERALL
from core.texts import one_line
from desktop.rank import actions
from desktop.widgets.basics import label, row
from desktop.widgets.bound import bind
from desktop.widgets.strangers import on_button, tip

#: Letters of a name on a button.
LONGEST = 40


class CriterionBar(QFrame):
    """`chosen` carries the criterion's name; `OVERALL` is the overall order."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QToolButton] = {}
        self.line = row(label("Order by", "muted"), None)
        self.setLayout(self.line)
        self.hide()

    def show_criteria(self, criteria: dict[str, str]) -> None:
        """Offer these criteria (name to meaning) and the overall order; nothing if there are none."""
        for button in self.buttons.values():
            self.line.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        names = [*criteria.items(), (OVERALL, "Everything together: this order gives the pairs.")] if criteria else []
        for place, (name, meaning) in enumerate(names, start=1):
            button = bind(actions.CRITERION, QToolButton(self))
            button.setProperty("role", "tab")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setToolTip(tip(meaning))
            button.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))
            self.buttons[name] = button
            self.line.insertWidget(place, button)
        self.setVisible(bool(names))

    def show_ordering(self, ordering: Ordering) -> None:
        for name, button in self.buttons.items():
            title = one_line(name.capitalize(), LONGEST)
            done = bool(ordering.switch(name).tiers)
            button.setText(on_button(f"✓  {title}" if done else title))
            button.setAccessibleName(f"Order by {title}{', done' if done else ''}")
            button.setChecked(name == ordering.criterion)
