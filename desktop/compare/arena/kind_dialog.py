"""Ask for one of several kinds of something, each with fields of its own, and for what of it is filled in."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QStackedWidget, QWidget

from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import KnownError
from core.trust.wish import AskFirst
from desktop import errors
from desktop.compare.arena import actions
from desktop.runs.run_list import describe
from desktop.runs.server_fields import ServerFields
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, without_icons

NO_RUN, NO_REWARD = "No policy is tuned yet: tune one first.", "No reward model is trained yet: train one first."


class KindDialog(QDialog):
    """What is filled in is asked of `submit`, which raises `KnownError` for what cannot be."""

    def __init__(self, session: Session, parent: QWidget, title: str, question: str, agree: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.session = session
        self.kind, self.fields = QComboBox(self), QStackedWidget(self)
        self.kind.setAccessibleName(question)
        self.server = ServerFields(session, self, address=actions.SERVER, model=actions.SERVER_MODEL, look=actions.LOOK)
        self.server.look.setAutoDefault(False)
        self.server.refused.connect(self._refused)
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText(agree)
        without_icons(self.buttons)
        self.buttons.accepted.connect(self.agree)
        self.buttons.rejected.connect(self.reject)

    def lay_out(self, pages: Mapping[str, QWidget], titles: Mapping[str, str], *rows: QWidget, above: str = "") -> None:
        """`rows` stand below the fields of the chosen kind."""
        for kind, title in titles.items():
            self.kind.addItem(title, kind)
            self.fields.addWidget(pages[kind])
        asked = column(label(self.kind.accessibleName(), "small"), self.kind, spacing=SPACE // 2)
        head = [label(above, "muted", wrap=True)] if above else []
        layout = column(*head, asked, self.fields, *rows, self.error, None, self.buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(layout)
        self.setMinimumWidth(560)
        self.kind.currentIndexChanged.connect(self.show_kind)
        self.show_kind(self.kind.currentIndex())

    @property
    def needs(self) -> Mapping[str, QComboBox]:
        """By kind the list of runs without which nothing of that kind can be chosen."""
        raise NotImplementedError

    def submit(self) -> None:
        raise NotImplementedError

    def agree(self) -> None:
        """Where somebody must be asked first, they are, and it is done once they agreed."""
        try:
            self.submit()
        except KnownError as error:
            self._refused(error, self.agree)
            return
        if self.kind.currentData() == "server":
            self.server.remember()
        self.accept()

    def runs(self, record: type[TrainRewardJob] | type[TrainPolicyJob], name: str) -> QComboBox:
        """Those that can be used, the newest first."""
        found = QComboBox(self)
        found.setAccessibleName(name)
        found.setPlaceholderText(NO_REWARD if record is TrainRewardJob else NO_RUN)
        for job in self.session.jobs(record):
            if job.usable:
                found.addItem(describe(job), job.id)
        found.setCurrentIndex(0)  # with a placeholder, Qt chooses none
        return found

    def show_kind(self, place: int) -> None:
        self.fields.setCurrentIndex(place)
        self.say("")
        lacking = self.needs.get(self.kind.currentData())
        self.ok.setEnabled(lacking is None or lacking.count() > 0)

    def say(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def _refused(self, error: KnownError, again: object) -> None:
        if isinstance(error, AskFirst) and callable(again):
            errors.show(error, self, again)
        else:
            self.say(str(error))


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
