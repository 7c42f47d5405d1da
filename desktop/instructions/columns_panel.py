"""Below a file's name, where somebody asks for it or the file is not understood: its columns, and its encoding."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from core.data import Columns, Inspection
from core.errors import BadInput
from desktop.instructions.column_mapper import ColumnMapper
from desktop.instructions.encoding_box import EncodingBox
from desktop.instructions.kept_mappings import KeptMappings
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row


class ColumnsPanel(QFrame):
    """`changed` says that the file is to be read otherwise from now on."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.encoding = ""
        self.has_columns = False
        self.is_guess, self.guessed_encoding = False, ""
        """The file is read by columns, and in an encoding, that nobody chose."""
        self._fresh = True
        self.mapper = ColumnMapper(self)
        self.kept = KeptMappings(self)
        self.box = EncodingBox(self)
        self.box.setMaximumWidth(theme.widened(230))
        self.none = label("It is a text without columns: each line is a prompt.", "muted", wrap=True)
        foot = row(self.kept, None, self.box, spacing=SPACE)
        layout = column(self.mapper, self.none, foot, spacing=SPACE)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        self.setLayout(layout)
        self.mapper.changed.connect(self._changed)
        self.kept.chosen.connect(self._choose)
        self.box.picked.connect(self._encode)

    @property
    def columns(self) -> Columns | None:
        return self.mapper.columns

    @property
    def is_wanting(self) -> bool:
        """Is something to be said first, so that it can be read?"""
        return self.mapper.is_wanting

    def forget_file(self) -> None:
        """Another file comes."""
        self._fresh, self.is_guess, self.guessed_encoding = True, False, ""

    def show_file(self, found: Inspection) -> None:
        self.encoding = found.options.encoding
        self.guessed_encoding = found.encoding or self.guessed_encoding
        self.has_columns = bool(found.rows)
        self.box.show_encoding(self.encoding)
        self.mapper.show_file(found, anew=self._fresh)
        self._fresh = False
        self.mapper.setVisible(self.has_columns)
        self.kept.setVisible(self.has_columns)
        self.none.setVisible(not self.has_columns)
        self.kept.show_columns(self.mapper.columns)

    def take_guess(self) -> bool:
        """Read by what was guessed, if rows could be made with it; says whether."""
        try:
            self.mapper.guess.checked()
        except BadInput:
            return False
        self._choose(self.mapper.guess)
        self.is_guess = True
        return True

    @property
    def guesses(self) -> list[str]:
        """What nobody said and a person is to look at, as sentences."""
        encoding = f"Nothing in the file says its encoding; {self.guessed_encoding} is a guess: are all letters right?"
        columns = "Nothing in the file says which column is what, so that is a guess: look at it before you import."
        return [
            sentence for is_guess, sentence in ((self.guessed_encoding, encoding), (self.is_guess, columns)) if is_guess
        ]

    def focus_first(self) -> None:
        """Go to where a choice begins."""
        if self.has_columns:
            self.mapper.focus_first()
        else:
            self.box.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return in one of its fields ends here: it must not import."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    def _choose(self, columns: Columns) -> None:
        self.mapper.choose(columns, used=True)
        self._changed()

    def _encode(self, name: str) -> None:
        self.encoding, self.guessed_encoding = name, ""
        self.changed.emit()

    def _changed(self) -> None:
        self.is_guess = False
        self.kept.show_columns(self.mapper.columns)
        self.changed.emit()
