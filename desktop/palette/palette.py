"""The command palette: type a few letters of anything that can be done now, and press Return."""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from desktop.palette.row import CommandRow
from desktop.shell.commands import Command, matching
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label

WIDTH, HEIGHT = 560, 420


class CommandPalette(QDialog):
    """Opens over its parent; it is gone before the chosen command runs."""

    def __init__(self, commands: list[Command], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Commands")
        self.commands = commands
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("What do you want to do?")
        self.typed.setAccessibleName("Command")
        self.typed.textChanged.connect(self._list)
        self.typed.installEventFilter(self)
        self.found = QListWidget()
        self.found.setAccessibleName("Commands that fit")
        self.found.setItemDelegate(CommandRow(self.found))
        self.found.setUniformItemSizes(True)
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.itemClicked.connect(self._run)
        self.none = label("Nothing fits: try another word.", "muted")
        layout = column(self.typed, self.found, self.none, spacing=SPACE)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        self.setLayout(layout)
        self.resize(WIDTH, HEIGHT)
        self.move(parent.mapToGlobal(QPoint((parent.width() - WIDTH) // 2, parent.height() // 8)))
        self._list("")

    def _list(self, typed: str) -> None:
        self.found.clear()
        for command in matching(self.commands, typed):
            item = QListWidgetItem()
            item.setData(Qt.ItemDataRole.UserRole, command)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{command.name}, {command.where}")
            self.found.addItem(item)
        self.found.setCurrentRow(0)
        self.found.setVisible(self.found.count() > 0)
        self.none.setVisible(self.found.count() == 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the list while the field has the focus; Return runs."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if step := moves.get(Qt.Key(event.key())):
                self.found.setCurrentRow(max(0, min(self.found.count() - 1, self.found.currentRow() + step)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.found.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        command = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        command.run()
