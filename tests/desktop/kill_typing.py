"""`python -m tests.desktop.kill_typing FOLDER KEYS MILLISECONDS`: types into every field whose text is kept.

In the real window, a key into each of them in turn; it tells after each round how many. Whoever started it kills it.
"""

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from core.jobs import launch
from desktop.app import build
from desktop.instructions.conversation_dialog import ConversationDialog
from desktop.places import PageId, TabId
from desktop.window import Window


def fields(window: Window) -> list[QWidget]:
    """What is typed into: the guidelines, new and old prompts, a conversation, texts to score and to compare with their
    system turns, a comment, an answer."""
    page = window.page
    assert page is not None
    instructions, reward = page.open_tab(TabId.INSTRUCTIONS), page.open_tab(TabId.REWARD)
    instructions.prompts.table.selectRow(0)
    reward.open_page(PageId.TRY_IT)
    playground, compare, rank = reward.playground, page.open_tab(TabId.COMPARE), page.open_tab(TabId.RANK)
    rank.board.write_button.click()
    talk = ConversationDialog(instructions.session, instructions.prompts)
    talk.show()
    return [
        *instructions.guidelines.editors.values(), instructions.prompts.adding.new_text,
        instructions.prompts.selected.text, playground.prompt, playground.completion, compare.prompt,
        playground.bar.system, compare.bar.system, rank.board.comment, rank.board.answer.field,
        talk.editor.turns[0].text,
    ]  # fmt: skip


def main() -> None:
    folder, keys, pause = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    launch.ensure_worker = lambda *arguments, **options: None
    app, window = build([str(folder)])
    window.show()
    while window.page is None:
        app.processEvents()
    found = fields(window)
    for number in range(keys):
        for field in found:
            QTest.keyClicks(field, "x")
        print(number + 1, flush=True)
        QTest.qWait(pause)
    QTest.qWait(60_000)


if __name__ == "__main__":
    main()
