"""A warning in one line that can be read in full: it must not take the room of what it warns of."""

from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.actions import WHAT_TO_DO
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button
from desktop.widgets.elided import ElidedLabel
from desktop.widgets.strangers import tip


class ShortText(QWidget):
    """Shows `short`; where the whole text says more, a button shows that."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._opened = False
        self._line = ElidedLabel("", role)
        self._line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._line.setMinimumWidth(40)
        self._whole = label("", role, wrap=True)
        self.more = action_button(WHAT_TO_DO, self._toggle)
        self.more.setStyleSheet("padding: 0 2px;")
        line = row(self._line, self._whole, column(self.more, None, spacing=0), spacing=SPACE)
        for place in range(2):
            line.setStretch(place, 1)
        self.setLayout(line)

    def text(self) -> str:
        return self._whole.whole

    def say(self, short: str, whole: str) -> None:
        self._line.say(short)
        self._whole.setText(whole)
        self._line.setToolTip(tip(whole))
        self._show()

    def _toggle(self) -> None:
        self._opened = not self._opened
        self._show()

    def _show(self) -> None:
        self._whole.setVisible(self._opened)
        self._line.setVisible(not self._opened)
        self.more.setText("Less" if self._opened else WHAT_TO_DO.title)
