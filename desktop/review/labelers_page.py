"""Who ranks what: labelers, shares with overlap, packs out and back, repeats, judges, simulated labelers."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from core.errors import KnownError
from core.labeling import gold, simulate
from core.records import Labeler
from core.runs import wishes
from core.store import Changes, Project, assignments, labelers, rankings
from core.store.undo import bulk
from core.texts import one_line
from core.trust import gate
from core.trust.wish import AskFirst
from desktop import errors
from desktop.background import with_project
from desktop.review import actions
from desktop.review.conflicts_list import ConflictsList
from desktop.review.judge_card import JudgeCard
from desktop.review.packs_card import PacksCard
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import (
    card,
    column,
    label,
    row,
    set_role,
    side_panel,
    turn_only_with_focus,
    unmarked,
)
from desktop.widgets.bound import action_button, bind
from desktop.widgets.columns import keep_columns
from desktop.widgets.tables import table

#: Labelers in the table: a data set may name thousands.
SHOWN = 200
#: Behind the name of who is no person.
BESIDE = {"person": "", "scripted": "  (a script)", "judge": "  (a judge)"}
COLUMNS = ("Takes part", "Labeler", "Ranked", "Waiting", "Share")


class LabelersPage(QWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.people: list[Labeler] = []
        self.ranked: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self._asked = 0
        self.table = self._table()
        self.name = QLineEdit(self)
        self.name.setPlaceholderText("Name of a labeler")
        bind(actions.NAME, self.name)
        self.name.returnPressed.connect(self.add)
        self.said = label("", "muted", wrap=True)
        self.more = label("", "muted", wrap=True)
        self.conflicts = ConflictsList(session, self)
        self.judge = JudgeCard(session, self)
        self.packs = PacksCard(session, self.selected, self)
        self.packs.said.connect(self._say)
        self.packs.merged.connect(self._merged)
        fields = (self._sharing(), self.packs, self._steadiness(), self.judge, self._simulation())
        turn_only_with_focus(self.overlap, self.every, self.gold, self.personality, self.temperature)
        left = column(
            row(self.name, action_button(actions.ADD, self.add), None),
            self.table,
            self.more,
            self.said,
            self.conflicts,
            spacing=SPACE + 4,
        )
        left.setStretch(1, 1)
        area = side_panel(column(*fields, None, spacing=2 * SPACE), 372)
        layout = row(left, area, spacing=3 * SPACE)
        layout.setStretch(0, 1)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)

    def _table(self) -> QTableWidget:
        found = table("Labelers", COLUMNS)
        found.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        keep_columns(found, {0: 96, 2: 84, 3: 84, 4: 108})
        return found

    def _sharing(self) -> QWidget:
        self.overlap = QSpinBox(self)
        self.overlap.setRange(1, 20)
        bind(actions.OVERLAP, self.overlap)
        self.overlap.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.share_button = action_button(actions.SHARE_OUT, self.share)
        self.unshare_button = action_button(actions.EVERYBODY, self.unshare)
        return card(
            column(
                label("Share the prompts out", "heading"),
                label("Tick who takes part. Each prompt goes to as many of them as you say.", "muted", wrap=True),
                row(label("Each prompt to"), self.overlap, None, self.share_button),
                row(self.unshare_button, None),
            )
        )

    def _steadiness(self) -> QWidget:
        self.every = QSpinBox(self)
        self.every.setRange(0, 100)
        self.every.setSpecialValueText("never")
        self.every.setPrefix("after every ")
        bind(actions.REPEAT, self.every)
        self.every.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.every.valueChanged.connect(self._set_every)
        return card(
            column(
                label("Is a labeler steady?", "heading"),
                label(
                    "An earlier item comes again, unannounced and in another order. It only measures.",
                    "muted",
                    wrap=True,
                ),
                row(label("Repeat one"), self.every, None),
            )
        )

    def _simulation(self) -> QWidget:
        self.gold = QComboBox(self)
        self.gold.setEditable(True)
        self.gold.addItems(list(gold.NAMED))
        bind(actions.GOLD, self.gold)
        self.gold.setToolTip(unmarked(f"What the simulated labeler prefers: {gold.HELP}"))
        self.personality = QComboBox(self)
        bind(actions.PERSONALITY, self.personality)
        for name, kind in simulate.PERSONALITIES.items():
            self.personality.addItem(name.capitalize(), name)
            self.personality.setItemData(self.personality.count() - 1, kind.meaning, Qt.ItemDataRole.ToolTipRole)
        self.temperature = QDoubleSpinBox(self)
        self.temperature.setRange(-0.01, 10)
        self.temperature.setSingleStep(0.1)
        self.temperature.setValue(-0.01)
        self.temperature.setSpecialValueText("its own")
        bind(actions.NOISE, self.temperature)
        self.temperature.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        self.simulate_button = action_button(actions.LET_RANK, self.simulate)
        return card(
            column(
                label("Simulated labeler", "heading"),
                label("For demos and experiments. Its rankings are marked wherever they appear.", "muted", wrap=True),
                row(label("Prefers"), self.gold),
                row(label("Character"), self.personality),
                row(label("Noise"), self.temperature, None, self.simulate_button),
            )
        )

    def refresh(self) -> None:
        """Read again who there is and how far they are."""
        project = self.session.project
        ticked = {who.id for who in self.ticked()}
        everybody, shares = labelers.listed(project), assignments.assigned(project)
        self.people = _shown(everybody, shares.keys() | ticked)
        self.more.setText(f"The newest of {len(everybody):,} labelers, and those who take part, are shown.")
        self.more.setVisible(len(everybody) > len(self.people))
        if not self.people:
            self._say("Nobody has ranked yet. Add those who will, or open the Rank tab under your own name.", "muted")
        self.table.setRowCount(len(self.people))
        for place, who in enumerate(self.people):
            person = who.kind == "person"
            tick = QTableWidgetItem()
            if person:
                on = who.id in shares or who.id in ticked
                tick.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
                tick.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            name = one_line(who.name)
            values = (
                name + BESIDE[who.kind],
                self._ranked(who),
                self._waiting(who),
                f"{shares[who.id]:,}" if who.id in shares else ("everything" if person and not shares else ""),
            )
            self.table.setItem(place, 0, tick)
            for number, text in enumerate(values, start=1):
                self.table.setItem(place, number, QTableWidgetItem(text))
        sharing, overlap = assignments.plan(project)
        self.unshare_button.setVisible(bool(sharing))
        if sharing:
            self.overlap.setValue(min(overlap, self.overlap.maximum()))
        self.every.blockSignals(True)
        self.every.setValue(min(max(0, project.setting(assignments.REPEAT_EVERY, 0)), self.every.maximum()))
        self.every.blockSignals(False)
        self.conflicts.refresh()
        self.judge.refresh()
        self._count()

    def _count(self) -> None:
        """Count beside the window what each has ranked, and what is left to them: each has a queue of their own."""
        self._asked += 1
        number, people = self._asked, [who.id for who in self.people if who.kind == "person"]

        def count(project: Project) -> tuple[dict[int, int], dict[int, int]]:
            waiting = {who: len(assignments.queue(project, who).waiting) for who in people}
            return rankings.count_by_labeler(project), waiting

        def show(found: tuple[dict[int, int], dict[int, int]]) -> None:
            if number == self._asked:
                self.ranked, self.waiting = found
                self.ranked = dict.fromkeys((who.id for who in self.people), 0) | self.ranked
                for place, who in enumerate(self.people):
                    for at, text in ((2, self._ranked(who)), (3, self._waiting(who))):
                        self.table.setItem(place, at, QTableWidgetItem(text))

        with_project(self, self.session.project, count, show, self._failed)

    def _ranked(self, who: Labeler) -> str:
        return f"{self.ranked[who.id]:,}" if who.id in self.ranked else ""

    def _waiting(self, who: Labeler) -> str:
        return f"{self.waiting[who.id]:,}" if who.id in self.waiting else ""

    def ticked(self) -> list[Labeler]:
        """Who is chosen to take part."""
        found = []
        for place, who in enumerate(self.people):
            item = self.table.item(place, 0)
            if item is not None and item.checkState() == Qt.CheckState.Checked:
                found.append(who)
        return found

    def add(self) -> None:
        def make() -> Changes:
            labelers.named(self.session.project, self.name.text())
            return self.session.project.changed("Add labeler", "labelers")

        if self._do(make):
            self.name.clear()

    def share(self) -> None:
        chosen = [who.id for who in self.ticked()]
        if not chosen:
            self._say("Tick at least one labeler who takes part.", "warning")
            return
        if self._do(lambda: assignments.assign(self.session.project, chosen, self.overlap.value())):
            self._say("Shared out. Prompts that are answered later follow in the same way.", "good")

    def unshare(self) -> None:
        self._do(lambda: assignments.unassign(self.session.project))

    def selected(self) -> Labeler | None:
        """Whose row is selected."""
        place = self.table.currentRow()
        return self.people[place] if 0 <= place < len(self.people) else None

    def _merged(self, changes: Changes) -> None:
        self.session.announce(changes, self)
        self.refresh()

    def simulate(self) -> None:
        """Let the simulated labeler rank everything, in the background."""
        reward, character = self.gold.currentText().strip(), self.personality.currentData()
        unscored = gold.Unscored()
        noise = None if self.temperature.value() < 0 else self.temperature.value()

        def done(found: tuple[Changes, Changes]) -> None:
            ranked, changes = found
            said = f"It ranked {len(ranked.ids):,} prompts. {unscored.sentence}".strip()
            self._say(said, "warning" if unscored.groups else "good")
            self.session.announce(changes, self)
            self.refresh()

        def work(project: Project) -> tuple[Changes, Changes]:
            store = simulate.asked(project, reward, character, temperature=noise, unscored=unscored)
            return bulk.record(project, "Simulate a labeler", ("rankings", "labelers"), store)

        try:
            gate.choose(self.session.project, wishes.of_gold(reward))
        except KnownError as error:
            self._refused(error)
            return
        self._apart(work, done)

    def _refused(self, error: KnownError) -> None:
        if isinstance(error, AskFirst):
            errors.show(error, self, self.simulate)
        else:
            self._failed(error)

    def _apart(self, work: Callable[[Any], Any], done: Callable[[Any], None]) -> None:
        """Run `work` with a project of its own beside the window."""
        self._say("Working …", "muted")
        with_project(self, self.session.project, work, done, self._failed)

    def _failed(self, error: Any) -> None:
        if isinstance(error, KnownError):
            self._say(str(error), "error")
        else:
            errors.show(error, self)

    def _set_every(self, number: int) -> None:
        self._do(lambda: self.session.project.set_setting(assignments.REPEAT_EVERY, number))

    def _do(self, step: Callable[[], Changes]) -> bool:
        try:
            changes = step()
        except KnownError as error:
            self._say(str(error), "error")
            return False
        self._say("", "muted")
        self.session.announce(changes, self)
        self.refresh()
        return True

    def _say(self, sentence: str, role: str) -> None:
        self.said.setText(sentence)
        set_role(self.said, role)


def _shown(everybody: list[Labeler], part: set[int]) -> list[Labeler]:
    """Those who take part, and the newest others, in their usual order."""
    first = sorted(everybody, key=lambda who: (who.id not in part, -who.id))[:SHOWN]
    return sorted(first, key=lambda who: who.id)
