"""Prompts that ask nearly the same, in sets: look, then keep one of each."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QTreeWidget, QTreeWidgetItem, QWidget

from core.errors import KnownError
from core.preferences.similar import near_duplicates
from core.records import Prompt
from core.store import prompts
from core.texts import one_line
from desktop import errors
from desktop.background import in_background
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.strangers import tip

SHOWN = 500


class DuplicatesDialog(QDialog):
    """`deleted` carries the `Changes`. The first prompt of each set is kept unless others are ticked off."""

    deleted = Signal(object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Prompts that are nearly the same")
        self.resize(760, 560)
        self.session = session
        self.about = label("Comparing all prompts …", "muted", wrap=True)
        self.items: list[QTreeWidgetItem] = []
        self.tree = QTreeWidget(self)
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Sets of prompts; ticked ones are deleted")
        self.tree.itemChanged.connect(lambda: self._count())
        self.delete_button = button("Delete", self.delete, role="primary")
        self.delete_button.setEnabled(False)
        foot = row(None, button("Close", self.reject), self.delete_button)
        layout = column(self.about, self.tree, foot, spacing=SPACE + 4)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        found = prompts.listed(session.project)
        ranked = prompts.ranked_ids(session.project)
        texts = [prompt.text for prompt in found]
        in_background(self, lambda: near_duplicates(texts), lambda sets: self._show(found, ranked, sets))

    def _show(self, found: list[Prompt], ranked: set[int], sets: list[list[int]]) -> None:
        if not sets:
            self.about.setText("No two prompts are nearly the same.")
            return
        extra = sum(len(members) - 1 for members in sets)
        cut = f" The first {SHOWN} sets are shown." if len(sets) > SHOWN else ""
        self.about.setText(
            f"{len(sets):,} sets of prompts with nearly the same words, {extra:,} more prompts than needed. "
            f"Ticked ones will be deleted; a ranked prompt is always kept.{cut}"
        )
        self.tree.blockSignals(True)
        for number, members in enumerate(sets[:SHOWN], start=1):
            top = QTreeWidgetItem([f"Set {number}: {len(members)} prompts"])
            self.tree.addTopLevelItem(top)
            keeper = next((place for place in members if found[place].id in ranked), members[0])
            for place in members:
                item = QTreeWidgetItem([one_line(found[place].text)])
                item.setData(0, Qt.ItemDataRole.UserRole, found[place].id)
                item.setToolTip(0, tip(found[place].text))
                if found[place].id in ranked:
                    item.setText(0, item.text(0) + "   (ranked)")
                else:
                    tick = Qt.CheckState.Unchecked if place == keeper else Qt.CheckState.Checked
                    item.setCheckState(0, tick)
                top.addChild(item)
                self.items.append(item)
            top.setExpanded(True)
        self.tree.blockSignals(False)
        self._count()

    def ticked(self) -> list[int]:
        return [
            int(item.data(0, Qt.ItemDataRole.UserRole))
            for item in self.items
            if item.checkState(0) == Qt.CheckState.Checked
        ]

    def _count(self) -> None:
        count = len(self.ticked())
        self.delete_button.setText(f"Delete {count:,}")
        self.delete_button.setEnabled(count > 0)

    def delete(self) -> None:
        try:
            changes = prompts.delete(self.session.project, self.ticked())
        except KnownError as error:
            errors.show(error, self)
            return
        self.deleted.emit(changes)
        self.accept()
