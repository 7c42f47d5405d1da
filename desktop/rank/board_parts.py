"""The parts of the board, and the room that each has: the cards what they need, the prompt some of the rest."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from core.labeling.pack_check import LONGEST_COMMENT
from desktop import user_settings
from desktop.actions import Action
from desktop.conversation.bubbles import ConversationView
from desktop.conversation.fitted import HIGHEST
from desktop.rank import actions
from desktop.rank.answer_editor import LEAST, SHARE, AnswerEditor
from desktop.rank.card_grid import CardGrid
from desktop.rank.criterion_bar import CriterionBar
from desktop.rank.flag_menu import FlagMenu
from desktop.rank.keys import hint
from desktop.rank.ladder import Ladder
from desktop.rank.prompt_grip import PromptGrip
from desktop.rank.question_bar import QuestionBar
from desktop.theme import theme
from desktop.widgets.aside import Aside
from desktop.widgets.basics import label
from desktop.widgets.bound import bind
from desktop.widgets.elided import ElidedLabel
from desktop.widgets.growing import keep_width

#: Of the board's height the prompt has at most so much while its earlier turns are unfolded.
PROMPT_SHARE = 0.42
#: And its last turn at most so much, whoever wants to see more of it.
LAST_SHARE = 0.27
LEAST_PROMPT = 104
#: A key gives or takes so many pixels.
STEP = 48
SPACING = 12


class BoardParts(QWidget):
    """Nothing happens here: whoever inherits connects them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Ranking")
        self.prompt = ConversationView(self, earlier=actions.EARLIER, size=theme.HEADING + 2, weight=600)
        self.prompt.link.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.prompt.earlier.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.grip = PromptGrip(self)
        self.grip.moved.connect(self.resize_prompt)
        self.grip.reset.connect(lambda: self._give_prompt(0))
        self.note = label("", "warning", wrap=True)
        self.note.hide()
        self.criteria = CriterionBar(self)
        self.question = QuestionBar(self)
        self.grid = CardGrid(self)
        self.grid.setFocusProxy(self)  # which has the keys
        self.ladder = Ladder(self)
        keep_width(self.ladder, 168)
        self.answer = AnswerEditor(self)
        self.answer.seen.connect(self.share_room)
        self.menu = FlagMenu(self)
        self.comment = QLineEdit(self)
        self.comment.setMaxLength(LONGEST_COMMENT)
        bind(actions.COMMENT, self.comment)
        self.comment.setPlaceholderText(f"{actions.COMMENT.title} {actions.COMMENT.hint}")
        self.comment.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.write_button = self._button(actions.WRITE)
        self.mend_button = self._button(actions.MEND)
        self.good_button = self._button(actions.GOOD)
        self.bad_button = self._button(actions.BAD)
        self.flag_button = self._button(actions.FLAG)
        self.undo_button = self._button(actions.UNDO)
        self.skip_button = self._button(actions.LATER)
        self.save_button = self._button(actions.SAVE)
        self.save_button.setProperty("role", "primary")
        self.hint = ElidedLabel(hint("order"), "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()

    def _button(self, action: Action) -> QPushButton:
        """Its keys are the board's: they work only while it has the focus."""
        button = bind(action, QPushButton(self))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setAutoDefault(False)
        return button

    def _lay_out(self) -> None:
        body = QHBoxLayout()
        body.setSpacing(20)
        body.addWidget(self.grid, 1)
        body.addWidget(self.ladder)
        footer = QHBoxLayout()
        footer.setSpacing(8)
        footer.addWidget(self.comment, 1)
        for button in (
            self.write_button,
            self.mend_button,
            self.good_button,
            self.bad_button,
            self.flag_button,
            self.undo_button,
            self.skip_button,
            self.save_button,
        ):
            footer.addWidget(button)
        for has_key in (self.write_button, self.mend_button, self.good_button, self.bad_button):
            Aside(has_key)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        for widget in (self.prompt, self.grip, self.note, self.criteria, self.question):
            layout.addWidget(widget)
        layout.addLayout(body, 1)
        layout.addWidget(self.answer)
        layout.addLayout(footer)
        layout.addWidget(self.hint)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.answer.setFixedHeight(max(LEAST, round(self.height() * SHARE)))
        self.share_room()

    def share_room(self) -> None:
        """Something came, went or grew."""
        others = self.save_button, self.grip, self.hint, self.criteria, self.question, self.note
        heights = [each.sizeHint().height() for each in others if not each.isHidden()]
        ladder = 0 if self.ladder.isHidden() else self.ladder.minimumHeight()
        heights.append(max(self.grid.minimumSizeHint().height(), ladder))
        heights.append(0 if self.answer.isHidden() else self.answer.height())
        taken = sum(heights) + SPACING * len(heights)
        most, wished = self.height() - taken, user_settings.prompt_share()
        share = wished or PROMPT_SHARE
        highest = max(LEAST_PROMPT, min(round(self.height() * share), most))
        self.prompt.set_highest(highest, highest if wished else max(HIGHEST, round(self.height() * LAST_SHARE)))

    def resize_prompt(self, pixels: int) -> None:
        """Give the prompt so many pixels more, and the cards less."""
        self._give_prompt(max(LEAST_PROMPT, self.prompt.sizeHint().height() + pixels) / max(1, self.height()))

    def _give_prompt(self, share: float) -> None:
        user_settings.set_prompt_share(share)
        self.share_room()
