"""The line at the foot of a window that is shown to a room: where one is, and which keys lead on."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame

from desktop.theme.theme import SPACE
from desktop.widgets.basics import label, row
from desktop.widgets.elided import OneLine


class PresenterLine(QFrame):
    """Has the keys while nothing else wants them."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.setAccessibleName("Presentation")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.place = label("", "subheading")
        self.keys = OneLine()
        line = row(self.place, None, self.keys, spacing=3 * SPACE)
        line.setContentsMargins(3 * SPACE, SPACE // 2, 3 * SPACE, SPACE // 2)
        self.setLayout(line)

    def say(self, place: str, keys: tuple[str, ...]) -> None:
        self.place.setText(place)
        self.keys.setText("   ·   ".join(keys))
        self.setAccessibleDescription(f"{place}. {'. '.join(keys)}.")
