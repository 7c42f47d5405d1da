"""How a project's conversations reach the model is chosen in the settings, and an example shows what comes of it."""

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QWidget

from core.config.chat import Chat
from core.config.options import documented
from core.conversation import Conversation
from core.machine.reading import Reader, Reading
from core.store import Project, chat_settings
from desktop.session import Session
from desktop.settings.conversations_page import ConversationsPage
from desktop.settings.dialog import SettingsDialog


class StandIn(Reader):
    """Answers at once with the system prompt before the text; the real one takes seconds to begin."""

    def ask(self, project: Project, conversation: Conversation) -> Reading:
        said = chat_settings.get(project).system_prompt + conversation.text
        return Reading("tiny", ((said, False),), len(said), 256)


@pytest.fixture
def page(qtbot, session: Session) -> ConversationsPage:
    session.reader = StandIn()
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    dialog = SettingsDialog(session, parent)
    dialog.open()
    dialog.pages.setCurrentWidget(dialog.conversations)
    yield dialog.conversations
    parent.close()


def reads(qtbot, page: ConversationsPage, text: str) -> None:
    qtbot.waitUntil(lambda: page.view.text.isVisible() and page.view.text.whole == text)


def test_a_choice_is_kept_told_and_seen_in_the_example_and_undone(qtbot, page: ConversationsPage) -> None:
    session, fields = page.session, page.form.form.fields
    assert set(fields) == {item.name for item in documented(Chat)}
    reads(qtbot, page, "question 1?")
    told = []
    session.changed.connect(lambda changes, origin: told.append(changes.label))
    fields["system_prompt"].setFocus()
    QTest.keyClicks(fields["system_prompt"], "Be kind.")
    fields["system_prompt"].insertPlainText("\nBe brief. ")
    fields["chat_date"].setFocus()
    if not QApplication.activeWindow():
        page.finish()
    assert chat_settings.get(session.project).system_prompt == "Be kind.\nBe brief. "
    assert told == ["Change how conversations are put"]
    reads(qtbot, page, "Be kind.\nBe brief. question 1?")
    fields["thinking"].setCurrentIndex(fields["thinking"].findData("off"))
    assert chat_settings.get(session.project).thinking == "off" and len(told) == 2
    session.replay("undo")
    session.replay("undo")
    assert chat_settings.get(session.project).system_prompt == ""
    assert fields["system_prompt"].text() == "" and fields["thinking"].currentData() == "template"
    reads(qtbot, page, "question 1?")


def test_what_cannot_be_is_a_sentence_and_what_is_typed_counts_when_the_dialog_closes(page: ConversationsPage) -> None:
    session, fields = page.session, page.form.form.fields
    before = chat_settings.get(session.project)
    fields["chat_date"].clear()
    QTest.keyClicks(fields["chat_date"], "tomorrow")
    page.finish()
    (box,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible())
    assert "“Chat date” must be a day" in box.informativeText()
    box.close()
    assert chat_settings.get(session.project) == before
    fields["chat_date"].setText("2026-01-31")
    fields["chat_date"].setModified(True)
    QTest.keyClicks(fields["stop"], "END|\\n\\n")
    page.window().accept()
    found = chat_settings.get(session.project)
    assert (found.chat_date, found.stops) == ("2026-01-31", ("END", "\n\n"))


def test_choices_that_cannot_be_read_are_said_and_the_settings_open(qtbot, session: Session) -> None:
    session.project.set_setting("thinking", "sideways")
    page = ConversationsPage(session)
    qtbot.addWidget(page)
    assert page.form is None and any("cannot be read" in each.text() for each in page.findChildren(QLabel))
    page.look()


def test_without_a_project_there_is_nothing_to_choose(qtbot) -> None:
    page = ConversationsPage(None)
    qtbot.addWidget(page)
    assert page.form is None
    page.look()
    page.finish()
