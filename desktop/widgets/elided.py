"""Texts that give way where there is little room: an ellipsis stands for what does not fit."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy

from core.texts import one_line
from desktop.widgets.strangers import Label, on_button


class ElidedLabel(QLabel):
    """One line; `whole` is what it would say."""

    def __init__(self, whole: str, role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self.whole, self._mode = one_line(whole), mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setAccessibleName(self.whole)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.whole) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def say(self, whole: str) -> None:
        self.whole = one_line(whole)
        self.setAccessibleName(self.whole)
        self._fit()

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self.whole, self._mode, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


class OneLine(Label):
    """As wide as its text where there is room. It is cut only where it is drawn; `text` is all of it. With word wrap it
    is as any other label."""

    def minimumSizeHint(self) -> QSize:
        found = super().minimumSizeHint()
        return found if self.wordWrap() else QSize(min(24, found.width()), found.height())

    def drawn(self) -> str:
        """What of it is seen."""
        room = self.contentsRect().width()
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.wordWrap():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        place = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.style().drawItemText(
            painter, self.contentsRect(), place, self.palette(), self.isEnabled(), self.drawn(), self.foregroundRole()
        )
        painter.end()


class ElidedParts(QLabel):
    """One line of rich text in parts, after `begin`: as many as there is room for. All of them are its tooltip."""

    def __init__(self, begin: str, role: str = "") -> None:
        super().__init__()
        self._begin, self._parts = begin, list[str]()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, parts: list[str]) -> None:
        self._parts = parts
        self.setToolTip(self._first(len(parts)))
        self._fit()

    def _first(self, count: int) -> str:
        shown = self._parts[:count] + ["…"] * (count < len(self._parts))
        return self._begin + "&nbsp;&nbsp; ".join(shown) if shown else ""

    def _fit(self) -> None:
        for count in range(len(self._parts), -1, -1):
            self.setText(self._first(count))
            if self.sizeHint().width() <= self.width():
                break

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


class ElidedLink(QPushButton):
    """A link no wider than its text, and narrower where it must be."""

    def __init__(self, whole: str) -> None:
        super().__init__()
        self.whole = one_line(whole)
        self.setProperty("role", "link")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(True)
        self.setAccessibleName(self.whole)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.whole) + 8, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        text = self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, self.width() - 6)
        self.setText(on_button(text))
