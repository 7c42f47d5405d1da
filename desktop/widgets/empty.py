"""What stands where there is nothing yet."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from desktop.actions import Action
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button
from desktop.widgets.growing import keep_most_width

#: The text takes what there is, up to its widest, before the room beside it does.
MUCH = 100


class Empty(QWidget):
    """What will be here, and the next step as a button; without an `action` it has none to offer."""

    def __init__(
        self, heading: str, text: str, action: Action | None = None, run: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self.heading = label(heading, "heading")
        self.text = label(text, "muted", wrap=True)
        keep_most_width(self.text, 460)
        self.action = action_button(action, run) if action is not None else QPushButton()
        inner: list[QWidget] = [self.heading, self.text]
        if action is not None:
            inner.append(self.action)
        for item in inner:
            if isinstance(item, QLabel):
                item.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = column(None, spacing=SPACE)
        for item in inner:
            # Between stretches and not aligned: an aligned label is given one line, however long its text is.
            line = row(None, item, None)
            line.setStretch(1, MUCH if item is self.text else 0)
            layout.addLayout(line)
        layout.addStretch(1)
        self.setLayout(layout)
