"""A text to read that is as tall as what it says, up to a limit; then it scrolls. It can be selected and copied."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from core.texts import PAGE, Limits
from desktop.theme import theme
from desktop.widgets.strangers import Reading, offer_whole

HIGHEST = 132
#: Of a longer text nobody has to measure the width: it fills its lines.
MEASURED = 400
#: An entry of a text's menu, and what it does.
Offer = tuple[str, Callable[[], object]]


class FittedText(Reading):
    """In `size` pixels before the person's own taste. `offers` are further entries of its menu."""

    def __init__(
        self, parent: QWidget | None = None, *, size: int = theme.BODY, weight: int = 400, limits: Limits = PAGE
    ) -> None:
        super().__init__(parent, limits=limits)
        self._size, self._weight = size, weight
        self.highest = HIGHEST
        self.offers: list[Offer] = []
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setTabChangesFocus(True)
        self.viewport().setAutoFillBackground(False)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.document().setDocumentMargin(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._dress()
        theme.notifier.changed.connect(self._dress)

    def reach_by_keys(self) -> None:
        """Let Tab come here, and keys select."""
        flags = Qt.TextInteractionFlag
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)

    def _dress(self) -> None:
        """In the size of text that the person wants now."""
        self.setStyleSheet(
            "QTextEdit { background: transparent; border: none; padding: 0;"
            f" font-weight: {self._weight}; font-size: {theme.sized(self._size)}px; }}"
            " QTextEdit:focus { border: none; }"
        )
        self.ensurePolished()
        self.fit()

    def show_text(self, text: str) -> None:
        super().show_text(text)
        self.fit()

    @property
    def natural_width(self) -> int:
        """Of its longest line, if that is not long."""
        text = self.toPlainText()
        if len(text) > MEASURED:
            return 1 << 15
        self.ensurePolished()
        return max(self.fontMetrics().horizontalAdvance(line) for line in text.split("\n")) + 6

    def sizeHint(self) -> QSize:
        return QSize(400, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        if menu is not None:
            offer_whole(menu, self.whole, self.limits)
            for title, run in self.offers:
                menu.addAction(title, run)
            menu.popup(event.globalPos())

    def _height(self) -> int:
        return min(self.highest, int(self.document().size().height()) + 4)

    def fit(self) -> None:
        """As tall as it has to be, now that its text, its width or its limit is another."""
        bars = Qt.ScrollBarPolicy
        long = self.document().size().height() + 4 > self.highest
        self.setVerticalScrollBarPolicy(bars.ScrollBarAsNeeded if long else bars.ScrollBarAlwaysOff)
        if self.height() != self._height():
            self.setFixedHeight(self._height())
