"""Prompts that ask nearly the same, in sets: look, then keep one of each."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from core.errors import KnownError
from core.preferences.similar import near_duplicates
from core.records import Prompt
from core.store import prompts
from core.store.prompts import Along
from core.texts import one_line
from desktop import errors
from desktop.background import in_background
from desktop.instructions.deleting import NOTHING, said, together, warning
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.strangers import tip

SHOWN = 500


class DuplicatesDialog(QDialog):
    """`deleted` carries the `Changes`. One prompt of each set is kept, the one with most work in it, unless others are
    ticked off; so is each that somebody wrote an answer to, began to, or changed and did not save."""

    deleted = Signal(object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Prompts that are nearly the same")
        self.resize(760, 560)
        self.session = session
        self.about = label("Comparing all prompts …", "muted", wrap=True)
        self.warning = label("", "warning", wrap=True)
        self.items: list[QTreeWidgetItem] = []
        self.along: dict[int, Along] = {}
        self._confirmed: tuple[list[int], Along] | None = None
        self.tree = QTreeWidget(self)
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setAccessibleName("Sets of prompts; ticked ones are deleted")
        self.tree.itemChanged.connect(lambda: self._count())
        self.delete_button = button("Delete", self.delete, role="primary")
        self.delete_button.setEnabled(False)
        foot = row(None, button("Close", self.reject), self.delete_button)
        layout = column(self.about, self.tree, self.warning, foot, spacing=SPACE + 4)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        found = prompts.listed(session.project)
        ranked = prompts.ranked_ids(session.project)
        self.along = prompts.along(session.project, (prompt.id for prompt in found))
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
            keeper = max(members, key=lambda place: (found[place].id in ranked, *self._work(found[place].id)))
            for place in members:
                prompt_id = found[place].id
                item = QTreeWidgetItem([one_line(found[place].text)])
                item.setData(0, Qt.ItemDataRole.UserRole, prompt_id)
                item.setToolTip(0, tip(found[place].text))
                if prompt_id in ranked:
                    item.setText(1, "ranked")
                else:
                    item.setText(1, said(self.along.get(prompt_id, NOTHING)))
                    kept = place == keeper or self._work(prompt_id)[0] > 0
                    item.setCheckState(0, Qt.CheckState.Unchecked if kept else Qt.CheckState.Checked)
                top.addChild(item)
                self.items.append(item)
            top.setExpanded(True)
        self.tree.blockSignals(False)
        self._count()

    def _work(self, number: int) -> tuple[int, int]:
        """What people did at a prompt, and how many answers it has."""
        along = self.along.get(number, NOTHING)
        return along.by_hand + along.drafts + along.begun + along.typed, along.answers

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
        self.warning.setText("")
        self._confirmed = None

    def delete(self) -> None:
        """Delete what is ticked. Where something goes with it, it is asked twice."""
        ids = self.ticked()
        along = together(prompts.along(self.session.project, ids).values())
        if along != NOTHING and (ids, along) != self._confirmed:
            self._confirmed = ids, along
            self.warning.setText(warning(along))
            return
        try:
            changes = prompts.delete(self.session.project, ids)
        except KnownError as error:
            errors.show(error, self)
            return
        self.deleted.emit(changes)
        self.accept()
