"""A dialog of the arena that asks for something to be filled in, and does it once somebody agrees."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLayout, QWidget

from core.errors import KnownError
from core.trust.wish import AskFirst
from desktop import errors
from desktop.runs.kind_fields import KindFields
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, without_icons


class AskingDialog(QDialog):
    """What is filled in is asked of `submit`, which raises `KnownError` for what cannot be."""

    def __init__(self, parent: QWidget, title: str, agree: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText(agree)
        self.ok.setProperty("role", "primary")
        self.ok.setDefault(True)
        without_icons(self.buttons)
        self.buttons.accepted.connect(self.agree)
        self.buttons.rejected.connect(self.reject)

    def lay_out(self, *items: QWidget | QLayout, width: int = 560) -> None:
        layout = column(*items, None, self.error, self.buttons, spacing=2 * SPACE)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(layout)
        self.setMinimumWidth(width)

    def submit(self) -> None:
        raise NotImplementedError

    def agree(self) -> None:
        """Where somebody must be asked first, they are, and it is done once they agreed. What is wrong is said, and
        what was filled in stays."""
        try:
            self.submit()
        except KnownError as error:
            self.refuse(error, self.agree)
        else:
            self.accept()

    def say(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))
        self.grow()

    def grow(self) -> None:
        """Higher where what is asked or said now needs it: texts that break would else be squeezed."""
        layout = self.layout()
        if layout is not None and self.isVisible():
            layout.activate()
            needed = layout.heightForWidth(self.width()) if layout.hasHeightForWidth() else layout.sizeHint().height()
            self.resize(self.width(), max(self.height(), needed))

    def refuse(self, error: KnownError, again: object) -> None:
        if isinstance(error, AskFirst) and callable(again):
            errors.show(error, self, again)
        else:
            self.say(str(error))


class KindDialog(AskingDialog):
    """Its `fields` ask for one of several kinds; without anything of the kind, nobody can agree."""

    fields: KindFields

    def lay_out(self, *items: QWidget | QLayout, width: int = 560) -> None:
        super().lay_out(*items, width=width)
        self.fields.refused.connect(self.refuse)
        self.fields.chosen.connect(self._show_kind)
        self._show_kind()

    def agree(self) -> None:
        super().agree()
        if self.result() == self.DialogCode.Accepted:
            self.fields.remember()

    def _show_kind(self) -> None:
        self.say("")
        self.ok.setEnabled(self.fields.ready)
