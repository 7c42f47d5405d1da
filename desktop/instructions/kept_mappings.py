"""Mappings of columns that are kept by name, for the next file of the same shape."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from core import data
from core.data import Columns
from core.errors import KnownError
from core.texts import one_line
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, label, row, set_role
from desktop.widgets.growing import keep_width
from desktop.widgets.strangers import tip

NONE = "Kept columns …"


class KeptMappings(QWidget):
    """`chosen` carries the `Columns` of a kept mapping. `show_columns` says what would be kept."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._columns: Columns | None = None
        self.list = QComboBox(self)
        self.list.setAccessibleName("Columns that are kept by name")
        keep_width(self.list, 170)
        self.list.activated.connect(lambda: self._choose())
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name to keep these columns by")
        self.name.setPlaceholderText("Name to keep them by")
        keep_width(self.name, 190)
        self.name.textChanged.connect(lambda: self._enable())
        self.name.returnPressed.connect(self.keep)
        self.keep_button = button("Keep", self.keep, tip="Keep these columns by this name", default=False)
        self.forget_button = button("Forget", self.forget, role="link", tip="Keep them no more", default=False)
        self.said = label("", "muted")
        items = (self.list, self.forget_button, self.name, self.keep_button, self.said)
        self.setLayout(row(*items, None, spacing=SPACE))
        self._load()

    def show_columns(self, columns: Columns | None) -> None:
        self._columns = columns
        self._enable()

    def keep(self) -> None:
        """Keep what is chosen now by the name that was typed; one of the same name is replaced."""
        if self._columns is None or not self.name.text().strip():
            return
        name = self.name.text().strip()
        try:
            data.keep_mapping(name, self._columns)
        except KnownError as error:
            self._say(str(error), "error")
            return
        self.name.clear()
        self._load(name)
        self._say("Kept.", "good")

    def forget(self) -> None:
        """Keep the chosen one no more; the columns of the file stay as they are."""
        name = self.list.currentData()
        if not name:
            return
        try:
            data.keep_mapping(name, None)
        except KnownError as error:
            self._say(str(error), "error")
            return
        self.name.setText(name)
        self._load()
        self._say("Forgotten.", "muted")

    def _choose(self) -> None:
        found = data.kept_mappings().get(str(self.list.currentData()))
        self._say("", "muted")
        self._enable()
        if found is not None:
            self.chosen.emit(found)

    def _load(self, name: str = "") -> None:
        self.list.clear()
        self.list.addItem(NONE, "")
        for each, columns in data.kept_mappings().items():
            self.list.addItem(one_line(each, 60), each)
            self.list.setItemData(self.list.count() - 1, tip(columns.text), Qt.ItemDataRole.ToolTipRole)
        self.list.setCurrentIndex(max(0, self.list.findData(name)))
        self._enable()

    def _enable(self) -> None:
        self.list.setEnabled(self.list.count() > 1)
        self.forget_button.setVisible(bool(self.list.currentData()))
        self.keep_button.setEnabled(self._columns is not None and bool(self.name.text().strip()))

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)
