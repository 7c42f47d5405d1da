"""A labeler writes an answer of their own, or mends one, among the cards: what is begun is kept, and asked about before
the item is left without it.
"""

from functools import partial

from PySide6.QtCore import QObject

from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.editor import ItemEditor
from core.labeling.ordering import letter
from desktop.rank.board import RankingBoard
from desktop.rank.controller import RankingController
from desktop.rank.keys import BINDINGS
from desktop.widgets.unwritten import HELD, Held

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
        self._open = 0, 0, NEW
        """Where the editor writes: labeler, group, and the completion that is mended."""
        self._held = Held(board)
        """What could not be written, by such a place."""
        self._held.throttle.tried.connect(self._tell_held)
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
        begun = self._begun(editor.answers, group.id)
        texts = {item.id: item.text for item in group.completions}
        place = of if of in texts else NEW
        if place == NEW and NEW not in begun:
            told_of = self._warned == group.id
            place = next((each for each in begun if told_of or each not in texts), NEW)
        of = place if place in texts else NEW
        heading = OWN if of == NEW else f"Mend {letter(editor.ordering.shown.index(of))}"
        self.board.answer.leave()
        begun_text = editor.answers.open(group.id, place)
        self._open = editor.answers.labeler_id, group.id, place
        held = self._held.take(self._open)
        keep = partial(self._keep, editor.answers, group.id, place)
        stay = partial(editor.answers.keep_again, group.id, place)
        begun_text = begun_text if held is None else held
        self.board.answer.beside = partial(editor.answers.beside, group.id, place)
        self.board.answer.open_editor(heading, texts.get(of, ""), of, begun_text, keep, stay)
        if held is not None:
            self.board.answer.keep()

    def save(self) -> None:
        """Store the order; what is begun and not added is told of once."""
        self.board.answer.leave()
        editor = self._editor
        group = editor.item.group.id if editor is not None and editor.item is not None else 0
        if editor is not None and group != self._warned and self._begun(editor.answers, group):
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
        self.board.show_begun(editor is not None and bool(self._begun(editor.answers, group)))

    def leave(self) -> None:
        """The project is about to close."""
        self.board.answer.end()
        self._held.throttle.end()

    def _keep(self, answers: AnswerDrafts, group_id: int, of: int, text: str) -> None:
        """Write it; what cannot be written is held, and is there when it is opened again."""
        key = answers.labeler_id, group_id, of
        self._held.hold(key, text, partial(answers.keep, group_id, of, text))
        answers.keep(group_id, of, text)
        self._held.take(key)
        self.board.show_begun(bool(self._begun(answers, group_id)))

    def _begun(self, answers: AnswerDrafts, group_id: int) -> list[int]:
        """Which completions of a group an answer is begun of, `NEW` for none."""
        place = answers.labeler_id, group_id
        held = (key[2] for key, text in self._held.texts.items() if text and key[:2] == place)
        return list(dict.fromkeys((*answers.begun(group_id), *held)))

    def _tell_held(self) -> None:
        if self._held.throttle.failed and self.board.answer.isHidden():
            self.board.say(HELD.format(self._held.throttle.why))

    def _finish(self, text: str, of: int) -> None:
        """Add it; what cannot be added is told of beside it."""
        refused = self.controller.write(text, of or None)
        if refused:
            self.board.answer.say(refused, "error")
        else:
            self._held.take(self._open)
            self.board.answer.put_away()
            self.board.select(len(self.board.ordering.shown) - 1)  # where it stands for whoever wrote it
            self.board.setFocus()
