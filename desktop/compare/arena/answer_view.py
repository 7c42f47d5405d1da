"""One of the answers of a question: its letter and its text, and nothing that tells who wrote it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from core.store.arenas import ArenaAnswer
from core.texts import shown
from desktop import user_settings
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.letter_chip import LetterChip
from desktop.widgets.markdown_view import set_markdown
from desktop.widgets.strangers import WAY, Reading

CUT = "Cut off at the length limit"
NOTHING = "(an empty answer)"


class AnswerView(QFrame):
    """Kept for the next question: making one takes longer than painting it."""

    def __init__(self, letter: str, side: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName(f"Answer {letter}")
        self._answer: ArenaAnswer | None = None
        self._look: tuple[object, ...] = ()
        self.text = Reading(self)
        self.text.setAccessibleName(f"Text of answer {letter}" + (f", at the {side}" if side else ""))
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.viewport().setAutoFillBackground(False)
        self.text.document().setDocumentMargin(2)
        self.foot = label(CUT, "small")
        self.chip = LetterChip(letter, self)
        self.head = row(self.chip, None, self.foot)
        layout = column(self.head, self.text, spacing=SPACE)
        layout.setContentsMargins(14, 12, 8, 10)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        theme.notifier.changed.connect(self.read_settings)

    def show_answer(self, answer: ArenaAnswer) -> None:
        """Show another answer, from its beginning."""
        self._answer = answer
        self.read_settings()
        self.text.verticalScrollBar().setValue(0)
        self.foot.setVisible(not answer.ended)
        self.setAccessibleDescription(f"{'' if answer.ended else CUT + '. '}{shown(answer.text)}")

    def read_settings(self) -> None:
        """Show the text in the size and the form (Markdown or raw) that is chosen for the cards in Rank."""
        size, markdown = theme.enlarged(user_settings.font_size()), user_settings.card_view("markdown")
        look = (self._answer, size, markdown, theme.current().name)
        if self._answer is None or look == self._look:
            return
        self._look = look
        self.text.setStyleSheet(
            f"QTextEdit {{ background: transparent; border: none; padding: 0; font-size: {size}px; }}"
        )
        text = self._answer.text if self._answer.text.strip() else NOTHING
        if markdown:
            set_markdown(self.text, text, modest=True, way=WAY)
        else:
            self.text.show_text(text)

    def scroll_pages(self, pages: int) -> None:
        """By what is seen of it, and a line less."""
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.value() + pages * max(24, bar.pageStep() - 24))
