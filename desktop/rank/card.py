"""One completion as a card: its letter, its text, its place. A drag carries it; a drop on it ties.

Where the completion came from is not on the card until it is ranked: a labeler judges the text alone.
"""

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.markdown import is_markdown
from core.records import Completion, Verdict
from core.texts import beginning, shown
from desktop import user_settings
from desktop.rank import actions
from desktop.rank.keys import with_key
from desktop.theme import theme
from desktop.widgets.bound import bind
from desktop.widgets.elided import OneLine
from desktop.widgets.letter_chip import LetterChip, accent, draw_chip, mix
from desktop.widgets.markdown_view import set_markdown
from desktop.widgets.strangers import Label, Reading, tip

MIME = "application/x-plumbline-completion"
MIN_SIZE = QSize(236, 150)
#: How a completion that is cut on its card is had whole.
WAY = with_key("Copy all of it", "copy") + "."
RADIUS = 10.0
EMPTY, NOTHING_BUT_BLANKS = "An empty answer", "Nothing but blanks"
SAID = {None: "", "good": "+ good", "bad": "− bad"}
FREE = "QToolButton { border: 1px solid palette(mid); border-radius: 6px; padding: 3px 10px; }"
PLACED = (
    "QToolButton { border: 1px solid palette(highlight); border-radius: 6px; padding: 3px 10px;"
    " background: palette(highlight); color: palette(highlighted-text); font-weight: 600; }"
)


def mime_of(item: int) -> QMimeData:
    data = QMimeData()
    data.setData(MIME, str(item).encode())
    return data


def item_of(data: QMimeData) -> int | None:
    """The completion that is being dragged, or None when it is something else."""
    return int(bytes(data.data(MIME).data()).decode()) if data.hasFormat(MIME) else None


def start_drag(source: QWidget, item: int, letter: str) -> None:
    """Carry the completion `item` until it is dropped."""
    drag = QDrag(source)
    drag.setMimeData(mime_of(item))
    drag.setPixmap(chip_pixmap(source, letter))
    drag.setHotSpot(QPoint(18, 18))
    drag.exec(Qt.DropAction.MoveAction)


def chip_pixmap(widget: QWidget, letter: str) -> QPixmap:
    ratio = widget.devicePixelRatioF()
    pixmap = QPixmap(QSize(36, 36) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_chip(painter, widget.palette(), QRectF(1, 1, 34, 34), letter, filled=True, faint=False)
    painter.end()
    return pixmap


class TwinMark(QLabel):
    """That a text nearly repeats another card's: in words where there is room for them, and by its letter else."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._letter = ""
        self.setProperty("role", "small")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.hide()

    def show_twin(self, letter: str) -> None:
        self._letter = letter
        self.setToolTip(f"It says nearly the same as {letter}." if letter else "")
        self.setVisible(bool(letter))
        self._fit()

    def _fit(self) -> None:
        words, short = (f"≈ nearly the same as {self._letter}", f"≈ {self._letter}") if self._letter else ("", "")
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(short))
        fits = self.fontMetrics().horizontalAdvance(words) <= self.width()
        self.setText(words if fits else short)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


class RankingCard(QFrame):
    """Signals carry the completion's id: clicked, clicked twice, its place asked for or given up, flags asked for,
    another completion dropped on it. A card is kept for the next item: making one takes longer than painting it."""

    picked = Signal(int)
    enlarged = Signal(int)
    toggled = Signal(int)
    flagging = Signal(int)
    dropped = Signal(int, int)

    def __init__(self, completion: Completion, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = letter
        self.extra = 0
        """Pixels by which the text is larger than the labeler says: large windows are read from farther away."""
        self._selected = self._target = self._focused = False
        self._rank: int | None = None
        self._pressed_at: QPoint | None = None
        self.setAcceptDrops(True)
        self.setMinimumSize(MIN_SIZE)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(f"Completion {letter}")
        self._build()
        self.show_completion(completion)

    def _build(self) -> None:
        self.chip = LetterChip(self.letter, self)
        self.flag_label = OneLine(parent=self)
        self.flag_label.setProperty("role", "warning")
        self.twin = TwinMark(self)
        self.flag_button = self._button("⚑", with_key("Flag this completion", "flag"))
        self.flag_button.clicked.connect(lambda: self.flagging.emit(self.completion.id))
        self.place_button = bind(actions.PLACE, self._button("", ""))
        self.place_button.clicked.connect(lambda: self.toggled.emit(self.completion.id))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.setContentsMargins(0, 0, 6, 0)
        head.addWidget(self.chip)
        head.addWidget(self.flag_label)
        head.addWidget(self.twin, 100)
        head.addStretch(1)
        head.addWidget(self.flag_button)
        head.addWidget(self.place_button)
        self.text = Reading(self, way=WAY)
        self.text.setAccessibleName(f"Text of completion {self.letter}")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.text.viewport().setAutoFillBackground(False)
        self.text.setAcceptDrops(False)
        self.text.viewport().setAcceptDrops(False)
        self.text.viewport().installEventFilter(self)
        self.text.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        self.text.document().setDocumentMargin(2)
        self._size = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 8, 10)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.text, 1)
        self.foot = Label(parent=self)
        self.foot.setProperty("role", "small")
        self.foot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(self.foot)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

    def show_completion(self, completion: Completion) -> None:
        """Show another completion, without a place and from its beginning."""
        self.completion = completion
        self.show_twin("")
        self.show_origin(False)
        self.read_settings()
        self.text.verticalScrollBar().setValue(0)
        self.show_state(None, tied=False, flag=None)

    def read_settings(self) -> None:
        """Show the text in the size and the form (Markdown or raw) that the labeler likes."""
        if (size := theme.enlarged(user_settings.font_size() + self.extra)) != self._size:
            self._size = size
            self.text.setStyleSheet(
                f"QTextEdit {{ background: transparent; border: none; padding: 0; font-size: {size}px; }}"
            )
        text = self.completion.text
        nothing = "" if text.strip() else NOTHING_BUT_BLANKS if text else EMPTY
        self.text.setPlaceholderText(nothing)
        if not nothing and user_settings.card_view("markdown") and is_markdown(beginning(text)):
            set_markdown(self.text, text, way=WAY)
        else:
            self.text.show_text("" if nothing else text)

    def show_twin(self, letter: str) -> None:
        """Say that the text nearly repeats that of another card; empty when it does not."""
        self.twin.show_twin(letter)

    def show_origin(self, shown: bool) -> None:
        """Tell who wrote it, which is hidden while it is ranked; that it was written by hand is not."""
        parts = [
            "" if self.completion.ended else "Cut off at the length limit",
            self.completion.origin if shown else self.completion.by_hand,
        ]
        self.foot.setText("  ·  ".join(part for part in parts if part))
        self.foot.setToolTip(tip(self.foot.whole))
        self.foot.setVisible(bool(self.foot.text()))

    def mark(self, spans: list[tuple[int, int]]) -> None:
        """Highlight parts of the text, given as (start, end) in characters of what is shown."""
        colours = theme.current()
        found = []
        for start, end in spans:
            selection = QTextEdit.ExtraSelection()
            selection.cursor = QTextCursor(self.text.document())
            selection.cursor.setPosition(start)
            selection.cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            selection.format.setBackground(QColor(colours.accent_soft))
            selection.format.setForeground(QColor(colours.accent))
            selection.format.setFontWeight(QFont.Weight.DemiBold)
            found.append(selection)
        self.text.setExtraSelections(found)

    def show_state(
        self, rank: int | None, *, tied: bool, flag: str | None, word: str = "", verdict: Verdict | None = None
    ) -> None:
        """What the ordering says about this completion; `word` stands for the rank where ranks have names."""
        self._rank = rank
        self.chip.filled = rank is not None
        place = "Place" if rank is None else f"{rank} tied" if tied else str(rank)
        out = bool(flag) and rank is not None
        self.place_button.setText(word or (f"({rank})" if out else place))
        self.place_button.setStyleSheet(FREE if rank is None or out else PLACED)
        self.place_button.setToolTip(
            f"Give it the next place ({self.letter})"
            if rank is None
            else f"{'It is flagged: its place gives no pairs. ' if out else ''}Take its place away (Delete)"
        )
        self.flag_label.setText("   ".join(filter(None, (SAID[verdict], f"⚑ {flag}" if flag else ""))))
        self.flag_label.setToolTip(tip(flag or ""))
        self.flag_label.setVisible(bool(flag or verdict))
        place = "unranked" if rank is None else f"rank {rank}{', tied' if tied else ''}"
        place += f", {verdict}" if verdict else ""
        said = self.text.placeholderText() or shown(self.completion.text)
        self.setAccessibleDescription(f"{place}{', flagged ' + flag if flag else ''}. {said}")
        self.chip.update()
        self.update()

    def set_selected(self, selected: bool, *, focused: bool = True) -> None:
        """The selected card; its frame is strong while the keys go to the board."""
        if (selected, focused) != (self._selected, self._focused):
            self._selected, self._focused = selected, focused
            self.update()

    def scroll_text(self, pages: int) -> None:
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.value() + pages * bar.pageStep())

    def drop(self, item: int) -> None:
        """Another completion was let go over this card."""
        if item != self.completion.id:
            self.dropped.emit(item, self.completion.id)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = self.palette()
        base, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strong = self._selected or self._target
        line = accent(palette) if strong else mix(base, ink, 0.16)
        painter.setPen(QPen(line, 2.5 if strong and (self._focused or self._target) else 1.0))
        painter.setBrush(mix(base, accent(palette), 0.12 if self._target else 0.05 if self._rank else 0.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The text hands its presses to the card, so that a drag may begin on it; the wheel still scrolls."""
        if event.type() in (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseMove,
            QEvent.Type.MouseButtonRelease,
            QEvent.Type.MouseButtonDblClick,
        ):
            assert isinstance(event, QMouseEvent)
            self._mouse(event)
            return True
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mouse(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._mouse(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse(event)

    def _mouse(self, event: QMouseEvent) -> None:
        where = event.globalPosition().toPoint()
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.enlarged.emit(self.completion.id)
        elif event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = where
            self.picked.emit(self.completion.id)
        elif event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.RightButton:
            self.picked.emit(self.completion.id)
            self.flagging.emit(self.completion.id)
        elif event.type() == QEvent.Type.MouseButtonRelease:
            self._pressed_at = None
        elif self._pressed_at is not None:
            far = (where - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
            if far and event.buttons() & Qt.MouseButton.LeftButton:
                self._pressed_at = None
                start_drag(self, self.completion.id, self.letter)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        item = item_of(event.mimeData())
        if item is not None and item != self.completion.id:
            event.acceptProposedAction()
            self._aim(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._aim(False)

    def dropEvent(self, event: QDropEvent) -> None:
        item = item_of(event.mimeData())
        self._aim(False)
        if item is not None:
            event.acceptProposedAction()
            self.drop(item)

    def _aim(self, target: bool) -> None:
        self._target = target
        self.update()
