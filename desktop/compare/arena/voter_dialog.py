"""Ask who votes from now on: somebody who is known here, or a new name."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.store import labelers, packed_rankings
from desktop.compare.arena.asking_dialog import AskingDialog
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label

ABOUT = "Each labeler has votes of their own, here and in Rank: it is the same name."


class VoterDialog(AskingDialog):
    """`chosen` tells that somebody else votes now."""

    chosen = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent, "Somebody else votes", "Vote")
        self.session = session
        self.name = QComboBox(self)
        self.name.setAccessibleName("Labeler")
        self.name.setEditable(True)
        self.name.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.name.addItems([each.name for each in labelers.listed(session.project) if each.kind == "person"])
        self.name.setCurrentText(session.labeler_name)
        asked = column(label("Labeler", "small"), self.name, spacing=SPACE // 2)
        self.lay_out(asked, label(ABOUT, "muted", wrap=True), width=380)
        self.name.setFocus(Qt.FocusReason.TabFocusReason)  # which selects what is there

    def submit(self) -> None:
        name = packed_rankings.labeler_here(self.session.project, self.name.currentText().strip())
        self.session.labeler_name = labelers.named(self.session.project, name).name
        self.chosen.emit()
