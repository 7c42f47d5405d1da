"""The pairs that follow from the rankings: which rule gave how many, each to read, to filter, to take in or out."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QTableView,
    QWidget,
)

from core.preferences import judged_groups
from core.records import Pair, by_hand
from core.runs.trail_pages import Place
from core.store import Changes, Project, guidelines, labelers, pairs, prompts, rankings
from core.store.pairs import Filter
from core.texts import one_line
from desktop.actions import GO_TO, Action
from desktop.background import with_project
from desktop.instructions.import_dialog import ImportDialog
from desktop.places import TabId
from desktop.review import actions
from desktop.review.export_dialog import ExportDialog
from desktop.runs.actions import INFLUENCED
from desktop.runs.trail_dialog import show_trail
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.aside import Aside
from desktop.widgets.basics import Number, column, label, row
from desktop.widgets.bound import action_button, bind
from desktop.widgets.columns import keep_columns
from desktop.widgets.empty import Empty
from desktop.widgets.growing import keep_most_width
from desktop.widgets.strangers import Reading, tip
from desktop.widgets.tables import plain

Index = QModelIndex | QPersistentModelIndex
Answer = tuple[int, list[Pair], int, dict[str, int], list[str]]
NOWHERE = QModelIndex()
SHOWN = 1000
#: Letters of a name in a box.
LONGEST = 80
ALL_TAGS = [("All tags", "")]
COLUMNS = ("Prompt", "Chosen", "Rejected", "Distance", "Labeler")
#: What the page counts, in words short enough for a number's name.
RULES = {
    "pairs": "pairs",
    "ties, which give no pair": "ties",
    "flagged prompts, which give none": "flagged prompts",
    "flagged completions, left out": "flagged completions",
    "unranked completions, below the ranked": "unranked",
    "rankings overruled by adjudication": "overruled",
    "repeats, which only measure": "repeats",
}


class PairsModel(QAbstractTableModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.found: list[Pair] = []
        self.names: dict[int, str] = {}

    def show_pairs(self, found: list[Pair], names: dict[int, str]) -> None:
        self.beginResetModel()
        self.found, self.names = found, names
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.found)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        pair = self.found[index.row()]
        value = (pair.prompt, pair.chosen, pair.rejected, str(pair.gap), self.names.get(pair.labeler_id, ""))
        text = value[index.column()]
        hand = by_hand(("", pair.chosen_by, pair.rejected_by, "", "")[index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(f"✎ {one_line(hand)}\n\n{text}" if hand else text)
        return f"✎ {one_line(text)}" if hand else one_line(text)


class PairsPage(QWidget):
    """Counts and lists in the background: 100,000 rankings give 600,000 pairs."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._asked = 0
        self._timer = QTimer(self, singleShot=True, interval=200)
        self._timer.timeout.connect(self.load)
        self.numbers = {rule: Number(name, rule) for rule, name in RULES.items()}
        self.model = PairsModel(self)
        self.view = self._table()
        self.count = label("", "muted")
        self.chosen, self.rejected = self._text("Chosen"), self._text("Rejected")
        texts = QWidget()
        self.hands = label("", "small"), label("", "small")
        self.influenced = action_button(INFLUENCED, self.show_influence)
        self.influenced.setStyleSheet("padding: 0;")
        chosen, rejected = label("Chosen", "good"), label("Rejected", "muted")
        for item in (chosen, rejected):  # both texts begin at the same height
            item.setFixedHeight(3 * SPACE)
        sides = row(
            column(row(chosen, self.hands[0], None), self.chosen),
            column(row(rejected, self.hands[1], None, self.influenced), self.rejected),
            spacing=2 * SPACE,
        )
        sides.setContentsMargins(0, SPACE, 0, 0)
        texts.setLayout(sides)
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.setChildrenCollapsible(False)
        split.addWidget(self.view)
        split.addWidget(texts)
        split.setSizes([420, 170])
        self.empty = Empty(
            "No pairs yet",
            "Two completions with different ranks give a pair. Rank some prompts, or import rankings from a file.",
            GO_TO[TabId.RANK],
            lambda: session.navigator.open_tab(TabId.RANK),
        )
        self.stack = QStackedWidget(self)
        self.stack.addWidget(split)
        self.stack.addWidget(self.empty)
        numbers = row(*self.numbers.values(), None, spacing=3 * SPACE)
        layout = column(numbers, self._filters(), self.stack, spacing=SPACE + 4)
        layout.setStretch(2, 1)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)

    def _text(self, name: str) -> Reading:
        text = Reading(self)
        text.setAccessibleName(name)
        text.setTabChangesFocus(True)
        return text

    def _table(self) -> QTableView:
        view = QTableView(self)
        view.setModel(self.model)
        plain(view, "Pairs")
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        keep_columns(view, {3: 84, 4: 170})
        view.selectionModel().currentRowChanged.connect(lambda index, _: self._show(index))
        return view

    def _filters(self) -> QWidget:
        self.boxes = {name: self._box(action) for name, action in actions.FILTERS.items()}
        self.margin = QSpinBox(self)
        self.margin.setRange(1, 15)
        self.margin.setPrefix("distance ≥ ")
        bind(actions.DISTANCE, self.margin)
        self.margin.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.margin.valueChanged.connect(self._timer.start)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(actions.SEARCH.title)
        bind(actions.SEARCH, self.search)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._timer.start)
        line = row(*self.boxes.values(), self.margin, self.search, spacing=SPACE)
        line.setStretch(len(self.boxes) + 1, 1)
        foot = row(
            self.count,
            None,
            action_button(actions.IMPORT, self.bring_in),
            action_button(actions.IMPORT_FROM_HUB, self.bring_in_from_hub),
            action_button(actions.EXPORT, self.take_out),
        )
        whole = QWidget()
        whole.setLayout(column(line, foot))
        Aside(whole)
        return whole

    def _box(self, action: Action) -> QComboBox:
        box = bind(action, QComboBox(self))
        box.setToolTip(action.title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        keep_most_width(box, 190)
        box.activated.connect(lambda: self.load())
        return box

    def refresh(self) -> None:
        """Read again what can be filtered by, and the pairs."""
        project = self.session.project
        people = labelers.busiest(project, actions.CHOICES)
        choices: dict[str, list[tuple[str, Any]]] = {
            "labeler_id": [("All labelers", 0), *((who.title, who.id) for who in people)],
            "version": [
                ("All versions", 0),
                *((f"Version {item.id}", item.id) for item in guidelines.versions(project)),
            ],
            "split": [("Training and held-out", ""), ("Training", "train"), ("Held-out", "heldout")],
            "criterion": [("Overall", ""), *((name.capitalize(), name) for name in rankings.criteria(project))],
        }
        for name, found in choices.items():
            self._offer(name, found)
        if not self.boxes["tag"].count():
            self._offer("tag", ALL_TAGS)  # until those that there are have been read
        self.load()

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        box = self.boxes[name]
        before = box.currentData()
        box.clear()
        for text, value in choices:
            box.addItem(one_line(text, LONGEST), value)
        box.setCurrentIndex(max(0, box.findData(before)))
        box.setVisible(len(choices) > 2 or name in ("labeler_id", "split"))

    @property
    def filter(self) -> Filter:
        values = {name: box.currentData() for name, box in self.boxes.items()}
        return Filter(**values, margin=self.margin.value(), search=self.search.text().strip())

    def load(self) -> None:
        """Count and list anew; an older answer that comes late is dropped."""
        self._timer.stop()
        self._asked += 1
        number, chosen = self._asked, self.filter
        self.count.setText("Counting …")

        def work(project: Project) -> Answer:
            found = pairs.listed(project, chosen, limit=SHOWN)
            tags = prompts.tags(project)[: actions.CHOICES]
            counts = pairs.counts(project)
            total = counts.pairs if chosen.empty else pairs.count(project, chosen)
            return number, found, total, judged_groups.rules(project, counts), tags

        with_project(self, self.session.project, work, self._loaded)

    def _loaded(self, answer: Answer) -> None:
        number, found, total, rules, tags = answer
        if number != self._asked:
            return
        self._offer("tag", [*ALL_TAGS, *((tag, tag) for tag in tags)])
        for rule, shown in self.numbers.items():
            shown.show_value(rules[rule])
            shown.setVisible(rules[rule] > 0 or rule in ("pairs", "ties, which give no pair"))
        names = {who.id: who.title for who in labelers.listed(self.session.project)}
        self.model.show_pairs(found, names)
        cut = f", the first {len(found):,} are shown" if len(found) < total else ""
        noun = "pair" if total == 1 else "pairs"
        self.count.setText(
            f"{total:,} {noun}{cut}" if total else "No pair passes the filter." if rules["pairs"] else ""
        )
        self.stack.setCurrentIndex(0 if rules["pairs"] else 1)
        if found:
            self.view.selectRow(0)
        else:
            self._show(QModelIndex())

    def _show(self, index: Index) -> None:
        pair = self.model.found[index.row()] if index.isValid() else None
        self.influenced.setEnabled(pair is not None)
        self.chosen.show_text(pair.chosen if pair else "")
        self.rejected.show_text(pair.rejected if pair else "")
        for mark, name in zip(self.hands, (pair.chosen_by, pair.rejected_by) if pair else ("", ""), strict=True):
            mark.setText(f"✎ {one_line(by_hand(name))}" if name else "")

    def show_influence(self) -> None:
        """What the ranking of the selected pair had a part in."""
        index = self.view.currentIndex()
        if index.isValid():
            show_trail(self.session, Place("ranking", self.model.found[index.row()].ranking_id), self)

    def bring_in(self) -> None:
        self._import_dialog().choose()

    def bring_in_from_hub(self) -> None:
        self._import_dialog().choose_from_hub()

    def _import_dialog(self) -> ImportDialog:
        dialog = ImportDialog(self.session, self, what="rankings")
        dialog.imported.connect(self._imported)
        return dialog

    def _imported(self, changes: Changes) -> None:
        self.session.announce(changes, self)
        self.refresh()

    def take_out(self) -> None:
        ExportDialog(self.session, self).choose()
