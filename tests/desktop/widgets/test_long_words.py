"""A long word that is pasted takes no longer than any other text, wherever a text is written."""

import time

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from desktop.conversation.message_box import MessageBox
from desktop.conversation.pasting import PastingBox
from desktop.conversation.talk_bar import TalkBar
from desktop.reward.actions import TALK


def system_turn() -> QPlainTextEdit:
    return TalkBar(TALK).system


@pytest.mark.parametrize("make", [MessageBox, PastingBox, system_turn])
def test_a_long_word_is_laid_out_at_once(qtbot, make) -> None:
    field, page = make(), QWidget()
    page.setLayout(QVBoxLayout())
    page.layout().addWidget(field)
    field.show()
    qtbot.addWidget(page)
    page.show()
    pasted = QMimeData()
    pasted.setText("a" * 200_000)
    begun = time.thread_time()
    field.insertFromMimeData(pasted)
    field.grab()
    assert time.thread_time() - begun < 0.7
    assert field.toPlainText() == pasted.text()
