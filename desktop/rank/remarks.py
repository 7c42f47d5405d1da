"""Comments that could not be written when they were typed: held, tried again, and there when their item is."""

from functools import partial

from PySide6.QtCore import QObject

from core.labeling.drafts import ChangedElsewhere
from core.labeling.editor import ItemEditor
from desktop.rank.board import RankingBoard
from desktop.rank.controller import RankingController
from desktop.widgets.unwritten import Held

HELD = "Your comment is not written yet: {} It is held as long as this window is open."


class Remarks(QObject):
    """Between the board, on which a comment is typed, and the labeler's session, which keeps it."""

    def __init__(self, board: RankingBoard, controller: RankingController, parent: QObject) -> None:
        super().__init__(parent)
        self.board, self.controller = board, controller
        self._held = Held(board)
        """By labeler and group."""
        self._held.throttle.tried.connect(self._tell)
        board.commented.connect(self._comment)
        controller.kept.connect(self._forget)

    def show_item(self) -> None:
        """Another item is about to be shown: with what is held for it."""
        editor = self._editor
        if editor is None or editor.item is None or not self._held.texts:
            return
        self._held.throttle.flush()
        held = self._held.texts.get((editor.labeler.id, editor.item.group.id))
        if held is not None:
            editor.recall(held)

    def leave(self) -> None:
        """The project is about to close."""
        self._held.throttle.end()

    @property
    def _editor(self) -> ItemEditor | None:
        return self.controller.labeling.editor if self.controller.labeling is not None else None

    def _comment(self, text: str) -> None:
        editor = self._editor
        if editor is None or editor.item is None:
            return
        group = editor.item.group.id
        if self.controller.comment(text):
            self._held.take((editor.labeler.id, group))
        else:
            self._held.hold((editor.labeler.id, group), text, partial(self._write, editor, group, text))

    def _write(self, editor: ItemEditor, group: int, text: str) -> None:
        try:
            editor.keep_comment(group, text)
        except ChangedElsewhere:  # it joins what is there now
            self.controller.item_changed.emit()
            editor.keep_comment(group, text)

    def _forget(self, group: int) -> None:
        if self.controller.labeling is not None:
            self._held.take((self.controller.labeling.labeler.id, group))

    def _tell(self) -> None:
        if self._held.throttle.failed:
            self.board.say(HELD.format(self._held.throttle.why))
