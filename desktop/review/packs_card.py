"""Labeling packs and pages: what goes out to be ranked, or voted on, on another machine, and what comes back."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QWidget

from core.errors import KnownError
from core.labeling import html_pack, pack, pack_report
from core.records import Labeler
from core.store import Changes, Project, arenas
from core.store.packed_rankings import PACK
from core.store.undo import bulk
from core.texts import one_line
from desktop import errors, user_settings
from desktop.background import with_project
from desktop.review import actions
from desktop.session import Session
from desktop.widgets import file_dialogs
from desktop.widgets.basics import card, column, label, row, turn_only_with_focus
from desktop.widgets.bound import action_button, bind

#: Writes what a labeler is to rank, and says how many prompts that is.
Write = Callable[[Project, Path, str], int]
#: Letters of an arena's name.
LONGEST = 60


class PacksCard(QWidget):
    """`said` carries a sentence and its role, `merged` the `Changes` of what came back."""

    said = Signal(str, str)
    merged = Signal(object)

    def __init__(self, session: Session, chosen: Callable[[], Labeler | None], parent: QWidget) -> None:
        """`chosen` is who is selected, for whom a pack is made."""
        super().__init__(parent)
        self.session, self.chosen = session, chosen
        self.arena = bind(actions.PACK_ARENA, QComboBox(self))
        self.arena.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.arena.setMinimumContentsLength(12)
        turn_only_with_focus(self.arena)
        self.voting = QWidget(self)
        choice = row(label("A pack also holds"), self.arena)
        choice.setStretch(1, 1)
        choice.setContentsMargins(0, 0, 0, 0)
        self.voting.setLayout(choice)
        about = "A pack is ranked in Plumbline, a page in any browser. Neither needs a model or a network."
        make_pack = action_button(actions.MAKE_PACK, self.choose_pack)
        make_page = action_button(actions.MAKE_PAGE, self.choose_page)
        self.setLayout(column(card(column(
            label("Rank on another machine", "heading"),
            label(about, "muted", wrap=True),
            row(make_pack, make_page, None),
            self.voting,
            row(action_button(actions.MERGE_PACK, self.choose_merge), None),
        ))))  # fmt: skip

    def refresh(self) -> None:
        """Read again which arenas can be voted in. A pack that is open holds its own anyway."""
        project, kept = self.session.project, self.arena.currentData()
        found = [] if project.setting(PACK) is not None else arenas.with_questions(project)
        self.arena.clear()
        self.arena.addItem("No arena", "")
        for each in found:
            self.arena.addItem(one_line(each.name, LONGEST), each.name)
        self.arena.setCurrentIndex(max(0, self.arena.findData(kept)))
        self.voting.setVisible(bool(found))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def choose_pack(self) -> None:
        arena = self.arena.currentData() or ""
        self._choose("Write the labeling pack", pack.SUFFIX, partial(self.make_pack, arena=arena))

    def choose_page(self) -> None:
        self._choose("Write the page to rank in", html_pack.SUFFIXES[0], self.make_page)

    def _choose(self, title: str, suffix: str, make: Callable[[Path, str], None]) -> None:
        """Ask where to write what the selected labeler is to rank."""
        who = self.chosen()
        if who is None or who.kind != "person":
            self.said.emit("Select the labeler in the table for whom the pack is.", "warning")
            return
        name = re.sub(r'[\\/:*?"<>|]+', "-", f"{self.session.project.name} for {who.name}{suffix}")
        file_dialogs.ask_save(
            self, title, name, lambda path: make(path, who.name), suffix=suffix.removeprefix(".")
        )  # fmt: skip

    def make_pack(self, path: Path, labeler: str, arena: str = "") -> None:
        """Write a pack in the background, with the arena of that name to vote in, if one is given."""
        votes = f", and the arena “{one_line(arena, LONGEST)}” to vote in" if arena else ""
        self._make(path, labeler, partial(pack.pack, arena=arena), votes)

    def make_page(self, path: Path, labeler: str) -> None:
        """Write a page in the background. It asks as one ranks here, until its labeler chooses another way."""
        self._make(path, labeler, partial(html_pack.write, method=user_settings.ranking_method()))

    def _make(self, path: Path, labeler: str, write: Write, votes: str = "") -> None:
        def done(waiting: int) -> None:
            holds = f"{path.name} holds {waiting:,} prompts for {labeler}{votes}"
            self.said.emit(f"{holds}: send it, and merge what comes back.", "good")

        self._apart(lambda project: write(project, path, labeler), done)

    def choose_merge(self) -> None:
        file_dialogs.ask_open(self, "Merge a labeling pack or answers", self.merge, file_dialogs.MERGED)

    def merge(self, path: Path) -> None:
        """Take over the rankings and votes of a pack in the background."""

        def done(found: tuple[pack.Merged, Changes]) -> None:
            report, changes = found
            trouble = bool(report.conflicts or report.refused or report.begun_left)
            self.said.emit(_told(report), "warning" if trouble else "good")
            self.merged.emit(changes)

        def work(project: Project) -> tuple[pack.Merged, Changes]:
            tables = ("rankings", "labelers", "arena_votes", "drafts")
            return bulk.record(project, "Merge a labeling pack", tables, lambda: pack.merge(project, path))

        self._apart(work, done)

    def _apart(self, work: Callable[[Project], Any], done: Callable[[Any], None]) -> None:
        """Run `work` with a project of its own beside the window."""
        self.said.emit("Working …", "muted")
        with_project(self, self.session.project, work, done, self._failed)

    def _failed(self, error: Any) -> None:
        if isinstance(error, KnownError):
            self.said.emit(str(error), "error")
        else:
            errors.show(error, self)


def _told(report: pack.Merged) -> str:
    """What came back."""
    parts = [f"{report.added:,} rankings are new", f"{report.known:,} were known"]
    more = {"were taken back": report.retracted, "stand again": report.restored, "new answers": report.answers}
    more["votes in an arena"] = report.votes
    parts += [f"{number:,} {what}" for what, number in more.items() if number]
    parts += filter(None, [pack_report.of_remarks(report.remarks), pack_report.of_other_guidelines(report.reworded)])
    if report.conflicts:
        parts.append(f"{report.conflicts:,} conflict with rankings made here: choose below")
    if report.refused:
        parts.append(f"{len(report.refused):,} could not be taken: {report.refused[0]}")
    parts += [sentence.rstrip(".") for sentence in report.begun_left]
    return "; ".join(parts) + ("" if report.refused else ".")
