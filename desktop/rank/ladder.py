"""The order so far as a ladder: one row for each rank, best on top, what is unranked below. Drops land here.

A drop on a row ties, a drop between rows makes a rank there, a drop in the box below takes the rank away.
"""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from core.labeling.ordering import Ordering, letter
from desktop.rank.card import item_of, start_drag
from desktop.theme import theme
from desktop.widgets.letter_chip import draw_chip, mix

CAPTION = 22
GAP = 6
NUMBER = 30
CHIP = 32
ROW_LOW, ROW_EASY, ROW_HIGH = 20.0, 30.0, 40.0
#: The box below grows to this if there is room.
BOX_HIGH = 120


@dataclass(frozen=True)
class Target:
    """Where a drop would land: beside the tier at `index`, in a new rank before it, or among the unranked."""

    kind: Literal["tie", "insert", "remove"]
    index: int = 0


@dataclass(frozen=True)
class Layout:
    """`slots` are the tiers and then empty places: one for each unranked completion, fewer where room is short."""

    slots: list[QRectF]
    box: QRectF
    chips: dict[int, QRectF]


class Ladder(QWidget):
    """Shows an ordering and proposes a new one (`changed`) when a chip or a card is dropped on it."""

    changed = Signal(object)
    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ordering = Ordering(())
        self.selected: int | None = None
        self._aim: Target | None = None
        self._pressed: tuple[int, QPoint] | None = None
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setMinimumSize(150, 260)
        self.setAccessibleName("Order so far")

    def sizeHint(self) -> QSize:
        return QSize(190, 420)

    def show_ordering(self, ordering: Ordering, selected: int | None) -> None:
        self.ordering, self.selected = ordering, selected
        self.setAccessibleDescription(self.sentence())
        self.update()

    def sentence(self) -> str:
        """The order in one line: `A > C = D`, then what is unranked."""
        names = {item: letter(index) for index, item in enumerate(self.ordering.shown)}
        placed = " > ".join(" = ".join(names[item] for item in tier) for tier in self.ordering.tiers)
        rest = ", ".join(names[item] for item in self.ordering.unranked)
        return f"{placed or 'Nothing placed yet'}{'; unranked: ' + rest if rest else ''}"

    def drop(self, item: int, where: QPointF) -> None:
        """A completion was let go at `where`."""
        if item not in self.ordering.shown:
            return
        target = self.target_at(where)
        if target.kind == "remove":
            self.changed.emit(self.ordering.remove(item))
        elif target.kind == "tie":
            self.changed.emit(self.ordering.into_tier(item, target.index))
        else:
            self.changed.emit(self.ordering.insert(item, target.index))

    def target_at(self, where: QPointF) -> Target:
        plan = self.plan()
        tiers = self.ordering.tiers
        if where.y() >= plan.box.top() - GAP:
            return Target("remove")
        for index, slot in enumerate(plan.slots[: len(tiers)]):
            edge = min(8.0, slot.height() / 4)
            if where.y() < slot.top() + edge:
                return Target("insert", index)
            if where.y() <= slot.bottom() - edge:
                return Target("tie", index)
        return Target("insert", len(tiers))

    def plan(self) -> Layout:
        """Where everything lies at the present size."""
        tiers, rest = self.ordering.tiers, self.ordering.unranked
        width = float(self.width() - 2)
        per_line = max(1, int((width - NUMBER - GAP) // CHIP))
        per_box_line = max(1, int((width - 2 * GAP) // CHIP))
        box_lines = max(1, -(-len(rest) // per_box_line))
        placed = [-(-len(tier) // per_line) for tier in tiers]
        empty = len(rest)
        while empty > 1 and self._row_height([*placed, *[1] * empty], box_lines) < ROW_EASY:
            empty -= 1
        lines = [*placed, *[1] * empty]
        row = max(ROW_LOW, min(ROW_HIGH, self._row_height(lines, box_lines)))
        slots, top = [], float(self._caption())
        for count in lines:
            slots.append(QRectF(1, top, width, row * count))
            top += row * count + GAP
        left = self.height() - top - self._caption() - 1
        box = QRectF(1, top + self._caption(), width, max(row * box_lines + 2 * GAP, min(left, BOX_HIGH)))
        chips: dict[int, QRectF] = {}
        for tier, slot in zip(tiers, slots, strict=False):
            chips |= _chips(tier, slot.adjusted(NUMBER, 0, 0, 0), row, per_line)
        chips |= _chips(rest, box.adjusted(GAP, GAP, 0, 0), row, per_box_line)
        return Layout(slots, box, chips)

    def _caption(self) -> int:
        """Height of a line of words with the space below it, as large as the letters are."""
        return max(CAPTION, self.fontMetrics().height() + 4)

    def _row_height(self, lines: list[int], box_lines: int) -> float:
        room = self.height() - 2 * self._caption() - GAP * (len(lines) + 3)
        return room / (sum(lines) + box_lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plan = self.plan()
        self._paint_captions(painter, plan)
        for index, slot in enumerate(plan.slots):
            self._paint_slot(painter, index, slot)
        self._paint_box(painter, plan.box)
        names = {item: letter(index) for index, item in enumerate(self.ordering.shown)}
        for item, chip in plan.chips.items():
            draw_chip(
                painter,
                self.palette(),
                chip,
                names[item],
                filled=self.ordering.rank(item) is not None,
                faint=self.ordering.flag is not None,
            )
            if item == self.selected:
                painter.setPen(QPen(QColor(theme.current().accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(chip.adjusted(-2.5, -2.5, 2.5, 2.5), 9, 9)
        if self._aim and self._aim.kind == "insert" and self._aim.index < len(self.ordering.tiers):
            self._paint_gap(painter, plan, self._aim.index)

    def _paint_captions(self, painter: QPainter, plan: Layout) -> None:
        painter.setPen(QColor(theme.current().muted))
        painter.drawText(QRectF(1, 0, self.width() - 2, self._caption() - 4), Qt.AlignmentFlag.AlignVCenter, "Best")
        count = len(self.ordering.unranked)
        title = f"Unranked, below: {count}" if count else "Unranked: none"
        above = QRectF(1, plan.box.top() - self._caption(), self.width() - 2, self._caption() - 4)
        painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_slot(self, painter: QPainter, index: int, slot: QRectF) -> None:
        ink = theme.current()
        placed = index < len(self.ordering.tiers)
        aimed = self._aim == Target("tie", index) or (not placed and self._aim == Target("insert", index))
        painter.setPen(QPen(QColor(theme.current().accent), 2) if aimed else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ink.accent_soft if placed else ink.raised))
        painter.drawRoundedRect(slot, 8, 8)
        font = self.font()
        font.setBold(placed)
        painter.setFont(font)
        painter.setPen(QColor(ink.text if placed else ink.muted))
        number = QRectF(slot.left(), slot.top(), NUMBER, slot.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignCenter, str(index + 1))
        painter.setFont(self.font())

    def _paint_box(self, painter: QPainter, box: QRectF) -> None:
        ink = theme.current()
        aimed = self._aim is not None and self._aim.kind == "remove"
        line = (
            QPen(QColor(theme.current().accent), 2)
            if aimed
            else QPen(mix(QColor(ink.line), QColor(ink.muted), 0.35), 1, Qt.PenStyle.DashLine)
        )
        painter.setPen(line)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)

    def _paint_gap(self, painter: QPainter, plan: Layout, index: int) -> None:
        y = plan.slots[index].top() - GAP / 2
        painter.setPen(QPen(QColor(theme.current().accent), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(4, y), QPointF(self.width() - 4, y))

    def _chip_at(self, where: QPointF) -> int | None:
        return next((item for item, chip in self.plan().chips.items() if chip.contains(where)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        item = self._chip_at(event.position())
        self._pressed = None if item is None else (item, event.position().toPoint())
        if item is not None:
            self.picked.emit(item)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._chip_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.ArrowCursor)
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        item, start = self._pressed
        if (event.position().toPoint() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            start_drag(self, item, letter(self.ordering.shown.index(item)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click places an unranked completion, or takes a placed one back."""
        item = self._chip_at(event.position())
        if item is not None:
            placed = self.ordering.rank(item) is not None
            self.changed.emit(self.ordering.remove(item) if placed else self.ordering.place_last(item))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if item_of(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._point(self.target_at(event.position()))
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._point(None)

    def dropEvent(self, event: QDropEvent) -> None:
        item = item_of(event.mimeData())
        self._point(None)
        if item is not None:
            event.acceptProposedAction()
            self.drop(item, event.position())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), "Drop on a row to tie, between rows for a rank of its own.", self)
            return True
        return super().event(event)

    def _point(self, target: Target | None) -> None:
        self._aim = target
        self.update()


def _chips(items: tuple[int, ...], area: QRectF, row: float, per_line: int) -> dict[int, QRectF]:
    side = min(28.0, row - 4)
    return {
        item: QRectF(
            area.left() + (index % per_line) * (side + 4),
            area.top() + (index // per_line) * row + (row - side) / 2,
            side,
            side,
        )
        for index, item in enumerate(items)
    }
