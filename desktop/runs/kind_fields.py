"""One of several kinds of something is chosen, each with fields of its own: a run, a server's model and the like."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QWidget

from core.config.training import TrainPolicyJob, TrainRewardJob
from desktop.actions import Action
from desktop.runs.run_list import describe
from desktop.runs.server_fields import ServerFields
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, turn_only_with_focus

NO_RUN, NO_REWARD = "No policy is tuned yet: tune one first.", "No reward model is trained yet: train one first."
#: Pixels that a list has at least: beside others it is narrower than the longest of its texts.
NARROW = 120
#: The kind that the fields of a server belong to.
SERVER = "server"


class KindFields(QWidget):
    """`refused` carries why a server could not be asked, and what asks it again; `chosen` tells of another kind."""

    refused = Signal(object, object)
    chosen = Signal()

    def __init__(
        self, session: Session, parent: QWidget, question: str, *, address: Action, model: Action, look: Action
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.session = session
        self.kind = QComboBox(self)
        self.kind.setAccessibleName(question)
        self.kind.setMinimumWidth(NARROW)
        turn_only_with_focus(self.kind)
        self.server = ServerFields(session, self, address=address, model=model, look=look)
        self.server.look.setAutoDefault(False)
        self.server.refused.connect(self.refused)
        self._question, self._pages = question, dict[str, QWidget]()

    def lay_out(self, pages: Mapping[str, QWidget], titles: Mapping[str, str], *rows: QWidget) -> None:
        """The fields of the kind that is chosen stand below the choice, and `rows` below them."""
        self._pages = dict(pages)
        for kind, title in titles.items():
            self.kind.addItem(title, kind)
        asked = column(label(self._question, "small"), self.kind, spacing=SPACE // 2)
        layout = column(asked, *pages.values(), *rows, spacing=2 * SPACE)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)
        self.kind.currentIndexChanged.connect(lambda _: self.show_kind())
        self.show_kind()

    @property
    def needs(self) -> Mapping[str, QComboBox]:
        """By kind the list of runs without which nothing of that kind can be chosen."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Is there anything of the kind that is chosen?"""
        lacking = self.needs.get(self.kind.currentData())
        return lacking is None or lacking.count() > 0

    def choose(self, kind: str) -> None:
        self.kind.setCurrentIndex(self.kind.findData(kind))

    def show_kind(self) -> None:
        shown = self.kind.currentData()
        for kind, page in self._pages.items():
            page.setVisible(kind == shown)
        self.chosen.emit()

    def remember(self) -> None:
        """Keep what was asked, for the next time."""
        if self.kind.currentData() == SERVER:
            self.server.remember()

    def runs(self, record: type[TrainRewardJob] | type[TrainPolicyJob], name: str) -> QComboBox:
        """Those that can be used, the newest first."""
        found = QComboBox(self)
        found.setAccessibleName(name)
        found.setMinimumWidth(NARROW)
        found.setPlaceholderText(NO_REWARD if record is TrainRewardJob else NO_RUN)
        turn_only_with_focus(found)
        self.read_runs(record, found)
        return found

    def read_runs(self, record: type[TrainRewardJob] | type[TrainPolicyJob], into: QComboBox) -> None:
        """Fill a list that `runs` made anew; what was chosen stays chosen."""
        before = into.currentData()
        into.clear()
        for job in self.session.jobs(record):
            if job.usable:
                into.addItem(describe(job), job.id)
        into.setCurrentIndex(max(0, into.findData(before)))  # with a placeholder, Qt chooses none


def form(*lines: tuple[str, QWidget], about: str = "") -> QWidget:
    found, layout = QWidget(), QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE)
    for name, field in lines:
        layout.addRow(name, field)
    if about:
        layout.addRow(label(about, "muted", wrap=True))
    found.setLayout(layout)
    return found
