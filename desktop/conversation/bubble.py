"""One turn as a bubble: the user's at the right, the assistant's at the left, a system's across the whole width.

Each says in words whose it is: colour and side alone say it to nobody who cannot see them.
"""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from core.conversation import Message, Role
from core.texts import PAGE, Limits
from core.turns import said, speaker
from desktop.conversation.fitted import FittedText
from desktop.theme import theme
from desktop.widgets.basics import label

#: Of the width of what holds it, a bubble takes at most so much; a narrow one has all of it.
SHARE = 0.8
NARROW = 480
LEAST = 80
RADIUS = 9.0
MARGIN = 12


class Bubble(QFrame):
    """Of one role. Kept for the next conversation: making one takes longer than painting it."""

    def __init__(self, parent: QWidget, *, size: int = theme.BODY, weight: int = 400, limits: Limits = PAGE) -> None:
        super().__init__(parent)
        self._role: Role = "user"
        self.name = label("", "small")
        self.text = FittedText(self, size=size, weight=weight, limits=limits)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 5, MARGIN, 7)
        layout.setSpacing(1)
        layout.addWidget(self.name)
        layout.addWidget(self.text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self.update)

    def show_turn(self, message: Message, place: int) -> None:
        """`place` counts the conversation's turns from 0."""
        self._role = message.role
        self.name.setText(speaker(message))
        self.text.setAccessibleName(f"Turn {place + 1}, {message.role}")
        self.text.show_text(said(message))
        self.update()

    @property
    def role(self) -> Role:
        return self._role

    @property
    def natural_width(self) -> int:
        return max(self.text.natural_width, self.name.sizeHint().width()) + 2 * MARGIN

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        ground = {"user": colours.accent_soft, "assistant": colours.surface}.get(self._role, colours.raised)
        line = QPen(QColor(colours.accent_soft if self._role == "user" else colours.line), 1)
        if self._role == "system":
            line = QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(line)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


class Turn(QWidget):
    """A bubble in its row, at its speaker's side, as wide as it needs to be and at most this `share` of the row."""

    def __init__(
        self,
        parent: QWidget,
        *,
        size: int = theme.BODY,
        weight: int = 400,
        limits: Limits = PAGE,
        share: float = SHARE,
    ) -> None:
        super().__init__(parent)
        self._share, self.place = share, 0
        self.bubble = Bubble(self, size=size, weight=weight, limits=limits)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bubble)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(LEAST)  # else the bubble, as wide as it is now, would hold the row so when it narrows

    def show_turn(self, message: Message, place: int) -> None:
        self.place = place
        self.bubble.show_turn(message, place)
        sides = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
        self.layout().setAlignment(self.bubble, sides[message.role != "user"])  # type: ignore[union-attr]
        self.fit()

    def set_highest(self, pixels: int) -> None:
        """How tall the text may be before it scrolls."""
        self.bubble.text.highest = pixels
        self.bubble.text.fit()

    def fit(self) -> None:
        """As wide as the text, within what there is."""
        most = (
            self.width() if self.width() < NARROW or self.bubble.role == "system" else round(self.width() * self._share)
        )
        self.bubble.setFixedWidth(max(LEAST, min(self.bubble.natural_width, most)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()
