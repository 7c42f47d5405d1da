"""Which column of a file is what: its first rows as a table, with a choice at the head of each column."""

from collections.abc import Mapping
from reprlib import Repr
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QComboBox, QTableWidget, QTableWidgetItem, QWidget

from core.data import PARTS, Columns, Inspection
from core.errors import BadInput
from core.texts import one_line
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row, set_role, turn_only_with_focus
from desktop.widgets.growing import keep_rows
from desktop.widgets.strangers import on_button, tip
from desktop.widgets.tables import ROW, table

#: Rows that are shown, and columns: more nobody chooses from.
ROWS, MOST = 4, 60
WIDTH, HEAD = 168, 38
NOTHING = "–"
#: Parts that several columns together can be: they are of answers, or each is one.
SEVERAL = {"answers", "scores", "rank", "model", "tag"}


class ColumnMapper(QWidget):
    """`changed` says that the columns are others now, or that they count or do not."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.names: list[str] = []
        self._rows: tuple[dict[str, Any], ...] = ()
        self._of: dict[str, tuple[str, ...]] = {}
        self.guess = Columns()
        self.choices: dict[str, QComboBox] = {}
        """What each column is, by its name."""
        self.used = QCheckBox("Read the file by these columns", self)
        self.used.toggled.connect(lambda: self._toggled())
        self.about = label("", "muted", wrap=True)
        self.said = label("", "warning", wrap=True)
        self.table = _table()
        self.setLayout(column(row(self.used, None), self.about, self.table, self.said, spacing=SPACE))
        self.said.hide()

    @property
    def columns(self) -> Columns | None:
        """What was chosen, if it counts and a row could be made with it."""
        if not self.used.isChecked():
            return None
        try:
            return Columns(dict(self._of)).checked()
        except BadInput:
            return None

    @property
    def is_wanting(self) -> bool:
        """Is the file to be read by columns from which no row could be made?"""
        return self.used.isChecked() and self.columns is None

    def show_file(self, found: Inspection, *, anew: bool) -> None:
        """Show a file; one that is read `anew` otherwise keeps what was said of its columns, as far as it has them."""
        same = (tuple(self.names), self._rows) == (found.names[:MOST], found.rows[:ROWS])
        if same and not anew:
            return
        self.guess = found.columns
        kept = tuple(self.names) == found.names[:MOST] and not anew
        self.names, self._rows = list(found.names[:MOST]), found.rows[:ROWS]
        self._build()
        cut = f" Of {len(found.names):,} columns the first {MOST} are shown." if len(found.names) > MOST else ""
        self.about.setText(f"Say at the head of each column what it is; what stands there is a guess.{cut}")
        if kept:
            self._paint()
        else:
            self.choose(found.columns, used=False)

    def choose(self, columns: Columns, *, used: bool) -> None:
        """Put columns in: a guess, or ones that were kept."""
        self._of = {part: columns.of[part] for part in PARTS if part in columns.of}
        before = self.used.blockSignals(True)
        self.used.setChecked(used)
        self.used.blockSignals(before)
        self._paint()

    def focus_first(self) -> None:
        """Go to the first column, where whoever is led here begins."""
        for choice in list(self.choices.values())[:1]:
            choice.setFocus()

    def _build(self) -> None:
        self.table.setColumnCount(0)
        self.table.setColumnCount(len(self.names))
        self.choices = {}
        for place, name in enumerate(self.names):
            head = QTableWidgetItem(one_line(name, 60))
            head.setToolTip(tip(name))
            self.table.setHorizontalHeaderItem(place, head)
            self.table.setColumnWidth(place, WIDTH)
            self.table.setCellWidget(0, place, self._choice(name))
            for line, values in enumerate(self._rows, start=1):
                self.table.setItem(line, place, _cell(values, name))

    def _choice(self, name: str) -> QComboBox:
        found = QComboBox()
        found.setAccessibleName(f"What the column {on_button(name, 60)} is")
        found.addItem(NOTHING, "")
        for part, meaning in PARTS.items():
            found.addItem(part.capitalize(), part)
            found.setItemData(found.count() - 1, meaning, Qt.ItemDataRole.ToolTipRole)
        found.activated.connect(lambda: self._say_what(name, str(found.currentData())))
        turn_only_with_focus(found)
        found.installEventFilter(self)
        self.choices[name] = found
        return found

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            for place, choice in enumerate(self.choices.values()):
                if choice is watched:
                    self.table.scrollTo(self.table.model().index(0, place))
        return super().eventFilter(watched, event)

    def _say_what(self, name: str, part: str) -> None:
        """The column `name` is that now, in place of another one where only one can be."""
        left = {other: tuple(each for each in names if each != name) for other, names in self._of.items()}
        if part:
            names = {name, *(left.get(part, ()) if part in SEVERAL else ())}
            left[part] = tuple(sorted(names, key=self._place))
        self.choose(Columns({other: names for other, names in left.items() if names}), used=True)
        self.changed.emit()

    def _place(self, name: str) -> int:
        return self.names.index(name) if name in self.names else len(self.names)

    def _toggled(self) -> None:
        self._paint()
        self.changed.emit()

    def _paint(self) -> None:
        parts = {name: part for part, names in self._of.items() for name in names}
        for place, (name, choice) in enumerate(self.choices.items()):
            choice.setCurrentIndex(max(0, choice.findData(parts.get(name, ""))))
            colour = theme.current().text if name in parts else theme.current().muted
            for line in range(1, self.table.rowCount()):
                item = self.table.item(line, place)
                if item is not None:
                    item.setForeground(QColor(colour))
        self.said.setText(self._lack())
        self.said.setVisible(bool(self.said.text()))
        set_role(self.said, "warning" if self.used.isChecked() else "muted")

    def _lack(self) -> str:
        """What has to be said yet, or names that this file does not have."""
        gone = [name for names in self._of.values() for name in names if name not in self.names]
        if gone:
            return f"This file has no column “{one_line(gone[0], 40)}”."
        if not self.used.isChecked():
            return ""
        try:
            Columns(dict(self._of)).checked()
        except BadInput as error:
            return str(error)
        return ""


def _table() -> QTableWidget:
    found = table("The first rows of the file, and what each column is", ())
    found.setRowCount(ROWS + 1)
    keep_rows(found, ROW)
    found.setRowHeight(0, HEAD)
    found.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    found.horizontalHeader().setStretchLastSection(True)
    found.setFixedHeight(HEAD + ROWS * ROW + 52)
    return found


def _cell(values: Mapping[str, Any], name: str) -> QTableWidgetItem:
    value = Columns({"prompt": (name,)}).value(values, "prompt")
    text = "" if value is None else value if isinstance(value, str) else _short(value)
    found = QTableWidgetItem(one_line(text, 200))
    found.setToolTip(tip(text))
    return found


def _short(value: Any) -> str:
    """A list or an object, as long as somebody looks at one."""
    found = Repr()
    found.maxlist = found.maxdict = 20
    found.maxstring = found.maxother = 300
    return found.repr(value)
