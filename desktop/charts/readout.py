"""The line beside a chart's heading: the values at a step, each in its curve's colour. It is the legend too."""

from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.charts.curve import Key


@dataclass(frozen=True)
class Value:
    """`word` names the curve; one of `another` run is left out where there is no room."""

    key: Key
    word: str
    value: float
    another: bool = False

    def text(self, *, number: bool) -> str:
        short = f"{self.value:.3g}" if abs(self.value) < 1000 else f"{self.value:,.0f}"
        return f"{self.word} {short}".strip() if number else self.word or short


class Readout(QWidget):
    """`alone`: it stands on a line of its own, where a single value has its curve's mark, too.

    The label lies in no layout: at each new text it would have the whole page laid out anew.
    """

    def __init__(self, *, alone: bool = False) -> None:
        super().__init__()
        self._marked = 1 if alone else 2
        self._label = QLabel(self)
        self._label.setProperty("role", "small")
        self._label.setTextFormat(Qt.TextFormat.RichText)
        side = Qt.AlignmentFlag.AlignLeft if alone else Qt.AlignmentFlag.AlignRight
        self._label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._said: tuple[str, list[Value]] = ("", [])
        self._keys: list[str] = []

    def text(self) -> str:
        return self._label.text()

    def sizeHint(self) -> QSize:
        return self._label.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._label.minimumSizeHint()

    def say(self, begin: str, values: list[Value]) -> None:
        """Where there is little room, the other runs give way, then the step, then the values; never the names."""
        self._said = (begin, values)
        own = [value for value in values if not value.another]
        for shown, number, start in (
            (values, True, begin), (own, True, begin), (own, True, ""), (own, False, ""),
        ):  # fmt: skip
            texts = [value.text(number=number) for value in shown]
            keys = [value.key.mark if len(shown) >= self._marked else "" for value in shown]
            dots = ["" if len(shown) < self._marked else "●● " if value.another else "● " for value in shown]
            plain = "   ".join([start, *(dot + text for dot, text in zip(dots, texts, strict=True))])
            if self._label.fontMetrics().horizontalAdvance(plain.strip()) <= self.width():
                break
        parts = [f"{key} {escape(text)}".strip() for key, text in zip(keys, texts, strict=True)]
        self._label.setText("&nbsp;&nbsp; ".join(([escape(start)] if start else []) + parts))
        if keys != self._keys:  # a mark may be higher than the letters
            self._keys = keys
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._label.resize(self.size())
        self.say(*self._said)
