"""What is said of all rows of a file that is imported: what its prompts are for, and whose rankings they are."""

from typing import cast

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from core.records import Split
from desktop.instructions.import_preview import What
from desktop.widgets.basics import label, row


class ImportTerms(QWidget):
    def __init__(self, what: What, parent: QWidget) -> None:
        super().__init__(parent)
        self.use = QComboBox(self)
        self.use.setAccessibleName("Use for")
        for title, value in (("Use as the file says", ""), ("Training", "train"), ("Held-out", "heldout")):
            self.use.addItem(title, value)
        self._is_chosen = False
        self.use.activated.connect(self._choose)
        self.labeler = QLineEdit("imported", self)
        self.labeler.setAccessibleName("Whose rankings they are")
        self.labeler.setToolTip("Whose rankings they are, where the file does not say.")
        self.labeler.setMaximumWidth(160)
        self.answers = QCheckBox("With the answers, to be learnt", self)
        self.answers.setToolTip("Each row's one answer becomes a demonstration, for supervised tuning (SFT).")
        self.answers.setVisible(what == "prompts")
        whose = label("Labeler", "muted")
        self.setLayout(row(self.use, self.answers, whose, self.labeler))
        for widget in (whose, self.labeler):
            widget.setVisible(what == "rankings")

    @property
    def split(self) -> Split | None:
        """None is what the file says of each."""
        return cast(Split, self.use.currentData()) or None

    def guess(self, split: Split | None) -> None:
        """What another file is for, as far as its name says; what a person chose stays."""
        if not self._is_chosen:
            self.use.setCurrentIndex(self.use.findData(split or ""))

    def _choose(self) -> None:
        self._is_chosen = True

    @property
    def whose(self) -> str:
        return self.labeler.text().strip() or "imported"
