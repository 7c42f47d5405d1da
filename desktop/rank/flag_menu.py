"""The flags that the guidelines define, for one completion and for the whole prompt, in one menu; and mending it."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from core.labeling.ordering import Ordering
from core.store.guidelines import of_all_answers
from core.texts import one_line
from desktop.rank.keys import with_key
from desktop.widgets.strangers import on_button, tip

LONGEST = 70


class FlagMenu(QMenu):
    """`chosen` carries the completion (0 is the whole prompt) and the flag's name (empty takes it away), `mending` the
    completion that a better one is to be written out of."""

    chosen = Signal(int, str)
    instructions = Signal()
    mending = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self._number = 0

    def fill(self, flags: dict[str, str], item: int, letter: str, ordering: Ordering) -> None:
        """Show `flags` (name to meaning); digits choose one by keyboard."""
        self.clear()
        self._number = 0
        if flags:
            single = {name: meaning for name, meaning in flags.items() if not of_all_answers(meaning)}
            self._part(f"Completion {letter}, which then gives no pairs", single, item, ordering.flags.get(item))
            self._part("Whole prompt, instead of an order", flags, 0, ordering.flag)
        else:
            self.addAction("The guidelines define no flags yet").setEnabled(False)
            self.addAction("Write them in Instructions").triggered.connect(self.instructions)
        self.addSeparator()
        mend = self.addAction(with_key(f"Mend {letter}: write a better one out of it", "mend"))
        mend.triggered.connect(lambda: self.mending.emit(item))

    def _part(self, title: str, flags: dict[str, str], item: int, current: str | None) -> None:
        if self.actions():
            self.addSeparator()
        self.addAction(title).setEnabled(False)
        for name, meaning in flags.items():
            self._add(name, meaning, item, name, name == current)
        if current:
            self._add(f"No flag (now: {current})", "", item, "", False)

    def _add(self, title: str, meaning: str, item: int, flag: str, checked: bool) -> QAction:
        self._number += 1
        number = f"&{self._number}" if self._number < 10 else "  "
        short = one_line(meaning, LONGEST)
        text = f"{one_line(title, LONGEST)}: {short}" if short else title
        action = self.addAction(f"{number}   {on_button(text)}")
        action.setToolTip(tip(meaning or title))
        action.setData((item, flag))
        action.setCheckable(checked)
        action.setChecked(checked)
        action.triggered.connect(lambda: self.chosen.emit(item, flag))
        return action
