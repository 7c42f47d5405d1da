"""A labeler writes an answer of their own, or mends one, among the cards: what is begun is kept, and asked about before
the item is left without it.
"""

from functools import partial

from PySide6.QtCore import QObject

from core.labeling.answer_drafts import NEW
from core.labeling.editor import ItemEditor
from core.labeling.ordering import letter
from desktop.rank.board import RankingBoard
from desktop.rank.controller import RankingController
from desktop.rank.keys import BINDINGS

OWN = "Your own answer"
LEFT_BEHIND = (
    "You began an answer that is not added yet: "
    f"{BINDINGS['write'].shown} goes on with it, {BINDINGS['save'].shown} once more saves without it."
)


class Answering(QObject):
    """Between the board, on which an answer is written, and the labeler's session, which keeps it."""

    def __init__(self, board: RankingBoard, controller: RankingController, parent: QObject) -> None:
        super().__init__(parent)
        self.board, self.controller = board, controller
        self._shown: tuple[ItemEditor | None, int] = None, 0
        self._warned = 0
        board.writing.connect(self.open_for)
        board.saving.connect(self.save)
        board.answer.finished.connect(self._finish)
        board.answer.closed.connect(board.setFocus)

    @property
    def _editor(self) -> ItemEditor | None:
        labeling = self.controller.labeling
        return labeling.editor if labeling is not None and labeling.editor.item is not None else None

    def open_for(self, of: int) -> None:
        """Write an answer of one's own, or one made of the completion `of`; what is begun there comes first. What was
        begun of one that is gone becomes an answer of one's own."""
        editor = self._editor
        if editor is None or editor.item is None:
            return
        group = editor.item.group
        begun = editor.answers.begun(group.id)
        texts = {item.id: item.text for item in group.completions}
        place = of if of in texts else NEW
        if place == NEW and NEW not in begun:
            told_of = self._warned == group.id
            place = next((each for each in begun if told_of or each not in texts), NEW)
        of = place if place in texts else NEW
        heading = OWN if of == NEW else f"Mend {letter(editor.ordering.shown.index(of))}"
        self.board.answer.leave()
        begun_text = editor.answers.open(group.id, place)
        keep = partial(self._keep, editor, group.id, place)
        self.board.answer.open_editor(heading, texts.get(of, ""), of, begun_text, keep)

    def save(self) -> None:
        """Store the order; what is begun and not added is told of once."""
        self.board.answer.leave()
        editor = self._editor
        group = editor.item.group.id if editor is not None and editor.item is not None else 0
        if editor is not None and group != self._warned and editor.answers.begun(group):
            self._warned = group
            self.board.say(LEFT_BEHIND)
        else:
            self.controller.save()

    def show_item(self) -> None:
        """Another item is on the table, or the same one with other answers."""
        editor = self._editor
        group = editor.item.group.id if editor is not None and editor.item is not None else 0
        if (editor, group) != self._shown:
            self.board.answer.leave()
            self.board.answer.put_away()
            self._shown, self._warned = (editor, group), 0
        if self.board.answer.of not in (NEW, *(editor.ordering.shown if editor is not None else ())):
            self.board.answer.mend_none(OWN)
        begun = editor is not None and bool(editor.answers.begun(group))
        self.board.show_begun(begun)

    def _keep(self, editor: ItemEditor, group_id: int, of: int, text: str) -> None:
        editor.answers.keep(group_id, of, text)
        self.board.show_begun(bool(editor.answers.begun(group_id)))

    def _finish(self, text: str, of: int) -> None:
        """Add it; what cannot be added is told of beside it."""
        refused = self.controller.write(text, of or None)
        if refused:
            self.board.answer.say(refused, "error")
        else:
            self.board.answer.put_away()
            self.board.select(len(self.board.ordering.shown) - 1)  # where it stands for whoever wrote it
            self.board.setFocus()
